"""Joint targets of a Cartesian target: damped least squares from the present joints, for drivers that take joints.

A solution near the present joints is wanted, never another branch: a step is small, so few iterations do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..geometry.pose import matrix_from_pose7, vector_from_rotation
from .description import Chain

__all__ = ["InverseKinematics", "Unreachable"]

_ITERATIONS = 60
_POSITION_M = 1e-4  # a solution is nearer than this and
_ROTATION_RAD = 1e-3  # this
_DAMPING = 1e-3

Array = npt.NDArray[np.float64]


class Unreachable(ValueError):
    """No joints near the present ones bring the tip to the target; the message says how far off the nearest are."""


@dataclass(frozen=True)
class InverseKinematics:
    """IK of one chain. margin: distance kept from the joint limits (rad or m)."""

    chain: Chain
    margin: float = 0.01

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the moving joints, in the order of the solutions."""
        return self.chain.moving

    def limits(self) -> tuple[Array, Array]:
        """Lower and upper limits `[n]` with the margin taken off."""
        own = {joint.name: joint for joint in self.chain.joints}
        lower = np.array([own[name].lower + self.margin if name in own else -np.inf for name in self.joints])
        upper = np.array([own[name].upper - self.margin if name in own else np.inf for name in self.joints])
        return lower, upper

    def solve(self, pose7: npt.ArrayLike, positions: Mapping[str, float], *, max_step: float = 0.5) -> Array:
        """Joint positions `[n]` for the tip's pose `[7]` in the base, starting at `positions`.

        Raises Unreachable when no solution is found, or when a joint would have to move further than `max_step`
        (another branch: the arm would swing round).
        """
        target = matrix_from_pose7(np.asarray(pose7, dtype=np.float64))
        lower, upper = self.limits()
        start = np.array([positions[name] for name in self.joints])
        q = np.clip(start, lower, upper)
        for _ in range(_ITERATIONS):
            matrix, jacobian = self.chain.jacobian({**positions, **dict(zip(self.joints, q.tolist(), strict=True))})
            error = np.concatenate(
                [matrix[:3, 3] - target[:3, 3], vector_from_rotation(matrix[:3, :3] @ target[:3, :3].T)]
            )
            off = float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))
            if off[0] < _POSITION_M and off[1] < _ROTATION_RAD:
                break
            square = jacobian @ jacobian.T + _DAMPING**2 * np.eye(6)
            step = -jacobian.T @ np.linalg.solve(square, error)
            q = np.clip(q + step * min(1.0, 0.2 / max(float(np.max(np.abs(step))), 1e-12)), lower, upper)
        else:
            raise Unreachable(
                f"target_pose cannot be reached within the joint limits: {1000 * off[0]:.1f} mm, "
                f"{off[1]:.3f} rad remain; keep the workspace inside the arm's reach"
            )
        moved = np.abs(q - start)
        if np.max(moved, initial=0.0) > max_step:
            name = self.joints[int(np.argmax(moved))]
            raise Unreachable(
                f"joint {name} would move {np.max(moved):.2f} rad in one step, max is {max_step:g}; the "
                "arm is near a singular pose: move it away by hand"
            )
        return q
