"""From the driver running to the first approved motion: what a robot's graph has, lacks or has wrong, and the remedy.

`action-images check-robot ROBOT` listens for a few seconds and changes nothing: it publishes no command and calls no
service that moves anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..drivers.pose_checks import MISSING, OK, UNCHECKED, WRONG, Finding
from ..interfaces import topics
from ..interfaces.finger_joints import openness_from_joints
from ..ros import qos
from ..ros.conversions import (
    intrinsics_from_camera_info,
    ns_from_stamp,
    pose7_from_pose_stamped,
)
from ..ros.images import rgb_from_message
from ..ros.transforms import HAS_TF, NoTransform, TransformSource
from .options import GraphOptions, effective_parameters, processes

__all__ = ["Listener", "check_robot", "findings"]

_OWN_NODES = {"policy", "label", "view", "decoder", "arm_command", "action_images_user"}
_POSE_HZ, _IMAGE_HZ, _JOINTS_HZ = 10.0, 1.0, 5.0
_SKEW_S = 0.3


@dataclass
class _Heard:
    """Of one topic: how many messages in the steady seconds from the first to the last, and the newest."""

    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    newest: Any = None
    skew_s: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second; 0 with fewer than two."""
        return (self.count - 1) / (self.last_s - self.first_s) if self.last_s > self.first_s else 0.0


@dataclass
class Listener:
    """Listens to a robot's graph through `node`. parameters: of every node of it, by the node's name."""

    node: Node
    parameters: Mapping[str, Mapping[str, Any]]
    heard: dict[str, _Heard] = field(default_factory=dict)
    nodes: dict[str, tuple[bool, str]] = field(default_factory=dict)
    transforms: Any = None

    def __post_init__(self) -> None:
        policy = self.parameters["policy"]
        self.cameras: list[str] = list(policy.get("cameras", []))
        self.base = str(policy.get("base_frame", "base"))
        suffix = "/compressed" if policy.get("image_transport") == "compressed" else ""
        self.image = f"<cam>/image_raw{suffix}"
        for name in ("current_pose", "joint_states", "robot_check"):
            self._listen(name, None)
        for camera in self.cameras:
            for name in (self.image, "<cam>/camera_info", "<cam>/pose"):
                self._listen(name, camera)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.EVENTS)
        if HAS_TF:
            self.transforms = TransformSource(self.node)

    def _listen(self, name: str, camera: str | None) -> None:
        row, full = topics.topic(name), topics.topic_name(name, camera)
        entry = self.heard.setdefault(full, _Heard())

        def note(message: Any) -> None:
            now_s = time.monotonic()
            entry.count, entry.newest, entry.last_s = entry.count + 1, message, now_s
            if entry.count == 1:
                entry.first_s = now_s
            if hasattr(message, "header"):
                entry.skew_s = (self.node.get_clock().now().nanoseconds - ns_from_stamp(message.header.stamp)) * 1e-9

        self.node.create_subscription(topics.message_type(row.type), full, note, qos.PROFILES[row.qos])

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        space = self.node.get_namespace().strip("/")
        for status in message.status:
            name = status.name.strip("/")
            if name.rpartition("/")[0] == space:
                self.nodes[name.rpartition("/")[2]] = (status.level == b"\x00", status.message)


def _silent(name: str, heard: _Heard, remedy: str) -> Finding | None:
    return None if heard.count else Finding(name, MISSING, f"nothing came on {name}; {remedy}")


def _paced(name: str, heard: _Heard, least: float, message: str) -> Finding:
    """The last question: whether it comes often enough."""
    if heard.count > 1 and heard.rate < least:
        return Finding(
            name, WRONG, f"{name} comes at {heard.rate:.1f} Hz; the driver must publish {least:g} Hz or more"
        )
    return Finding(name, OK, f"{heard.rate:.0f} Hz, {message}")


def _clock(name: str, heard: _Heard) -> Finding | None:
    if abs(heard.skew_s) > _SKEW_S:
        return Finding(
            name,
            WRONG,
            f"the stamp of {name} is {heard.skew_s:.2f} s behind this machine's clock; synchronise the clocks (chrony, "
            "ptp) or set use_sim_time alike everywhere",
        )
    return None


