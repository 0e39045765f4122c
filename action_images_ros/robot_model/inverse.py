"""Differential inverse kinematics along the poses of a chunk: damped least squares within the joints' limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

from ..control.quaternion import turn_between
from .model import RobotModel

__all__ = ["JointPath", "METRES_PER_RADIAN", "follow_poses"]

Array = npt.NDArray[np.float64]
METRES_PER_RADIAN = 0.3  # a rotation counts like the way of a point this far from the tool
_DAMPING = 1e-3  # of the Jacobian's singular values, in its own unit
_STEP = 0.3  # rad of any joint in one iteration
_CLOSE = 0.1  # share of the tolerance at which iterations end
_MAX_FIRST, _MAX_NEXT = 60, 25  # iterations for the first pose, for each other one
_SCALE = np.array([1.0, 1.0, 1.0, *(METRES_PER_RADIAN,) * 3])


@dataclass(frozen=True)
class JointPath:
    """Joint positions `[T, n]` at the poses, what is left of each (m, rad), Jacobians `[T, 6, n]`, rotation scaled.

    It ends with the first pose that is not reached.
    """

    positions: Array
    distance: Array
    angle: Array
    jacobians: Array

    def singular_values(self) -> Array:
        """The smallest singular value `[T]` of the scaled Jacobians."""
        return np.asarray(np.linalg.svd(self.jacobians, compute_uv=False)[:, -1])


def follow_poses(
    model: RobotModel, poses: Array, start: Array, lower: Array, upper: Array, tolerance: tuple[float, float]
) -> JointPath:
    """Joint positions within lower and upper `[n]` that put the tool at poses `[T, 7]`, one after the other.

    start: joint positions `[n]` to begin from; tolerance: m and rad within which a pose counts as reached.
    """
    q, before = np.clip(start, lower, upper), None
    rows, distances, angles, jacobians = [], [], [], []
    for index, pose in enumerate(poses):
        guess = q if before is None else np.clip(2 * q - before, lower, upper)  # goes on as it went
        before = q if index else None
        q, distance, angle, jacobian = _solve(
            model, pose, guess, lower, upper, tolerance, _MAX_NEXT if index else _MAX_FIRST
        )
        rows.append(q)
        distances.append(distance)
        angles.append(angle)
        jacobians.append(jacobian)
        if distance > tolerance[0] or angle > tolerance[1]:
            break
    return JointPath(np.array(rows), np.array(distances), np.array(angles), np.array(jacobians))


def _solve(
    model: RobotModel, pose: Array, q: Array, lower: Array, upper: Array, tolerance: tuple[float, float], most: int
) -> tuple[Array, float, float, Array]:
    """The nearest to `pose` that was come to: joint positions, distance, angle, scaled Jacobian."""
    best: tuple[Array, float, float, Array] | None = None
    for _ in range(most):
        reached, jacobian = model.tool(q)
        jacobian = _SCALE[:, None] * jacobian
        offset, turn = pose[:3] - reached[:3], turn_between(reached[3:], pose[3:])
        distance, angle = math.sqrt(offset @ offset), math.sqrt(turn @ turn)
        size = max(distance / tolerance[0], angle / tolerance[1])
        if best is None or size < max(best[1] / tolerance[0], best[2] / tolerance[1]):
            best = q, distance, angle, jacobian
        if size < _CLOSE:
            break
        q = q + _step(jacobian, np.concatenate([offset, METRES_PER_RADIAN * turn]), q, lower, upper)
    assert best is not None
    return best


def _step(jacobian: Array, error: Array, q: Array, lower: Array, upper: Array) -> Array:
    """Change of the joints `[n]` towards removing `error` `[6]`; a joint that meets its limit stays there."""
    step = _damped(jacobian, error)
    beyond = (q + step < lower) | (q + step > upper)
    if beyond.any():
        step = _within_limits(jacobian, error, q, lower, upper, step, beyond)
    peak = float(np.abs(step).max())
    return step * (_STEP / peak) if peak > _STEP else step


def _within_limits(
    jacobian: Array, error: Array, q: Array, lower: Array, upper: Array, step: Array, beyond: npt.NDArray[np.bool_]
) -> Array:
    """The step with the joints that meet a limit held there, and the others making up for them."""
    free = np.ones(len(q), dtype=bool)
    while beyond.any():
        free &= ~beyond
        step = np.where(free, 0.0, np.clip(q + step, lower, upper) - q)
        if not free.any():
            break
        step[free] = _damped(jacobian[:, free], error - jacobian @ step)
        beyond = free & ((q + step < lower) | (q + step > upper))
    return np.asarray(np.clip(q + step, lower, upper) - q)


def _damped(jacobian: Array, error: Array) -> Array:
    square = jacobian @ jacobian.T
    square.flat[:: len(square) + 1] += _DAMPING**2
    return np.asarray(jacobian.T @ dposv(square, error)[1])  # numpy's solve costs five times as much for 6 x 6
