"""What a recording's gripper_command means: its declared range, and whether it can be what it seems.

A gripper that is drawn the wrong way round, or whose percentages are taken for a share, is a robot that drops what it
holds: where the command leaves 0..1, hardly leaves 0, or says the opposite of the fingers, no episode is made of it.
"""

from __future__ import annotations

import numpy as np

from ...interfaces.arm_state import ArmRules, ArmState
from ..gripper import Gripper, narrow, parse_gripper
from .topics import BagSetup, RecordedTopics

__all__ = ["GripperRecord", "arm_rules"]

_FEWEST = 8  # frames with a command and fingers that tell of each other
_VARIES = 0.1  # standard deviation of openness from which on it counts as moving
_OPPOSITE = -0.7  # correlation of command and fingers


def arm_rules(setup: BagSetup, topics: RecordedTopics, keep_s: float) -> ArmRules:
    """The rules of a recording's arm. A declared range is that of the command, or of the fingers without one."""
    declared = None if topics.gripper_command else parse_gripper(setup.gripper)
    return ArmRules(
        setup.base_frame,
        setup.finger_joints,
        setup.finger_closed if declared is None else declared.closed,
        setup.finger_open if declared is None else declared.opened,
        setup.pose_tolerance,
        keep_s=keep_s,
        names={
            "current_pose": topics.current_pose or setup.current_pose,
            "joint_states": ", ".join(topics.joint_states) or setup.joint_states,
            "gripper_command": topics.gripper_command or setup.gripper_command,
        },
    )


class GripperRecord:
    """Hand commands to the arm in openness, and compare them with the fingers. topic: of the commands."""

    def __init__(self, arm: ArmState, topic: str | None, declared: str) -> None:
        self._arm, self._topic = arm, topic
        self._declared: Gripper | None = parse_gripper(declared)
        self._range = (np.inf, -np.inf)
        self._pairs: list[tuple[float, float]] = []
        self._overruled = 0

    def add_command(self, value: float, now: int) -> None:
        """A command in the units of the recording. Beyond a declared range there is no openness, as beyond 0..1."""
        if np.isfinite(value):
            self._range = (min(self._range[0], value), max(self._range[1], value))
        if self._declared is not None:
            try:
                value = float(self._declared.openness(value))
            except ValueError:
                self._arm.add_command(float("nan"), now)
                return
        self._arm.add_command(value, now)

    def compare(self, stamp_ns: int) -> None:
        """Take what command and fingers say at a frame, where both do."""
        both = self._arm.command_and_fingers(stamp_ns)
        if both is not None:
            self._pairs.append(both)
            self._overruled += self._arm.openness(stamp_ns) != both[0]

    @property
    def fault(self) -> str:
        """Frames in which the fingers overruled the command; empty where there are none."""
        if not self._overruled:
            return ""
        return (
            f"in {self._overruled} frames the finger joints are at the other end of what {self._topic} says, and are "
            "taken: the gripper was moved by somebody else, or one of both is inverted (--gripper 1..0, or exchange "
            "finger_closed and finger_open of the robot's file)"
        )

    @property
    def doubt(self) -> str:
        """Why gripper_command cannot be what it seems; empty where nothing is wrong."""
        low, high = self._range
        if self._declared is None and narrow(high):
            return (
                f"{self._topic} is {low:g} to {high:g}: a width in metres? declare its range, such as "
                "--gripper 0..0.08, or 0..1 if it is none"
            )
        closed, opened = (0.0, 1.0) if self._declared is None else (self._declared.closed, self._declared.opened)
        slack = 1e-3 if self._declared is None else 0.1 * abs(opened - closed)
        if low < min(closed, opened) - slack or high > max(closed, opened) + slack:
            return (
                f"{self._topic} is {low:g} to {high:g}, outside of {closed:g}..{opened:g}; declare the values of the "
                "closed and the open gripper (--gripper CLOSED..OPEN)"
            )
        return self._inverted()

    def _inverted(self) -> str:
        if len(self._pairs) < _FEWEST:
            return ""
        command, fingers = np.array(self._pairs).T
        if min(command.std(), fingers.std()) < _VARIES or np.corrcoef(command, fingers)[0, 1] > _OPPOSITE:
            return ""
        return (
            f"{self._topic} says the opposite of the finger joints: one of both is inverted; declare what the command "
            "says of a closed and an open gripper (--gripper 1..0), or exchange finger_closed and finger_open of the "
            "robot's file"
        )
