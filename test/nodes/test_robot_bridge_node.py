"""The bridge passes commands on in the driver's type, gives the pose back, and a wrong TCP keeps the arm disabled."""

import math
from importlib.util import find_spec

import pytest
from descriptions import READY, panda_like
from geometry_msgs.msg import PoseStamped
from ros_rig import now_ns
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import SetBool

from action_images_ros.drivers.description import RobotDescription
from action_images_ros.geometry.pose import pose7_from_matrix
from action_images_ros.nodes.arm_command_node import ArmCommandNode
from action_images_ros.nodes.robot_bridge_node import RobotBridgeNode
from action_images_ros.ros import qos
from action_images_ros.ros.conversions import pose_stamped, stamp_from_ns

PARAMETERS = {
    "base_frame": "link0",
    "tool_frame": "hand_tcp",
    "finger_joints": ["finger_joint1", "finger_joint2"],
    "finger_closed": 0.0,
    "finger_open": 0.08,
    "robot_tool_from_model_tool": [0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)],
}
POSES = {
    link: pose7_from_matrix(RobotDescription(panda_like()).chain("link0", link).base_from_tip(READY))
    for link in ("hand_tcp", "flange")
}


def _joints(rig):
    message = JointState(name=[*READY, "finger_joint1", "finger_joint2"], position=[*READY.values(), 0.04, 0.04])
    message.header.stamp = stamp_from_ns(now_ns(rig))
    return message


def _describe(rig):
    rig.publish("robot_description", String(data=panda_like()))


def test_joints_and_description_give_the_pose(rig):
    rig.start(RobotBridgeNode, **PARAMETERS, pose_source="joint_states")
    poses = rig.listen("current_pose")
    _describe(rig)

    def pose():
        rig.publish("joint_states", _joints(rig))
        return poses

    message = rig.spin_until(pose, "current_pose")[-1]
    assert message.header.frame_id == "link0"
    assert message.pose.position.x == pytest.approx(POSES["hand_tcp"][0])


def test_a_target_becomes_the_controllers_pose(rig):
    heard = []
    rig.probe.create_subscription(PoseStamped, "cartesian_motion_controller/target_frame", heard.append, qos.COMMAND)
    node = rig.start(RobotBridgeNode, **PARAMETERS, pose_interface="cartesian_controllers")
    rig.spin_until(lambda: not node._arm.problem(0.0), "the controller's subscription")
    rig.publish("target_pose", pose_stamped(POSES["hand_tcp"], now_ns(rig), "link0"))
    rig.spin_until(lambda: heard, "a target frame")
    rig.publish("target_pose", pose_stamped(POSES["hand_tcp"], now_ns(rig), "world"))
    rig.spin_until(lambda: "arm" in node.problems(), "the complaint about the frame")
    assert "'world'" in node.problems()["arm"] and len(heard) == 1


def test_openness_becomes_the_controllers_position(rig):
    heard = []
    rig.probe.create_subscription(Float64MultiArray, "gripper_controller/commands", heard.append, qos.COMMAND)
    node = rig.start(RobotBridgeNode, **PARAMETERS, gripper_interface="forward_position", gripper_range=[0.8, 0.0])
    rig.spin_until(lambda: not node._hand.problem(), "the gripper's subscription")
    rig.publish("gripper_command", Float64(data=0.25))
    assert list(rig.spin_until(lambda: heard, "a position")[0].data) == [pytest.approx(0.6)]


@pytest.mark.parametrize("link, allowed", [("hand_tcp", True), ("flange", False)])
def test_an_arm_whose_pose_is_another_links_is_not_enabled(rig, link, allowed):
    bridge = rig.start(RobotBridgeNode, **PARAMETERS)
    arm = rig.start(ArmCommandNode, base_frame="link0", workspace_min=[0.0, -0.5, 0.0], workspace_max=[0.9, 0.5, 1.0])
    _describe(rig)

    def checked():
        rig.publish("joint_states", _joints(rig))
        rig.publish("current_pose", pose_stamped(POSES[link], now_ns(rig), "link0"))
        return "current_pose is" in str(bridge.values.get("setup")) and (allowed or arm._robot_fault)

    rig.spin_until(checked, "a verdict")
    answer = rig.call(SetBool, "arm_command/enable", SetBool.Request(data=True))
    assert answer.success == allowed
    if not allowed:
        assert "wrong TCP" in answer.message and "flange" in answer.message


def test_a_tool_a_quarter_turn_off_is_told(rig):
    node = rig.start(RobotBridgeNode, **{**PARAMETERS, "robot_tool_from_model_tool": [0.0, 0.0, 0.0, 1.0]})
    _describe(rig)
    rig.spin_until(lambda: "setup" in node.problems(), "the complaint")
    assert "a quarter turn about its z" in node.problems()["setup"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"pose_interface": "telepathy"}, "pose_interface is 'telepathy'"),
        ({"pose_source": "joint_states", "tool_frame": ""}, "tool_frame is empty"),
        ({"gripper_range": [1.0]}, "gripper_range"),
    ],
)
def test_what_makes_no_sense_is_told(rig, changes, words):
    node = rig.start(RobotBridgeNode, **{**PARAMETERS, **changes})
    assert not node.started and words in node.problems()["configure"]


@pytest.mark.parametrize(
    "parameter, value, package",
    [
        ("gripper_interface", "robotiq", "control_msgs"),
        ("gripper_interface", "franka_hand", "franka_msgs"),
        ("pose_interface", "moveit_servo", "moveit_msgs"),
        ("pose_interface", "xarm_servo", "xarm_msgs"),
    ],
)
def test_a_package_that_is_not_installed_is_told_and_ends_nothing(rig, parameter, value, package):
    if find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    node = rig.start(RobotBridgeNode, **{**PARAMETERS, parameter: value})
    assert node.started
    key = "gripper_driver" if parameter == "gripper_interface" else "arm_driver"
    rig.spin_until(lambda: key in node.problems(), "the complaint")
    assert package in node.problems()[key]
