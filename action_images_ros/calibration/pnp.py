"""Cameras that may explain pixels of known points, without any prior: the starts of a resection."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..geometry.camera import project
from ..geometry.pose import inverse

__all__ = ["pnp_starts"]

_RANSAC_PX = 4.0

Floats = npt.NDArray[np.float64]


def pnp_starts(points: Floats, uv: Floats, K: Floats, unit: float = 1.0) -> list[Floats]:
    """Cameras `[4, 4]` that may explain the pixels, without any prior: RANSAC with SQPnP, and the two solutions of the
    points' plane (IPPE), of which one is the mirrored camera where the points hardly have depth."""
    flat, pixels = points.reshape(-1, 3), uv.reshape(-1, 2)
    if len(flat) < 6:
        return []
    cv2.setRNGSeed(0)
    starts = []
    found, turn, shift, inliers = cv2.solvePnPRansac(
        flat,
        pixels,
        K,
        None,
        flags=cv2.SOLVEPNP_SQPNP,
        iterationsCount=200,
        reprojectionError=_RANSAC_PX * unit,
        confidence=0.999,
    )
    if found:
        starts.append(_camera(turn, shift))
        if inliers is not None and 6 <= len(inliers) < len(flat):
            flat, pixels = flat[inliers[:, 0]], pixels[inliers[:, 0]]
    starts += _planar_starts(flat, pixels, K)
    return [E for E in starts if np.isfinite(E).all() and np.median(project(flat, K, E)[1]) > 0]


def _planar_starts(points: Floats, uv: Floats, K: Floats) -> list[Floats]:
    centre = points.mean(0)
    _, _, axes = np.linalg.svd(points - centre, full_matrices=False)
    if np.linalg.det(axes) < 0:
        axes[2] *= -1
    plane = (points - centre) @ axes.T
    plane[:, 2] = 0.0
    try:
        _, turns, shifts, _ = cv2.solvePnPGeneric(plane, uv, K, None, flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:
        return []
    world_from_plane = np.eye(4)
    world_from_plane[:3, :3], world_from_plane[:3, 3] = axes.T, centre
    return [world_from_plane @ _camera(turn, shift) for turn, shift in zip(turns, shifts, strict=True)]


def _camera(turn: Any, shift: Any) -> Floats:
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3], camera_from_world[:3, 3] = cv2.Rodrigues(turn)[0], np.ravel(shift)
    return inverse(camera_from_world)
