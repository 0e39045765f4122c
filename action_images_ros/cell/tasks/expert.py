"""Scripted experts that use the state of the simulator.

`Expert.target(cell)` is a function of the present state (poses, gripper width and speed, the command being
executed): there is no phase counter, so a demonstration can start in any state, and the action depends only on what
images show. Motion is bounded in speed and slows down towards its waypoint.
"""

import numpy as np
from scipy.spatial.transform import Rotation

MAX_SPEED = 0.22
"""m/s of the TCP."""
MAX_TURN = 0.9
"""rad/s."""
_MIN_SPEED, _MIN_TURN = 0.025, 0.1
_GAIN = 4.0
"""1/s: speed per distance left."""
_DOWN = Rotation.from_matrix([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
"""The robot tool pointing down, x forward, fingers opening along y."""
FINGERTIP = 0.009
"""How far the fingertips reach beyond the TCP."""


def tool_down(yaw: float) -> np.ndarray:
    """Quaternion xyzw of the robot tool pointing down, rotated by `yaw` (rad) about the world's z."""
    return (Rotation.from_euler("z", yaw) * _DOWN).as_quat()


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    """Angle in rad between two quaternions xyzw."""
    return float(2 * np.arccos(np.clip(abs(np.dot(a, b)), 0.0, 1.0)))


def step_towards(pose: np.ndarray, waypoint: np.ndarray, period: float) -> np.ndarray:
    """The pose7 `period` seconds further on the way from `pose` to `waypoint`, at bounded, decelerating speed."""
    result = np.array(waypoint, dtype=float)
    offset = waypoint[:3] - pose[:3]
    distance = np.linalg.norm(offset)
    reach = np.clip(_GAIN * distance, _MIN_SPEED, MAX_SPEED) * period
    if distance > reach:
        result[:3] = pose[:3] + offset * (reach / distance)
    turn = (Rotation.from_quat(waypoint[3:]) * Rotation.from_quat(pose[3:]).inv()).as_rotvec()
    angle = np.linalg.norm(turn)
    reach = np.clip(_GAIN * angle, _MIN_TURN, MAX_TURN) * period
    if angle > reach:
        result[3:] = (Rotation.from_rotvec(turn * (reach / angle)) * Rotation.from_quat(pose[3:])).as_quat()
    return result


def funnel(position: np.ndarray, goal: np.ndarray, misalignment: float, hover: float, slope: float) -> np.ndarray:
    """Waypoint [3] over `goal` that comes down to it as the misalignment (m) vanishes, `hover` m above it at most.

    Below the funnel's wall the way leads up first, so that nothing beside the goal is swept away.
    """
    height = goal[2] + min(hover, slope * misalignment)
    too_low = np.clip((height - position[2]) / 0.03, 0.0, 1.0)
    waypoint = np.array([goal[0], goal[1], height])
    waypoint[:2] += too_low * (position[:2] - goal[:2])
    return waypoint


class Expert:
    """A reactive policy with access to the simulator's state."""

    def target(self, cell) -> tuple[np.ndarray, float]:
        """Pose7 of the ROBOT tool to command for the next control tick, and the openness (0 or 1) to command."""
        waypoint, openness = self.waypoint(cell)
        return step_towards(cell.commanded_pose, waypoint, cell.control_period), openness

    def waypoint(self, cell) -> tuple[np.ndarray, float]:
        """Where to go from this state: pose7 of the ROBOT tool, openness."""
        raise NotImplementedError
