"""The calibration motion: a short, slow tour of the workspace with small turns of the wrist.

Precision of the estimate comes from different places, not from many pictures of one place. The wrist stays near the
orientations that label mode reads well: yaw within 25 deg and tilt within 5 deg of straight down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation
from scipy.stats import qmc

from ..geometry.pose import interpolate

__all__ = ["PLACES", "calibration_path", "calibration_places", "levelled"]

PLACES = 12
"""Places of the motion."""
MAX_YAW = np.deg2rad(25.0)
MAX_TILT = np.deg2rad(5.0)
MARGIN_M = 0.04
"""Distance kept from the sides of the workspace box, m."""

Floats = npt.NDArray[np.float64]


def levelled(quaternion: npt.ArrayLike) -> Floats:
    """The orientation `[4]` (xyzw, ROBOT tool) turned the shortest way so that its z axis points straight down."""
    rotation = Rotation.from_quat(np.asarray(quaternion, dtype=np.float64))
    approach, down = rotation.apply([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
    axis = np.cross(approach, down)
    length = float(np.linalg.norm(axis))
    if length < 1e-9:
        turn = Rotation.identity() if approach[2] < 0 else Rotation.from_rotvec([np.pi, 0.0, 0.0])
    else:
        turn = Rotation.from_rotvec(axis / length * np.arctan2(length, approach @ down))
    return (turn * rotation).as_quat()


def calibration_places(
    box_min: npt.ArrayLike, box_max: npt.ArrayLike, start: npt.ArrayLike, count: int = PLACES
) -> Floats:
    """Poses `[count, 7]` (xyz m, quaternion xyzw; ROBOT tool in the base frame) to visit, in order.

    box_min, box_max: corners `[3]` m of the box that the tool may visit; start: present pose `[7]`, whose heading is
    kept as the middle of the yaws. Places are spread evenly (Halton sequence) and ordered for a short way. The same
    box and start give the same places. Raises ValueError for a box smaller than 10 cm in any direction.
    """
    low, high = np.asarray(box_min, dtype=np.float64) + MARGIN_M, np.asarray(box_max, dtype=np.float64) - MARGIN_M
    if low.shape != (3,) or high.shape != (3,) or not np.isfinite([low, high]).all():
        raise ValueError(
            f"box is {np.asarray(box_min).tolist()} to {np.asarray(box_max).tolist()}; give x, y, z in metres of both "
            "corners"
        )
    if np.any(high - low < 0.02):
        raise ValueError(
            f"box is {np.asarray(box_min).tolist()} to {np.asarray(box_max).tolist()} m; the calibration "
            "motion needs at least 0.1 m in x, y and z"
        )
    if count < 2:
        raise ValueError(f"count is {count}; visit 2 places or more")
    start = np.asarray(start, dtype=np.float64)
    drawn = qmc.Halton(6, scramble=False).random(count + 1)[1:]  # the first of the sequence is a corner
    positions = low + drawn[:, :3] * (high - low)
    yaw = MAX_YAW * (2 * drawn[:, 3] - 1)
    tilt = MAX_TILT * drawn[:, 4]
    heading = 2 * np.pi * drawn[:, 5]
    tilts = Rotation.from_rotvec(np.stack([tilt * np.cos(heading), tilt * np.sin(heading), 0 * tilt], axis=-1))
    turns = tilts * Rotation.from_euler("z", yaw[:, None]) * Rotation.from_quat(levelled(start[3:]))
    poses = np.concatenate([positions, turns.as_quat()], axis=1)
    return poses[_short_order(start[:3], positions)]


def _short_order(start: Floats, positions: Floats) -> list[int]:
    """The order in which each place is the nearest that is left."""
    here, left, order = start, list(range(len(positions))), []
    while left:
        nearest = min(left, key=lambda index: float(np.linalg.norm(positions[index] - here)))
        left.remove(nearest)
        order.append(nearest)
        here = positions[nearest]
    return order


def calibration_path(
    start: npt.ArrayLike,
    places: npt.ArrayLike,
    period_s: float,
    *,
    linear_speed: float,
    angular_speed: float,
    dwell_s: float = 0.0,
) -> Floats:
    """Poses `[N, 7]`, period_s apart, from the pose after `start` through all places.

    linear_speed: m/s, angular_speed: rad/s; both are kept on the straight way from place to place, with a smooth start
    and end of each (peak speed is that limit). dwell_s: rest at each place.
    """
    if not (period_s > 0 and linear_speed > 0 and angular_speed > 0 and dwell_s >= 0):
        raise ValueError(
            f"period_s is {period_s}, linear_speed {linear_speed}, angular_speed {angular_speed} and "
            f"dwell_s {dwell_s}; give positive numbers, dwell_s of 0 or more"
        )
    here = np.asarray(start, dtype=np.float64)
    poses: list[Floats] = []
    for place in np.asarray(places, dtype=np.float64):
        distance = float(np.linalg.norm(place[:3] - here[:3]))
        angle = float((Rotation.from_quat(place[3:]) * Rotation.from_quat(here[3:]).inv()).magnitude())
        duration_s = max(distance / linear_speed, angle / angular_speed) * np.pi / 2  # of the cosine's peak speed
        steps = max(1, int(np.ceil(duration_s / period_s)))
        share = (1 - np.cos(np.pi * np.arange(1, steps + 1) / steps)) / 2
        poses.append(interpolate(here[None], place[None], share))
        poses.append(np.repeat(place[None], int(round(dwell_s / period_s)), axis=0))
        here = place
    return np.concatenate(poses)
