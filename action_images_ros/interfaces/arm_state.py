"""Pose and openness of the arm at a stamp, by one rule for the live graph and for recordings.

Messages may arrive in any order of their stamps. Invalid values (NaN, a zero quaternion, millimetres) are ignored and
named in the error when something is missing because of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry.pose import interpolate
from .fields import pose7_from_pose_stamped
from .finger_joints import joint_sum, openness_from_joints
from .series import ALONE_SHARE, StampedSeries

__all__ = ["POSE_TOLERANCE_S", "SETTLE_S", "ArmRules", "ArmState"]

POSE_TOLERANCE_S = 0.1
"""Between a picture and each of the two poses around it (one alone: a quarter of it), or the nearest joint state."""
SETTLE_S = 1.0
"""The fingers overrule a command that was given longer ago, where they are at the other end of the range."""
_OPPOSITE = 0.9
_ROUNDING = 1e-3
"""What a command may go beyond 0..1 (a float32, a controller's overshoot) and still mean the end."""


@dataclass(frozen=True)
class ArmRules:
    """Names and tolerances. finger_closed, finger_open: sum of the finger joints (m or rad) at either end."""

    base_frame: str
    finger_joints: tuple[str, ...] = ()
    finger_closed: float = 0.0
    finger_open: float = 0.08
    pose_tolerance_s: float = POSE_TOLERANCE_S
    settle_s: float = SETTLE_S
    keep_s: float | None = 10.0
    names: dict[str, str] = field(default_factory=dict)
    """How the topics are called in messages to the user; default: as in the table of topics."""

    def name(self, topic: str) -> str:
        """The topic as the user knows it."""
        return self.names.get(topic, topic)


class ArmState:
    """Feed it messages, ask for a stamp. Stamps in nanoseconds; raises ValueError naming topic, value and remedy."""

    def __init__(self, rules: ArmRules) -> None:
        if abs(rules.finger_open - rules.finger_closed) < 1e-9:
            raise ValueError(
                f"finger_open and finger_closed are both {rules.finger_open}; give the sum of the finger "
                "joints for the open and the closed gripper"
            )
        self.rules = rules
        self.skipped: Counter[str] = Counter()
        keep = None if rules.keep_s is None else round(rules.keep_s * 1e9)
        self._tolerance = round(rules.pose_tolerance_s * 1e9)
        self._poses: StampedSeries[npt.NDArray[np.float64]] = StampedSeries(keep)
        self._joints: StampedSeries[float] = StampedSeries(keep)
        self._commands: StampedSeries[float] = StampedSeries(keep)
        self._faults: dict[str, str] = {}
        self._seen_joints: dict[str, None] = {}

    # Taking messages in.

    def add_pose(self, message: Any, stamp_ns: int) -> None:
        """geometry_msgs/PoseStamped of the robot's tool; ValueError when it is given in another frame."""
        topic = self.rules.name("current_pose")
        if message.header.frame_id.lstrip("/") != self.rules.base_frame.lstrip("/"):
            self._faults["current_pose"] = (
                f"{topic} is given in the frame {message.header.frame_id!r}, base_frame is {self.rules.base_frame!r}; "
                "publish it in the base frame or set base_frame"
            )
            raise ValueError(self._faults["current_pose"])
        try:
            self._poses.add(stamp_ns, pose7_from_pose_stamped(message, message.header.frame_id, topic))
            self._faults.pop("current_pose", None)
        except ValueError as error:
            self._skip("current_pose", str(error))

    def add_joints(self, message: Any, stamp_ns: int) -> None:
        """sensor_msgs/JointState; one without the finger joints (another part of the robot) is ignored."""
        rules, topic = self.rules, self.rules.name("joint_states")
        self._seen_joints.update(dict.fromkeys(message.name))
        if not rules.finger_joints or not set(rules.finger_joints) <= set(message.name):
            return
        if len(message.position) < len(message.name):
            self._skip(
                "joint_states",
                f"{topic} has {len(message.name)} names and {len(message.position)} positions; "
                "the driver must give a position for every joint",
            )
            return
        try:
            total = joint_sum(message, rules.finger_joints)
            self._joints.add(stamp_ns, openness_from_joints(total, rules.finger_closed, rules.finger_open))
            self._faults.pop("joint_states", None)
        except ValueError as error:
            self._skip("joint_states", f"{topic}: {error}")

    def add_command(self, openness: float, time_ns: int) -> None:
        """The openness 0..1 commanded at that time. While the newest is out of that range, there is no openness: what
        the gripper makes of it is not known."""
        if -_ROUNDING <= openness <= 1.0 + _ROUNDING:
            self._commands.add(time_ns, min(max(float(openness), 0.0), 1.0))
        else:
            self._commands.add(time_ns, float("nan"))
            self._skip(
                "gripper_command",
                f"{self.rules.name('gripper_command')} says {openness:g}; it must be 0 "
                "(closed) to 1 (open)" + _likely_range(openness),
            )

    def _skip(self, what: str, why: str) -> None:
        self.skipped[self.rules.name(what)] += 1
        self._faults[what] = why

    def clear(self) -> None:
        """Forget the poses and joints (a clock was set back)."""
        for series in (self._poses, self._joints, self._commands):
            series.clear()

    def forget(self, stamp_ns: int) -> None:
        """What is not needed for that time or later."""
        for series in (self._poses, self._joints, self._commands):
            series.forget(stamp_ns)

    # Answers.

    @property
    def pose_fault(self) -> str:
        """What is wrong with the newest pose message; empty when nothing is."""
        return self._faults.get("current_pose", "")

    def has_pose(self, stamp_ns: int) -> bool:
        """Whether the pose of that time is known."""
        return bool(self._poses.around(stamp_ns, self._tolerance))

    def pose_delay_s(self, stamp_ns: int) -> float | None:
        """Seconds from the newest pose to that time; negative when it is newer; None without any."""
        newest = self._poses.newest
        return None if newest is None else (stamp_ns - newest[0]) * 1e-9

    def newest_pose(self) -> tuple[int, npt.NDArray[np.float64]] | None:
        """Stamp and `[7]` of the newest pose."""
        return self._poses.newest

    def newest_joints_ns(self) -> int | None:
        """Stamp of the newest joint state with the finger joints."""
        newest = self._joints.newest
        return None if newest is None else newest[0]

    def joints_awaited(self, stamp_ns: int, within_s: float) -> bool:
        """Whether the finger joints of that time are not known yet, but those of no more than `within_s` before it."""
        newest = self.newest_joints_ns()
        return newest is not None and self._tolerance < stamp_ns - newest <= within_s * 1e9

    def tool_pose(self, stamp_ns: int) -> npt.NDArray[np.float64]:
        """`[7]` of the ROBOT's tool in the base frame, interpolated between the poses before and after."""
        near = self._poses.around(stamp_ns, self._tolerance)
        if not near:
            fault = self._faults.get("current_pose")
            raise ValueError(fault or self._away("current_pose", self._poses, stamp_ns))
        if len(near) == 1:
            return near[0][1]
        return interpolate(near[0][1], near[1][1], (stamp_ns - near[0][0]) / (near[1][0] - near[0][0]))

    def openness(self, stamp_ns: int) -> float:
        """Openness 0..1 at the stamp.

        The last command, as in the training data: an object between the fingers keeps them half open. Else the finger
        joints: without any command, or where `settle_s` after it they are at the other end of the range (the gripper
        was moved otherwise)."""
        near = self._joints.nearest(stamp_ns, self._tolerance)
        measured = None if near is None else near[1]
        command = self._commands.until(stamp_ns)
        if command is None:
            if measured is None:
                raise ValueError(self.no_openness(stamp_ns))
            return measured
        if not np.isfinite(command[1]):
            raise ValueError(self._faults["gripper_command"])
        settled = stamp_ns - command[0] > self.rules.settle_s * 1e9
        return measured if measured is not None and settled and abs(measured - command[1]) > _OPPOSITE else command[1]

    def command_and_fingers(self, stamp_ns: int) -> tuple[float, float] | None:
        """Openness as last commanded and as measured at the finger joints; None unless both are known."""
        near, command = self._joints.nearest(stamp_ns, self._tolerance), self._commands.until(stamp_ns)
        return None if near is None or command is None or not np.isfinite(command[1]) else (command[1], near[1])

    def no_openness(self, stamp_ns: int) -> str:
        """Why there is none, and what to do."""
        if "joint_states" in self._faults:
            return self._faults["joint_states"]
        joints, topic = self.rules.finger_joints, self.rules.name("joint_states")
        missing = [name for name in joints if name not in self._seen_joints]
        if joints and self._seen_joints and missing:
            return (
                f"{topic} lacks {missing} (finger_joints is {list(joints)}); it has "
                f"{sorted(self._seen_joints)[:20]}: set finger_joints, finger_closed and finger_open of the "
                "robot's file to the gripper's"
            )
        if not joints:
            return (
                f"no {self.rules.name('gripper_command')} until then and finger_joints is empty; name the "
                "gripper's joints in the robot's file, or record gripper_command"
            )
        return self._away("joint_states", self._joints, stamp_ns)

    def _away(self, what: str, series: StampedSeries[Any], stamp_ns: int) -> str:
        topic, pair = self.rules.name(what), self.rules.pose_tolerance_s
        distance = series.distance_ns(stamp_ns)
        if distance is None:
            return f"nothing came on {topic}; the driver must publish it"
        return (
            f"{topic} is {distance * 1e-9:.3f} s away from the pictures (pose_tolerance is {pair:g} s for one "
            f"before and one after, {ALONE_SHARE * pair:g} s for one alone); check the driver's rate and clocks"
        )


def _likely_range(value: float) -> str:
    if not np.isfinite(value):
        return ""
    for low, high, words in (
        (-1.0, 0.0, "-1 to 1"),
        (1.0, 100.0, "0 to 100"),
        (100.0, 255.0, "0 to 255"),
        (255.0, 1000.0, "0 to 1000"),
    ):
        if low <= value <= high:
            return (
                f" (a gripper that counts {words}? scale it where it is published; of a recording declare it: "
                "--gripper CLOSED..OPEN)"
            )
    return ""
