"""Every parameter of the controller, declared once: default, range, unit and meaning.

The node declares its ROS parameters from these classes, the evaluation builds its executor from them and parameter
files are checked against them; no other place holds a number. The names are those of the ROS parameters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..parameter import Parameters, parameter

__all__ = ["AcceptanceRules", "ExecutorSettings", "GripperSettings", "Limits", "RobotSettings", "WatchSettings"]


class Limits(Parameters):
    """Workspace box of the TCP and limits of its motion, base frame."""

    workspace_min: tuple[float, float, float] = parameter((0.25, -0.4, 0.0), "lower corner of the TCP's workspace", "m")
    workspace_max: tuple[float, float, float] = parameter((0.75, 0.4, 0.6), "upper corner of the TCP's workspace", "m")
    max_linear_speed: float = parameter(0.25, "largest speed of the TCP", "m/s", 0.001, 2.0)
    max_angular_speed: float = parameter(1.0, "largest angular speed of the TCP", "rad/s", 0.001, 6.0)
    max_linear_acceleration: float = parameter(2.0, "largest acceleration of the TCP", "m/s^2", 0.01, 50.0)
    max_angular_acceleration: float = parameter(8.0, "largest angular acceleration", "rad/s^2", 0.01, 200.0)
    max_linear_jerk: float = parameter(40.0, "largest jerk of the TCP", "m/s^3", 0.1, 10000.0)
    max_angular_jerk: float = parameter(160.0, "largest angular jerk", "rad/s^3", 0.1, 40000.0)

    def check(self) -> None:
        """Refuse a box without volume."""
        for name in ("workspace_min", "workspace_max"):
            if len(getattr(self, name)) != 3:
                raise ValueError(f"{name} is {list(getattr(self, name))}; give x, y, z in metres")
        if not np.all(np.less(self.workspace_min, self.workspace_max)):
            raise ValueError(
                f"workspace_min is {list(self.workspace_min)}, workspace_max {list(self.workspace_max)}; "
                "every coordinate of the first must be smaller: swap or widen them"
            )

    def contains(self, positions: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether positions `[..., 3]` (m) lie in the workspace box; NaN does not."""
        positions = np.asarray(positions, dtype=np.float64)
        inside = ((positions >= self.workspace_min) & (positions <= self.workspace_max)).all(axis=-1)
        return np.asarray(inside, dtype=np.bool_)


class ExecutorSettings(Parameters):
    """How chunks are joined and the arm is watched."""

    splice_seconds: float = parameter(
        0.3, "blend into a new chunk; longer is smoother, shorter reacts faster", "s", 0.01, 5.0
    )
    alignment: str = parameter(
        "nearest",
        "nearest: a chunk starts where it lies nearest to the command; stamp: strictly by its times",
        choices=("nearest", "stamp"),
    )
    max_lead_seconds: float = parameter(0.2, "maximum lead of a chunk over its time stamps (nearest)", "s", 0.0, 5.0)
    max_gap_seconds: float = parameter(
        0.1, "maximum pause between two commands; a longer one brakes the arm", "s", 0.001, 1.0
    )
    max_tracking_error: float = parameter(
        0.10, "maximum distance between arm and command; beyond it: fault", "m", 0.001, 1.0
    )
    max_tracking_angle: float = parameter(
        0.8, "maximum rotation between arm and command; beyond it: fault", "rad", 0.01, 3.2
    )
    enable_seconds: float = parameter(
        0.3,
        "time after enabling before a chunk may move the arm: it must stand still for a third, then it is held",
        "s",
        0.05,
        10.0,
    )
    max_enable_drift: float = parameter(
        0.01, "maximum drift of the arm while held after enabling; beyond it: fault", "m", 0.0005, 0.1
    )
    max_enable_turn: float = parameter(
        0.1, "maximum rotation of the arm while held after enabling; beyond it: fault", "rad", 0.005, 1.0
    )
    max_measured_speed: float = parameter(
        1.5, "maximum speed of current_pose; beyond it: sensor fault", "m/s", 0.01, 10.0
    )
    max_measured_angular_speed: float = parameter(
        6.0, "maximum angular speed of current_pose; beyond it: sensor fault", "rad/s", 0.01, 30.0
    )
    max_pose_age: float = parameter(
        0.3, "maximum age of current_pose by its stamp; beyond it: sensor fault", "s", 0.01, 10.0
    )
    max_frozen_way: float = parameter(
        0.03, "commanded path during which an unchanged current_pose is a sensor fault", "m", 0.001, 1.0
    )
    max_execution_age: float = parameter(
        5.0, "maximum age of the observation of a chunk in execution; then the arm holds", "s", 0.1, 600.0
    )
    clock_stall_seconds: float = parameter(
        0.5, "steady time without progress of ROS time that counts as a stopped clock", "s", 0.05, 60.0
    )
    pose_history_seconds: float = parameter(
        5.0, "history of measured poses, to check the first pose of a chunk", "s", 0.5, 600.0
    )


