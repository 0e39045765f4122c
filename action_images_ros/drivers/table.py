"""The table of drivers that are served: which topic, service or action each wants, in which type, unit and frame.

The node `robot_bridge` is made from it. Importing it needs no ROS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["GRIPPER_INTERFACES", "POSE_INTERFACES", "POSE_SOURCES", "GripperInterface", "PoseInterface"]


@dataclass(frozen=True)
class PoseInterface:
    """How an arm driver takes target poses.

    kind: "topic" or "service". name: its usual name, relative to the robot's namespace. type: of the topic or service.
    package: apt package of the type where the basic message packages lack it. rate_hz: lowest and highest rate at which
    commands are passed on. max_linear_speed (m/s), max_angular_speed (rad/s): what the driver follows, 0: unknown.
    timeout_s: silence after which the driver stops by itself, 0: never.
    """

    name: str
    what: str
    kind: str
    type: str
    unit: str
    target: str
    package: str = ""
    rate_hz: tuple[float, float] = (50.0, 500.0)
    max_linear_speed: float = 0.0
    max_angular_speed: float = 0.0
    timeout_s: float = 0.0
    joints: bool = False
    direct: bool = False


@dataclass(frozen=True)
class GripperInterface:
    """How a gripper driver takes openness 0..1. closed, opened: its command at openness 0 and 1, in `unit`."""

    name: str
    what: str
    kind: str
    type: str
    unit: str
    target: str
    closed: float
    opened: float
    package: str = ""
    direct: bool = False


_POSES = (
    PoseInterface(
        "crisp",
        "crisp_controllers: Cartesian impedance or operational space control",
        "topic",
        "geometry_msgs/msg/PoseStamped",
        "m",
        "target_pose",
        max_linear_speed=0.4,
        direct=True,
    ),
    PoseInterface(
        "cartesian_controllers",
        "FZI cartesian_controllers: motion or compliance controller",
        "topic",
        "geometry_msgs/msg/PoseStamped",
        "m",
        "cartesian_motion_controller/target_frame",
    ),
    PoseInterface(
        "moveit_servo",
        "MoveIt Servo with its command type switched to POSE",
        "topic",
        "geometry_msgs/msg/PoseStamped",
        "m",
        "servo_node/pose_target_cmds",
        "ros-jazzy-moveit-msgs",
        max_linear_speed=0.4,
        max_angular_speed=0.8,
        timeout_s=0.1,
    ),
    PoseInterface(
        "joint_trajectory",
        "ros2_control joint_trajectory_controller, through inverse kinematics",
        "topic",
        "trajectory_msgs/msg/JointTrajectory",
        "rad",
        "joint_trajectory_controller/joint_trajectory",
        rate_hz=(10.0, 100.0),
        joints=True,
    ),
    PoseInterface(
        "forward_position",
        "ros2_control forward_command_controller, through inverse kinematics",
        "topic",
        "std_msgs/msg/Float64MultiArray",
        "rad",
        "forward_position_controller/commands",
        rate_hz=(50.0, 500.0),
        joints=True,
    ),
    PoseInterface(
        "xarm_servo",
        "xarm_ros2 mode 1: set_servo_cartesian, every command at once",
        "service",
        "xarm_msgs/srv/MoveCartesian",
        "mm, rad",
        "xarm/set_servo_cartesian",
        "xarm_ros2 (from source)",
        rate_hz=(100.0, 250.0),
        max_linear_speed=1.0,
    ),
    PoseInterface(
        "xarm_position",
        "xarm_ros2 mode 7: set_position, planned online from sparse targets",
        "service",
        "xarm_msgs/srv/MoveCartesian",
        "mm, rad",
        "xarm/set_position",
        "xarm_ros2 (from source)",
        rate_hz=(5.0, 20.0),
        max_linear_speed=1.0,
    ),
)

_GRIPPERS = (
    GripperInterface(
        "topic",
        "the driver itself takes openness 0..1",
        "topic",
        "std_msgs/msg/Float64",
        "openness",
        "gripper_command",
        0.0,
        1.0,
        direct=True,
    ),
    GripperInterface(
        "franka_hand",
        "franka_gripper: actions move and grasp",
        "action",
        "franka_msgs/action/Move",
        "m",
        "franka_gripper",
        0.0,
        0.08,
        "ros-jazzy-franka-msgs",
    ),
    GripperInterface(
        "gripper_action",
        "control_msgs GripperCommand: GripperActionController",
        "action",
        "control_msgs/action/GripperCommand",
        "rad or m",
        "gripper_controller/gripper_cmd",
        0.0,
        0.08,
        "ros-jazzy-control-msgs",
    ),
    GripperInterface(
        "robotiq",
        "Robotiq 2F-85 under parallel_gripper_action_controller",
        "action",
        "control_msgs/action/ParallelGripperCommand",
        "rad",
        "robotiq_gripper_controller/gripper_cmd",
        0.8,
        0.0,
        "ros-jazzy-control-msgs",
    ),
    GripperInterface(
        "forward_position",
        "ros2_control forward_command_controller of the finger joint",
        "topic",
        "std_msgs/msg/Float64MultiArray",
        "rad or m",
        "gripper_controller/commands",
        0.0,
        0.08,
    ),
    GripperInterface(
        "xarm_gripper",
        "xarm_ros2: set_gripper_position, 0..850",
        "service",
        "xarm_msgs/srv/GripperMove",
        "0..850",
        "xarm/set_gripper_position",
        0.0,
        850.0,
        "xarm_ros2 (from source)",
    ),
)

POSE_INTERFACES: Mapping[str, PoseInterface] = {row.name: row for row in _POSES}
"""Arm drivers by the name used in the parameter `pose_interface`."""
GRIPPER_INTERFACES: Mapping[str, GripperInterface] = {row.name: row for row in _GRIPPERS}
"""Gripper drivers by the name used in the parameter `gripper_interface`."""
POSE_SOURCES = ("driver", "tf", "joint_states", "xarm")
"""Where current_pose comes from: the driver publishes it; TF base_frame -> tool_frame; joint_states and
robot_description; xarm_ros2's robot_states (mm)."""
