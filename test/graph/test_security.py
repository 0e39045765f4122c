"""The generated SROS2 policy names what every node does, and gives nobody else the arm."""

from xml.etree import ElementTree

import pytest

from action_images_ros.graph.security import policy_of
from action_images_ros.interfaces.services import services_of
from action_images_ros.interfaces.topics import TOPICS, topic_names
from action_images_ros.paths import share_path

ROBOTS = sorted(path.stem for path in share_path("config/robots").glob("*.yaml"))


def _rights(text):
    """enclave -> {(group, permission): names}"""
    found = {}
    for enclave in ElementTree.fromstring(text).iter("enclave"):
        rights = found.setdefault(enclave.get("path").rsplit("/", 1)[1], {})
        for profile in enclave.iter("profile"):
            for group in profile:
                ((permission, allowed),) = group.attrib.items()
                assert allowed == "ALLOW"
                rights.setdefault((group.tag, permission), set()).update(entry.text for entry in group)
    return found


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_topic_and_service_of_every_node_is_named(robot):
    rights = _rights(policy_of(robot))
    cameras = ["camera_0", "camera_1"] if robot == "cell" else ["left", "right"]
    for name, row in topic_names(TOPICS, cameras).items():
        for node in set(rights) - {"user"}:
            assert (name in rights[node]["topics", "publish"]) or node not in row.publishers, (node, name)
            assert (name in rights[node]["topics", "subscribe"]) or node not in row.subscribers, (node, name)
    for node in set(rights) - {"user"}:
        assert set(rights[node]["services", "reply"]) == {f"{node}/{service}" for service in services_of(node)}
    assert ("robot_bridge" in rights) == (robot != "cell")


@pytest.mark.parametrize("robot", ROBOTS)
def test_only_arm_command_commands_the_arm(robot):
    rights = _rights(policy_of(robot))
    for name in ("target_pose", "gripper_command"):
        assert [node for node in rights if name in rights[node]["topics", "publish"]] == ["arm_command"]
    assert "arm_command/enable" in rights["user"]["services", "request"]


def test_the_drivers_of_the_robot_are_named():
    servo, hand = _rights(policy_of("franka_servo"))["robot_bridge"], ("actions", "call")
    assert servo["services", "request"] == {"servo_node/switch_command_type"}
    assert servo[hand] == {"franka_gripper/move", "franka_gripper/grasp"}
    assert "xarm/set_mode" in _rights(policy_of("xarm7"))["robot_bridge"]["services", "request"]