def _pose(listener: Listener) -> Finding:
    name, heard = "current_pose", listener.heard["current_pose"]
    remedy = "start the driver's pose broadcaster, or set pose_source of robot_bridge"
    wrong = _silent(name, heard, remedy) or _clock(name, heard)
    if wrong is not None:
        return wrong
    try:
        pose = pose7_from_pose_stamped(heard.newest, listener.base, name)
    except ValueError as error:
        return Finding(name, WRONG, str(error))
    limits = listener.parameters["arm_command"]
    low, high = limits.get("workspace_min"), limits.get("workspace_max")
    if low and high and not (np.less_equal(low, pose[:3]).all() and np.less_equal(pose[:3], high).all()):
        return Finding(
            name,
            WRONG,
            f"the arm is at {np.round(pose[:3], 3).tolist()} m, outside the workspace {list(low)} to {list(high)}; "
            "move it inside by hand, or correct workspace_min and workspace_max",
        )
    return _paced(name, heard, _POSE_HZ, f"in {listener.base}, inside the workspace")


def _joints(listener: Listener) -> Finding:
    name, heard, policy = "joint_states", listener.heard["joint_states"], listener.parameters["policy"]
    wrong = _silent(name, heard, "start the joint state broadcaster") or _clock(name, heard)
    if wrong is not None:
        return wrong
    fingers = [joint for joint in policy.get("finger_joints", []) if joint]
    positions = dict(zip(heard.newest.name, heard.newest.position, strict=False))
    missing = [joint for joint in fingers if joint not in positions]
    if missing or not fingers:
        return Finding(
            name,
            WRONG,
            f"joint_states has {', '.join(sorted(positions)) or 'no joints'}, not the gripper's {missing or fingers}; "
            "start the gripper's driver, or correct finger_joints",
        )
    try:
        openness = openness_from_joints(
            float(sum(positions[joint] for joint in fingers)),
            float(policy.get("finger_closed", 0.0)),
            float(policy.get("finger_open", 0.08)),
        )
    except ValueError as error:
        return Finding(name, WRONG, str(error))
    return _paced(name, heard, _JOINTS_HZ, f"the gripper is {100 * openness:.0f} % open")


def _camera(listener: Listener, camera: str) -> list[Finding]:
    image = topics.topic_name(listener.image, camera)
    heard, info = listener.heard[image], listener.heard[f"{camera}/camera_info"]
    found = [_silent(image, heard, "start the camera's driver, or correct cameras") or _clock(image, heard)]
    frame, size = "", None
    if heard.newest is not None:
        frame = heard.newest.header.frame_id
        try:
            size = rgb_from_message(heard.newest).shape[:2]
        except ValueError as error:
            found.append(Finding(image, WRONG, f"{image}: {error}"))
    name = f"{camera}/camera_info"
    if info.newest is None:
        found.append(Finding(name, MISSING, f"nothing came on {name}; calibrate the camera and publish it"))
    else:
        try:
            _, expected = intrinsics_from_camera_info(info.newest)
            if size is not None and tuple(expected) != tuple(size):
                raise ValueError(f"it is for {expected[1]}x{expected[0]}, the image is {size[1]}x{size[0]}")
        except ValueError as error:
            found.append(Finding(name, WRONG, f"{name}: {error}"))
    found.append(_camera_pose(listener, camera, frame))
    wrong = [finding for finding in found if finding is not None and finding.state in (WRONG, MISSING)]
    return wrong or [_paced(camera, heard, _IMAGE_HZ, "camera_info and pose fit")]


def _camera_pose(listener: Listener, camera: str, frame: str) -> Finding | None:
    policy = listener.parameters["policy"]
    if listener.heard[f"{camera}/pose"].newest is not None or policy.get("calibration_file"):
        return None
    why = "tf2_ros is not installed"
    if listener.transforms is not None and frame:
        try:
            listener.transforms.lookup(listener.base, frame)
            return None
        except (NoTransform, ValueError) as error:
            why = str(error)
    return Finding(
        f"{camera}/pose",
        MISSING,
        f"no pose of {camera} in {listener.base} ({why}); publish the transform or {camera}/pose, or set "
        "calibration_file",
    )


