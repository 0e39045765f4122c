"""Commands in a driver's units: a pose `[7]` (m, quaternion xyzw) or openness 0..1 to numbers, without ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..geometry.pose import matrix_from_pose7, pose7_from_matrix

__all__ = ["Throttle", "gripper_position", "pose7_from_xarm", "xarm_pose"]

Array = npt.NDArray[np.float64]


def xarm_pose(pose7: npt.ArrayLike) -> list[float]:
    """`[x, y, z, roll, pitch, yaw]` in mm and rad (rotations about the fixed axes x, y, z) of a pose `[7]`."""
    matrix = matrix_from_pose7(np.asarray(pose7, dtype=np.float64))
    angles = _euler(matrix[:3, :3])
    return [*(1000.0 * matrix[:3, 3]).tolist(), *angles.tolist()]


def _euler(rotation: Array) -> Array:
    """Fixed-axis angles; at pitch +-90 degrees, where roll and yaw are one, yaw is 0."""
    if abs(rotation[2, 0]) > 1.0 - 1e-9:  # gimbal lock: scipy would warn
        pitch = -np.pi / 2 if rotation[2, 0] > 0 else np.pi / 2
        roll = np.arctan2(np.sign(pitch) * rotation[0, 1], rotation[1, 1])
        return np.array([roll, pitch, 0.0])
    return np.asarray(Rotation.from_matrix(rotation).as_euler("xyz"))


def pose7_from_xarm(values: npt.ArrayLike) -> Array:
    """A pose `[7]` (m) of the arm's six numbers (mm, rad); ValueError when they are not six finite numbers."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise ValueError(f"pose of the arm is {np.asarray(values).tolist()}; six finite numbers (mm, rad) are expected")
    matrix = np.eye(4)
    matrix[:3, 3] = numbers[:3] / 1000.0
    matrix[:3, :3] = Rotation.from_euler("xyz", numbers[3:]).as_matrix()
    return np.asarray(pose7_from_matrix(matrix))


def gripper_position(openness: float, closed: float, opened: float) -> float:
    """The driver's command for openness 0..1; ValueError outside of it or when not finite."""
    if not 0.0 <= openness <= 1.0:
        raise ValueError(f"gripper_command is {openness}; give openness from 0 (closed) to 1 (open)")
    return closed + float(openness) * (opened - closed)


@dataclass
class Throttle:
    """Lets one command in `1 / rate_hz` seconds through; `ready(now_s)` with the steady clock's seconds."""

    rate_hz: float
    _due: float = -np.inf

    def ready(self, now_s: float) -> bool:
        """Whether a command is due now; counts it as sent."""
        period = 1.0 / self.rate_hz
        if now_s < self._due - 0.1 * period:  # a command of a 100 Hz stream comes a little early now and then
            return False
        self._due = max(self._due + period, now_s) if np.isfinite(self._due) else now_s + period
        return True
