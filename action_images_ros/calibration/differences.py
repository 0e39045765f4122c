"""Differences of two camera poses, at the camera, at the workspace and in the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..geometry.camera import project
from ..geometry.pose import rotation_angle
from ..geometry.triangulation import projection_jacobian

__all__ = ["camera_difference", "workspace_sd", "workspace_shift"]

Floats = npt.NDArray[np.float64]


def workspace_shift(K: Floats, first: Floats, second: Floats, points: Floats) -> tuple[float, float]:
    """What two places of a camera differ by, rms over world points `[..., 3]` that the first one sees: px in the
    picture, and m at the points (pixels times depth over focal length)."""
    a, depth = project(points, K, first)
    b, other = project(points, K, second)
    seen = (depth > 1e-3) & (other > 1e-3)
    if not seen.any():
        return float("inf"), float("inf")
    pixels = np.linalg.norm(a - b, axis=-1)[seen]
    metres = pixels * depth[seen] / np.sqrt(K[0, 0] * K[1, 1])
    return float(np.sqrt(np.mean(pixels**2))), float(np.sqrt(np.mean(metres**2)))


def camera_difference(first: Floats, second: Floats) -> tuple[float, float]:
    """Distance (m) and angle (rad) between two camera poses `[4, 4]`."""
    return (float(np.linalg.norm(first[:3, 3] - second[:3, 3])), float(rotation_angle(first[:3, :3], second[:3, :3])))


def workspace_sd(K: Floats, world_from_camera: Floats, covariance: Floats, points: Floats) -> float:
    """Standard deviation (m, rms over world points `[..., 3]`, across the line of sight) that a camera's covariance
    `[6, 6]` stands for."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    by_point = projection_jacobian(points, K, world_from_camera)
    arm = points - world_from_camera[:3, 3]
    cross = np.cross(np.eye(3)[None], arm[:, None, :])  # rows: e_k x arm
    jacobian = np.concatenate([-by_point, -by_point @ np.swapaxes(cross, 1, 2)], axis=-1)
    variance = np.einsum("nki,ij,nkj->n", jacobian, covariance, jacobian)
    depth = np.abs((points - world_from_camera[:3, 3]) @ world_from_camera[:3, 2])
    return float(np.sqrt(np.mean(variance * depth**2 / (K[0, 0] * K[1, 1]))))