class AcceptanceRules(Parameters):
    """When a chunk is refused or cut short."""

    max_chunk_age: float = parameter(
        3.0,
        "maximum age of a chunk's observation; a slow model needs more, a moving scene less",
        "s",
        0.05,
        600.0,
    )
    max_future_seconds: float = parameter(
        0.1, "maximum lead of a chunk's stamp over the present time", "s", 0.001, 10.0
    )
    min_valid_frames: int = parameter(2, "minimum number of valid leading frames of a chunk", "", 2, 512)
    max_bridged_frames: int = parameter(2, "consecutive invalid frames to interpolate across; 0 disables", "", 0, 512)
    max_first_pose_distance: float = parameter(
        0.05, "maximum distance between a chunk's first pose and the arm; beyond it: rejected", "m", 0.0001, 1.0
    )
    max_first_pose_angle: float = parameter(
        0.5, "maximum rotation between a chunk's first pose and the arm; beyond it: rejected", "rad", 0.001, 3.2
    )
    max_position_sigma: float = parameter(
        0.05, "maximum standard deviation of a frame's position; beyond it the chunk ends", "m", 1e-6, 1.0
    )
    max_rotation_sigma: float = parameter(
        0.6, "maximum standard deviation of a frame's rotation; beyond it the chunk ends", "rad", 1e-6, 3.2
    )
    max_chunk_speed: float = parameter(
        1.0, "maximum speed between frames; a faster frame is a decoding error and ends the chunk", "m/s", 0.001, 100.0
    )
    max_chunk_angular_speed: float = parameter(
        4.0, "maximum angular speed between frames; a faster frame ends the chunk", "rad/s", 0.001, 100.0
    )
    outside_workspace: str = parameter(
        "reject",
        "a chunk that leaves the workspace: reject it, or truncate it at the last frame inside",
        choices=("reject", "truncate"),
    )


class WatchSettings(Parameters):
    """The nodes without which the arm must not move."""

    watched_nodes: tuple[str, ...] = parameter(
        ("policy", "decoder", "cell", "robot_bridge"),
        "nodes of this namespace whose loss is a fault, each from its first heartbeat on",
    )
    node_timeout: float = parameter(
        0.5, "a watched node without heartbeat for this long (steady time) is lost", "s", 0.2, 60.0
    )


class GripperSettings(Parameters):
    """Binary gripper commands from a continuous openness."""

    gripper_close_below: float = parameter(0.4, "openness below which the gripper closes", "", 0.001, 0.999)
    gripper_open_above: float = parameter(0.6, "openness above which the gripper opens", "", 0.001, 0.999)
    gripper_dwell: float = parameter(0.3, "least time between two switches", "s", 0.0, 60.0)

    def check(self) -> None:
        """Refuse thresholds that overlap."""
        if self.gripper_close_below > self.gripper_open_above:
            raise ValueError(
                f"gripper_close_below is {self.gripper_close_below}, gripper_open_above "
                f"{self.gripper_open_above}; give 0 < gripper_close_below <= gripper_open_above < 1"
            )


