"""Cross-checks of a robot's setup against its description: the measured pose's TCP and base, the tool's axes.

Nothing here moves anything or needs ROS: what was measured goes in, findings that name the fault come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..geometry.pose import matrix_from_pose7, rotation_angle
from .description import RobotDescription

__all__ = [
    "OK",
    "UNCHECKED",
    "WRONG",
    "Finding",
    "GripperJoints",
    "Sample",
    "check_measured_pose",
    "check_tool_rotation",
]

OK, WRONG, MISSING, UNCHECKED = "ok", "wrong", "missing", "unchecked"
POSITION_M, ROTATION_RAD = 0.005, 0.035  # what calibration and timing leave
_SNAP_RAD = 0.26  # a turn this near to 90 or 180 degrees is called so
_FAR_M = 10.0  # no arm of this kind reaches so far: millimetres

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One line of a checklist: what was checked, how it stands ("ok", "wrong", "missing", "unchecked"), and why."""

    item: str
    state: str
    message: str


@dataclass(frozen=True)
class Sample:
    """Joint positions by name and the pose `[7]` measured with them."""

    positions: Mapping[str, float]
    pose7: Array


@dataclass(frozen=True)
class GripperJoints:
    """The parameters finger_joints, finger_closed and finger_open (the sums of their positions)."""

    names: tuple[str, ...]
    closed: float
    opened: float

    def positions(self, openness: float) -> dict[str, float]:
        """Positions of the joints at that openness, each with its share of the sum."""
        total = self.closed + openness * (self.opened - self.closed)
        return {name: total / len(self.names) for name in self.names}


def _close(a: Array, b: Array) -> bool:
    return bool(
        np.linalg.norm(a[:3, 3] - b[:3, 3]) < POSITION_M and rotation_angle(a[:3, :3], b[:3, :3]) < ROTATION_RAD
    )


def _offset(a: Array, b: Array) -> str:
    """How far b lies from a, in a's axes."""
    step = np.linalg.inv(a) @ b
    degrees = np.degrees(rotation_angle(a[:3, :3], b[:3, :3]))
    x, y, z = np.round(1000 * step[:3, 3]) + 0.0  # no -0
    return f"[{x:.0f}, {y:.0f}, {z:.0f}] mm and {degrees:.0f} degrees"


def check_measured_pose(
    description: RobotDescription, base_frame: str, tool_frame: str, samples: Sequence[Sample]
) -> Finding:
    """Whether current_pose is that of `tool_frame` in `base_frame`, by the joints and the description.

    Names the link whose pose it is instead (wrong TCP, wrong base), millimetres, or the constant offset that several
    samples at different joints agree on.
    """
    item = "current_pose"
    try:
        chain = description.chain(base_frame, tool_frame)
    except ValueError as error:
        return Finding(item, WRONG, f"{error}; set base_frame and tool_frame to links of the robot")
    expected, measured = [], []
    try:
        for sample in samples:
            expected.append(chain.base_from_tip(sample.positions))
            measured.append(matrix_from_pose7(sample.pose7))
    except KeyError as error:
        return Finding(
            item,
            MISSING,
            f"joint_states lacks {error.args[0]!r}, which lies between {base_frame} and "
            f"{tool_frame}; start the joint state broadcaster",
        )
    except ValueError as error:
        return Finding(item, WRONG, f"current_pose: {error}")
    if not samples:
        return Finding(item, MISSING, "no pair of current_pose and joint_states came; start the driver's broadcasters")
    if all(_close(a, b) for a, b in zip(expected, measured, strict=True)):
        return Finding(item, OK, f"current_pose is {tool_frame} in {base_frame}")
    fault = (
        _millimetres(expected, measured)
        or _other_link(description, base_frame, tool_frame, samples, measured)
        or _constant(expected, measured, base_frame, tool_frame)
    )
    return Finding(item, WRONG, fault)


def _millimetres(expected: Sequence[Array], measured: Sequence[Array]) -> str:
    scaled = [matrix.copy() for matrix in measured]
    for matrix in scaled:
        matrix[:3, 3] /= 1000.0
    far = np.linalg.norm(measured[0][:3, 3]) > _FAR_M
    if far or all(_close(a, b) for a, b in zip(expected, scaled, strict=True)):
        return (
            f"wrong unit: current_pose is {np.linalg.norm(measured[0][:3, 3]):.0f} m from the base; it is given in "
            "millimetres, publish metres"
        )
    return ""


def _other_link(
    description: RobotDescription, base: str, tool: str, samples: Sequence[Sample], measured: Sequence[Array]
) -> str:
    def matches(first: str, last: str) -> bool:
        try:
            chain = description.chain(first, last)
            return all(
                _close(chain.base_from_tip(sample.positions), pose)
                for sample, pose in zip(samples, measured, strict=True)
            )
        except (KeyError, ValueError):
            return False

    for link in description.links:
        if link != tool and matches(base, link):
            return (
                f"wrong TCP: current_pose is that of {link}, tool_frame is {tool!r}; set the driver's end effector "
                f"frame to {tool}, or tool_frame to {link}"
            )
    for link in description.links:
        if link != base and matches(link, tool):
            return (
                f"wrong base: current_pose is given in {link}, base_frame is {base!r}; set the driver's base frame "
                f"to {base}, or base_frame to {link}"
            )
    return ""