def _commands(listener: Listener) -> list[Finding]:
    node, found = listener.node, []
    publishers = sorted(
        info.node_name for info in node.get_publishers_info_by_topic(node.resolve_topic_name("target_pose"))
    )
    name = "target_pose"
    if publishers == ["arm_command"]:
        found.append(Finding(name, OK, "published by arm_command alone"))
    elif not publishers:
        found.append(Finding(name, MISSING, "nobody publishes target_pose; start the graph (policy.launch.py)"))
    else:
        found.append(
            Finding(
                name,
                WRONG,
                f"target_pose is published by {', '.join(publishers)}; one node commands an arm: stop the others",
            )
        )
    for name in ("target_pose", "gripper_command"):
        listeners = {info.node_name for info in node.get_subscriptions_info_by_topic(node.resolve_topic_name(name))}
        if not listeners - _OWN_NODES:
            found.append(
                Finding(
                    name, MISSING, f"no driver subscribes to {name}; start it, or give the robot's file a robot_bridge"
                )
            )
    return found


def _graph(listener: Listener) -> list[Finding]:
    found = []
    for name in listener.parameters:
        good, message = listener.nodes.get(name, (False, ""))
        if name not in listener.nodes:
            found.append(Finding(name, MISSING, f"node {name} is not heard of on /diagnostics; start the graph"))
        elif not good and "instruction is empty" not in message:
            found.append(Finding(name, WRONG, f"{name}: {message}"))
        else:
            found.append(Finding(name, OK, message[:200]))
    if "robot_bridge" in listener.parameters:
        check = listener.heard["robot_check"].newest
        if check is None:
            found.append(Finding("robot_check", MISSING, "nothing came on robot_check; start robot_bridge"))
        else:
            state = {b"\x00": OK, b"\x01": UNCHECKED}.get(check.level, WRONG)
            found.append(Finding("robot_check", state, check.message))
    return found


def findings(listener: Listener) -> list[Finding]:
    """What was heard, judged, in the order in which a user mends it: the robot, its cameras, the graph."""
    cameras = [finding for camera in listener.cameras for finding in _camera(listener, camera)]
    return [_pose(listener), _joints(listener), *cameras, *_commands(listener), *_graph(listener)]


def check_robot(
    robot: str,
    *,
    namespace: str | None = None,
    cameras: Sequence[str] = (),
    params_file: str = "",
    seconds: float = 5.0,
    tell: Callable[[str], None] = print,
) -> int:
    """Listen for `seconds`, tell one line per finding and what comes next; 0: all is there, 1: something is not."""
    specs = processes(GraphOptions(robot=robot, namespace=namespace, cameras=tuple(cameras), params_file=params_file))
    context = Context()
    rclpy.init(args=[], context=context)
    try:
        node = rclpy.create_node(
            "action_images_user",
            namespace=specs[0].namespace,
            context=context,
            parameter_overrides=[Parameter("use_sim_time", value=bool(specs[0].parameters["use_sim_time"]))],
        )
        listener = Listener(node, {spec.node.name: effective_parameters(spec) for spec in specs})
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)
        found = findings(listener)
        executor.shutdown()
        node.destroy_node()
    finally:
        context.try_shutdown()
    for finding in found:
        tell(f"{finding.state:9} {finding.item}: {finding.message}")
    bad = [finding for finding in found if finding.state in (WRONG, MISSING)]
    space = f"/{specs[0].namespace}".rstrip("/")
    if bad:
        tell(f"next: {bad[0].message}")
        return 1
    tell(f"next: ros2 topic pub --once {space}/instruction std_msgs/msg/String \"{{data: 'lift the red block'}}\"")
    tell(f'      ros2 service call {space}/arm_command/enable std_srvs/srv/SetBool "{{data: true}}"')
    tell(f"      ros2 service call {space}/arm_command/approve std_srvs/srv/Trigger")
    return 0
