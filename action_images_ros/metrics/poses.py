"""Errors of decoded poses."""

from __future__ import annotations

import numpy as np

from ..codec.decode import DecodedActions
from ..geometry.arrays import Bools, Floats
from ..geometry.pose import matrix_from_pose7, vector_from_rotation

__all__ = ["pose_errors"]


def pose_errors(decoded: DecodedActions, world_from_tool: Floats) -> tuple[Floats, Floats, Floats]:
    """Position error (m), rotation error (rad) and normalised estimation error squared `[T]`; NaN where unsolved."""
    solved: Bools = np.asarray(np.isfinite(decoded.poses).all(-1))
    poses = np.where(solved[:, None], decoded.poses, [0, 0, 0, 0, 0, 0, 1.0])
    estimate = matrix_from_pose7(poses)
    shift = world_from_tool[:, :3, 3] - estimate[:, :3, 3]
    turn = vector_from_rotation(world_from_tool[:, :3, :3] @ np.swapaxes(estimate[:, :3, :3], 1, 2))
    error = np.concatenate([shift, turn], axis=1)
    covariance = np.where(solved[:, None, None], decoded.covariance, np.eye(6))
    nees = np.einsum("ti,ti->t", error, np.linalg.solve(covariance, error[..., None])[..., 0])
    blank = np.where(solved, 1.0, np.nan)
    return np.linalg.norm(shift, axis=1) * blank, np.linalg.norm(turn, axis=1) * blank, nees * blank
