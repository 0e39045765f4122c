"""What the columns of a LeRobot dataset mean: the tool's pose and the gripper, under the names that datasets give them.

Poses: `observation.tool_pose` (this project's, of the model's tool frame), else a feature whose names in info.json end
in x y z and qx qy qz qw, roll pitch yaw or wx wy wz (a rotation vector), else DROID's cartesian_position: these are of
the ROBOT's tool, so that a robot must be named. Gripper: names with "openness" in observation.state, else names with
"gripper" in action, then in observations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ...geometry.pose import continuous_quaternions, to_model_tool
from ..format import Options
from ..gripper import Gripper, find_gripper, parse_gripper
from ..rosbag2.topics import robot_setup
from .names import POSE, STATE

__all__ = ["Columns", "openness_of", "poses_of", "tool_positions"]

Floats = npt.NDArray[np.float64]
_TURNS = {
    ("qx", "qy", "qz", "qw"): "quaternion",
    ("roll", "pitch", "yaw"): "euler",
    ("rx", "ry", "rz"): "euler",
    ("wx", "wy", "wz"): "vector",
}
_CARTESIAN = ("observation.state.cartesian_position", "observation.cartesian_position")


class Columns:
    """The rows of one episode, and what info.json says of their columns."""

    def __init__(self, where: str, features: Mapping[str, Mapping[str, Any]], rows: list[dict[str, Any]]) -> None:
        self.where, self.features, self.rows = where, features, rows

    def __contains__(self, key: str) -> bool:
        return bool(self.rows) and key in self.rows[0]

    def numbers(self, key: str, size: int | None = None) -> Floats:
        """`[T, k]`; ValueError naming the feature where it is not there, or not numbers of that size."""
        if key not in self:
            raise ValueError(f"{self.where} has no column {key}; it has {sorted(self.rows[0])}")
        try:
            array = np.array([row[key] for row in self.rows], dtype=np.float64).reshape(len(self.rows), -1)
        except (TypeError, ValueError):
            raise ValueError(f"{self.where}: {key} is not {size or 'some'} numbers in every frame; repair it") from None
        if size is not None and array.shape[1] != size:
            raise ValueError(f"{self.where}: {key} has {array.shape[1]} values, {size} are expected; repair it")
        return array

    def texts(self, key: str) -> list[str] | None:
        """A column of sentences; None where there is none."""
        if key not in self or not isinstance(self.rows[0][key], str):
            return None
        return [str(row[key] or "").strip() for row in self.rows]

    def flag(self, *keys: str) -> bool:
        """Whether the first of these columns that is there holds in its last frame; True where none is."""
        found = next((key for key in keys if key in self), None)
        return True if found is None else bool(np.ravel(self.rows[-1][found])[0])

    def names(self, key: str) -> list[str]:
        """What info.json calls the values of a feature: a list, or a mapping to one; empty where it does not."""
        names: Any = self.features.get(key, {}).get("names")
        while isinstance(names, Mapping) and names:
            names = next(iter(names.values()))
        return [str(name) for name in names] if isinstance(names, list) else []


def poses_of(columns: Columns, options: Options) -> tuple[Floats, Floats | None]:
    """`[T, 7]` of the model's tool frame, and of the robot's where it is known."""
    if POSE in columns:
        poses = columns.numbers(POSE, 7)
        _checked(poses, f"{columns.where}: {POSE}")
        return poses, None
    found = _robot_poses(columns)
    if found is None:
        raise ValueError(
            f"{columns.where} has no {POSE} and no feature whose names are those of a pose (x y z with qx qy qz qw or "
            f"roll pitch yaw): without tool poses there are no action images; record them (docs/data.md), or convert "
            f"from the recordings. It has {sorted(columns.features)}"
        )
    key, poses = found
    _checked(poses, f"{columns.where}: {key}")
    if not options.robot:
        raise ValueError(
            f"{columns.where}: robot is not given; {key} is the pose of the robot's tool, and without the robot's "
            "robot_tool_from_model_tool the gripper may be a quarter turn wrong: name a robot (--robot)"
        )
    turn = robot_setup(options.robot).robot_tool_from_model_tool
    assert turn is not None
    return np.asarray(to_model_tool(poses, turn), np.float64), poses


def _robot_poses(columns: Columns) -> tuple[str, Floats] | None:
    for key in sorted(columns.features, key=lambda k: (k != STATE, k)):
        if not key.startswith("observation") or key not in columns:
            continue
        tails = [_tail(name) for name in columns.names(key)]
        for turn, kind in _TURNS.items():
            wanted = ("x", "y", "z", *turn)
            if all(tails.count(name) == 1 for name in wanted):
                values = columns.numbers(key, len(tails))[:, [tails.index(name) for name in wanted]]
                return key, _pose7(values, kind, f"{columns.where}: {key}")
    for key in _CARTESIAN:
        if key in columns:
            return key, _pose7(columns.numbers(key, 6), "euler", f"{columns.where}: {key}")
    return None


def tool_positions(columns: Columns) -> Floats | None:
    """`[T, 3]`, wherever they are; None where they are not."""
    if POSE in columns:
        return columns.numbers(POSE, 7)[:, :3]
    found = _robot_poses(columns)
    return None if found is None else found[1][:, :3]


def _tail(name: str) -> str:
    """The last word of a name such as ee.x or eef_pos_x."""
    return name.lower().replace(".", "_").rpartition("_")[2]


def _pose7(values: Floats, kind: str, where: str) -> Floats:
    if kind == "quaternion":
        return values
    if np.isfinite(values).all() and kind == "euler" and np.abs(values[:, 3:]).max() > 2 * np.pi + 1e-3:
        raise ValueError(
            f"{where}: an angle is {np.abs(values[:, 3:]).max():g}; roll, pitch and yaw are in radians: degrees?"
        )
    finite = np.nan_to_num(values[:, 3:])
    turn = Rotation.from_euler("xyz", finite) if kind == "euler" else Rotation.from_rotvec(finite)
    quaternions = np.where(np.isfinite(values[:, 3:]).all(axis=1, keepdims=True), turn.as_quat(), np.nan)
    poses = np.concatenate([values[:, :3], quaternions], axis=1)
    return np.asarray(continuous_quaternions(poses), np.float64) if np.isfinite(poses).all() else poses


def _checked(poses: Floats, where: str) -> None:
    """ValueError naming the feature and the frame of what cannot be a pose."""
    bad = np.flatnonzero(~np.isfinite(poses).all(axis=1))
    if len(bad):
        raise ValueError(f"{where}, frame {bad[0]}: {poses[bad[0]].tolist()} is not finite; leave such frames out")
    zero = np.flatnonzero(np.linalg.norm(poses[:, 3:], axis=1) < 1e-9)
    if len(zero):
        raise ValueError(
            f"{where}, frame {zero[0]}: the quaternion is zero; no pose was measured: leave such frames out"
        )


def openness_of(columns: Columns, own: Any, step: int, options: Options) -> Floats:
    """`[T]` 0 (closed) to 1 (open): what this project's file says, else by the convention declared or found."""
    declared = parse_gripper(options.setup.get("gripper", ""))
    if own is not None and declared is None:
        every = np.asarray(own, dtype=np.float64)[::step]
        if every.shape != (len(columns.rows),):
            raise ValueError(
                f"{columns.where}: openness of meta/action_images.jsonl has {len(every)} values for "
                f"{len(columns.rows)} frames; copy the dataset again"
            )
        return every
    name, values = _gripper(columns)
    try:
        convention = declared or find_gripper(values, name, _fingers(options))
        return convention.openness(values)
    except ValueError as error:
        raise ValueError(f"{columns.where}: {error}") from None


