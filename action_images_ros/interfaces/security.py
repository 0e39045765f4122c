"""The SROS2 policy of the graph, made from the tables of nodes, topics and services. Importing this needs no ROS.

One enclave per node: it may publish and subscribe to what its rows say, answer its own services, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

from ..drivers.table import GRIPPER_INTERFACES, POSE_INTERFACES
from .nodes import NODES, nodes_for
from .services import services_of
from .topics import TOPICS, topic_names

__all__ = ["ENCLAVE", "sros2_policy"]

ENCLAVE = "/action_images"
_USER = "user"
_PUBLISHED = ("/rosout", "/parameter_events", "{node}/transition_event", "{node}/heartbeat", "/diagnostics")


def sros2_policy(
    robot: str,
    namespace: str,
    cameras: Sequence[str],
    *,
    bridge: Mapping[str, str] | None = None,
    label: bool = False,
) -> str:
    """The policy file (XML) for `ros2 security create_permission`, with an enclave per node and one for the user.

    bridge: parameters of robot_bridge (pose_interface, pose_target, gripper_interface, gripper_target; those left out
    are the usual ones), None where the robot's file has no such section.
    """
    root = ElementTree.Element("policy", {"version": "0.2.0"})
    enclaves = ElementTree.SubElement(root, "enclaves")
    nodes = [node.name for node in nodes_for(robot, label) if bridge is not None or node.name != "robot_bridge"]
    for name in nodes:
        published, subscribed = _topics(name, cameras, nodes)
        profile = _profile(enclaves, name, namespace)
        _list(profile, "topics", "publish", "topic", [*published, *(p.format(node=name) for p in _PUBLISHED)])
        _list(profile, "topics", "subscribe", "topic", [*subscribed, "/clock", "/parameter_events"])
        _list(profile, "services", "reply", "service", [f"{name}/{service}" for service in services_of(name)])
        if name == "robot_bridge" and bridge is not None:
            _driver(profile, bridge)
    _user(enclaves, namespace, cameras, nodes)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _profile(enclaves: ElementTree.Element, name: str, namespace: str) -> ElementTree.Element:
    enclave = ElementTree.SubElement(enclaves, "enclave", {"path": f"{ENCLAVE}/{name}"})
    profiles = ElementTree.SubElement(enclave, "profiles")
    node = "action_images_user" if name == _USER else name
    return ElementTree.SubElement(profiles, "profile", {"ns": f"/{namespace}".rstrip("/") or "/", "node": node})


def _list(profile: ElementTree.Element, group: str, permission: str, entry: str, names: Iterable[str]) -> None:
    names = sorted(set(names))
    if names:
        element = ElementTree.SubElement(profile, group, {permission: "ALLOW"})
        for name in names:
            ElementTree.SubElement(element, entry).text = name


def _topics(name: str, cameras: Sequence[str], nodes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of the topics that a node publishes and subscribes to."""
    names = topic_names(TOPICS, cameras)
    published = [topic for topic, row in names.items() if name in row.publishers + row.instead]
    subscribed = [topic for topic, row in names.items() if name in row.subscribers]
    if name == "robot_bridge":  # in the driver's place
        published += ["current_pose"]
        subscribed += ["target_pose", "gripper_command", "joint_states", "current_pose"]
    if name == "arm_command":
        subscribed += [f"{other}/heartbeat" for other in sorted({node.name for node in NODES} - {name})]
    return published, subscribed


def _driver(profile: ElementTree.Element, bridge: Mapping[str, str]) -> None:
    """What robot_bridge needs of the robot's own drivers."""
    arm = POSE_INTERFACES[bridge.get("pose_interface", "crisp")]
    hand = GRIPPER_INTERFACES[bridge.get("gripper_interface", "topic")]
    targets = (
        (arm.kind, bridge.get("pose_target") or arm.target),
        (hand.kind, bridge.get("gripper_target") or hand.target),
    )
    direct = (arm.direct, hand.direct)  # the driver itself subscribes to the graph's topic
    topics = [target for (kind, target), own in zip(targets, direct, strict=True) if kind == "topic" and not own]
    services = [target for kind, target in targets if kind == "service"]
    actions = [target for kind, target in targets if kind == "action"]
    if hand.name == "franka_hand":
        actions = [f"{target}/{action}" for target in actions for action in ("move", "grasp")]
    if arm.name == "moveit_servo":
        services.append(f"{targets[0][1].rsplit('/', 1)[0]}/switch_command_type")
    if arm.name.startswith("xarm"):
        prefix = targets[0][1].rsplit("/", 1)[0]
        services += [f"{prefix}/set_mode", f"{prefix}/set_state"]
    _list(profile, "topics", "publish", "topic", topics)
    states = [bridge.get("xarm_states", "xarm/robot_states")] if bridge.get("pose_source") == "xarm" else []
    _list(profile, "topics", "subscribe", "topic", ["/tf", "/tf_static", *states])
    _list(profile, "services", "request", "service", services)
    _list(profile, "actions", "call", "action", actions)


def _user(enclaves: ElementTree.Element, namespace: str, cameras: Sequence[str], nodes: Sequence[str]) -> None:
    """Who speaks, enables, approves and stops: one person's enclave, that may not publish commands."""
    names = topic_names(TOPICS, cameras)
    profile = _profile(enclaves, _USER, namespace)
    _list(
        profile,
        "topics",
        "publish",
        "topic",
        [name for name, row in names.items() if "user" in row.outside and not row.publishers],
    )
    _list(profile, "topics", "subscribe", "topic", [*names, *(f"{node}/heartbeat" for node in nodes)])
    _list(profile, "services", "request", "service", [f"{n}/{service}" for n in nodes for service in services_of(n)])