def _constant(expected: Sequence[Array], measured: Sequence[Array], base: str, tool: str) -> str:
    in_tool = [np.linalg.inv(a) @ b for a, b in zip(expected, measured, strict=True)]
    in_base = [b @ np.linalg.inv(a) for a, b in zip(expected, measured, strict=True)]
    where = _offset(expected[0], measured[0])
    same_tool = all(_close(in_tool[0], other) for other in in_tool[1:])
    same_base = all(_close(in_base[0], other) for other in in_base[1:])
    if len(expected) > 1 and same_tool and not same_base:
        return (
            f"wrong TCP: current_pose lies {where} from {tool}, the same at every pose; correct the driver's tool "
            "offset or name the right tool_frame"
        )
    if len(expected) > 1 and same_base and not same_tool:
        return (
            f"wrong base: current_pose is shifted by {_offset(np.eye(4), in_base[0])} in {base}, the same at every "
            "pose; correct the driver's base or world offset"
        )
    if len(expected) > 1 and not same_tool:
        return (
            f"current_pose and joint_states disagree by {where}, differently at every pose; check that both come "
            "from the same robot and that the description is that of this robot"
        )
    return (
        f"wrong TCP or wrong base: current_pose lies {where} from {tool} in {base}; move the arm to another pose "
        "and check again to tell which"
    )


def check_tool_rotation(
    description: RobotDescription, tool_frame: str, fingers: GripperJoints, robot_tool_from_model_tool: Array
) -> Finding:
    """Whether the model's tool axes lie as the gripper does: x where its first finger opens to, z along the approach.

    robot_tool_from_model_tool: rotation `[3, 3]`. Names a quarter or half turn and the quaternion to set.
    """
    item = "robot_tool_from_model_tool"
    if not fingers.names or fingers.names[0] not in description.joints:
        return Finding(
            item,
            UNCHECKED,
            f"finger_joints {list(fingers.names)} are not in robot_description; add the "
            "gripper to it, or compare the axes in rviz by hand",
        )
    try:
        opening, approach = _gripper_axes(description, tool_frame, fingers)
    except (KeyError, ValueError) as error:
        return Finding(item, UNCHECKED, f"the gripper's axes cannot be read from robot_description: {error}")
    x = opening - (opening @ approach) * approach
    if np.linalg.norm(x) < 1e-6:
        return Finding(item, UNCHECKED, "the first finger moves along the approach; compare the axes in rviz by hand")
    x /= np.linalg.norm(x)
    wanted = np.stack([x, np.cross(approach, x), approach], axis=1)
    relative = wanted.T @ robot_tool_from_model_tool
    angle = float(rotation_angle(np.eye(3), relative))
    if angle < _SNAP_RAD:
        return Finding(item, OK, f"x opens {fingers.names[0]}, z is the approach; {np.degrees(angle):.0f} degrees off")
    quaternion = ", ".join(f"{value:.4f}" for value in Rotation.from_matrix(wanted).as_quat())
    return Finding(
        item,
        WRONG,
        f"the model's tool is {_turn(relative, angle)} off the gripper; the description "
        f"suggests [{quaternion}] (x y z w): x where {fingers.names[0]} opens, z along the approach",
    )


def _turn(relative: Array, angle: float) -> str:
    name = {90: "a quarter turn", 180: "a half turn"}.get(
        next((a for a in (90, 180) if abs(angle - np.radians(a)) < _SNAP_RAD), 0), f"{np.degrees(angle):.0f} degrees"
    )
    axis = np.abs(Rotation.from_matrix(relative).as_rotvec())
    return f"{name} about its {'xyz'[int(np.argmax(axis))]}" if np.max(axis) > 0.9 * np.linalg.norm(axis) else name


def _gripper_axes(description: RobotDescription, tool: str, fingers: GripperJoints) -> tuple[Array, Array]:
    """Directions in the tool frame: where the first finger opens to, and from the hand to the tool."""
    first = description.joints[fingers.names[0]]
    tip = description.below(first.child)[-1]
    chain, hand = description.chain(tool, tip), description.chain(tool, first.parent)
    opened, closed = (
        chain.base_from_tip(_with_still(chain.moving, fingers.positions(openness)))[:3, 3] for openness in (1.0, 0.0)
    )
    opening = opened - closed
    away = -hand.base_from_tip(_with_still(hand.moving, {}))[:3, 3]
    if np.linalg.norm(away) < 0.01:
        raise ValueError(f"tool_frame {tool!r} lies in {first.parent}: no approach; use a frame between the fingers")
    # The hand lies behind the tool along one of its axes; what is left over is a bent mount.
    approach = np.zeros(3)
    main = int(np.argmax(np.abs(away)))
    approach[main] = np.sign(away[main])
    return opening, approach


def _with_still(names: Sequence[str], positions: Mapping[str, float]) -> dict[str, float]:
    return {**dict.fromkeys(names, 0.0), **positions}