def _fingers(options: Options) -> Gripper | None:
    if not options.robot:
        return None
    setup = robot_setup(options.robot)
    return Gripper(setup.finger_closed, setup.finger_open)


def _gripper(columns: Columns) -> tuple[str, Floats]:
    """The name and the values `[T]` of the gripper."""
    candidates: list[tuple[str, Floats]] = []
    for key in (STATE, "action", *sorted(columns.features)):
        if key not in columns or not key.startswith(("observation", "action")):
            continue
        names = columns.names(key)
        size = len(names)
        if any(word in key.lower() for word in ("gripper", "openness")) and "velocity" not in key and size <= 1:
            values = columns.numbers(key)
            if values.shape[1] == 1:
                candidates.append((_said(key, names), values[:, 0]))
            continue
        for index, name in enumerate(names):
            if name.lower() == "openness" and key == STATE:
                return f"{key} {name}", columns.numbers(key, size)[:, index]
            if any(word in name.lower() for word in ("gripper", "openness", "finger")) and "vel" not in name.lower():
                candidates.append((f"{key} {name}", columns.numbers(key, size)[:, index]))
    candidates.sort(key=lambda found: not found[0].startswith("action"))
    if not candidates:
        raise ValueError(
            f"{columns.where}: the gripper is not there: info.json names no value openness or gripper in "
            "observation.state or action; name it there"
        )
    return candidates[0]


def _said(key: str, names: list[str]) -> str:
    return f"{key} {names[0]}" if names else key