class RobotSettings(Parameters):
    """What the arm is made of, and what it keeps clear of (base frame)."""

    robot_description: str = parameter(
        "",
        "MJCF or URDF file of the arm, package://PACKAGE/FILE, or panda (the cell's); empty: only its TCP is checked",
    )
    robot_tool: str = parameter("tcp", "site, body or link of the description that is the TCP of current_pose")
    robot_home: tuple[float, ...] = parameter(
        (),
        "joint positions from which inverse kinematics begins where joint_states do not come; empty: the "
        "description's keyframe home, else the middle of the joints' ranges",
        "rad or m",
    )
    max_joint_speed: tuple[float, ...] = parameter(
        (),
        "a chunk that needs more is slowed down; one number for all joints or one per joint; empty: the description's",
        "rad/s or m/s",
    )
    max_slow_down: float = parameter(4.0, "a chunk that must be slowed down more is refused", "", 1.0, 20.0)
    joint_margin: float = parameter(0.01, "distance kept from the limits of the joints", "rad or m", 0.0, 0.5)
    min_singular_value: float = parameter(
        0.02,
        "smallest singular value of the tool's Jacobian (m and 0.3 m per rad, over rad): below it the pose is singular",
        "",
        0.0,
        1.0,
    )
    max_reach_error: float = parameter(
        0.005, "maximum position error of inverse kinematics at a reachable pose", "m", 0.0005, 0.1
    )
    max_reach_angle: float = parameter(
        0.03, "maximum rotation error of inverse kinematics at a reachable pose", "rad", 0.001, 1.0
    )
    link_clearance: float = parameter(0.01, "distance kept by links from keep-outs", "m", 0.0, 0.5)
    self_clearance: float = parameter(
        0.0, "distance kept by links from each other, whose capsules are wider than they are", "m", 0.0, 0.5
    )
    finger_clearance: float = parameter(
        0.0,
        "distance kept by the fingers from keep-outs; they grasp from the table: negative lets them press",
        "m",
        -0.05,
        0.5,
    )
    keep_out_boxes: tuple[float, ...] = parameter(
        (), "boxes that nothing of the arm may enter, six numbers each: lower corner, upper corner", "m"
    )
    keep_out_planes: tuple[float, ...] = parameter(
        (0.0, 0.0, 1.0, 0.0),
        "planes that nothing of the arm may pass, four numbers each: outward normal, height along it; "
        "default: the table at z = 0",
        "m",
    )
    joints_timeout: float = parameter(
        0.5, "joint_states that came and then were silent this long (steady time): chunks are refused", "s", 0.01, 60.0
    )
    max_joints_error: float = parameter(
        0.05, "maximum distance between the tool by joint_states and current_pose; beyond it: rejected", "m", 0.001, 1.0
    )
    max_joints_angle: float = parameter(
        0.3, "maximum rotation between the tool by joint_states and current_pose; beyond it: rejected", "rad", 0.01, 3.2
    )

    def check(self) -> None:
        """Refuse boxes without volume and planes without direction."""
        for name, count, what in (
            ("keep_out_boxes", 6, "lower corner and upper corner"),
            ("keep_out_planes", 4, "outward normal and height"),
        ):
            given = getattr(self, name)
            if len(given) % count:
                raise ValueError(f"{name} has {len(given)} numbers; give {count} for each: {what}")
        for box in np.reshape(self.keep_out_boxes, (-1, 6)):
            if not np.all(box[:3] < box[3:]):
                raise ValueError(
                    f"keep_out_boxes has {box.tolist()}; every coordinate of the lower corner must be smaller "
                    "than that of the upper one: swap or widen them"
                )
        for plane in np.reshape(self.keep_out_planes, (-1, 4)):
            if np.linalg.norm(plane[:3]) < 1e-6:
                raise ValueError(f"keep_out_planes has {plane.tolist()}; give a normal that is not zero")
        if any(speed <= 0 for speed in self.max_joint_speed):
            raise ValueError(f"max_joint_speed is {list(self.max_joint_speed)}; give numbers above 0")
