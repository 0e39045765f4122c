"""Action images read back as robot poses (first version: peaks, triangulation, rigid fit)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.camera import normalise_signs
from ..geometry.pose import pose7_from_matrix
from ..geometry.triangulation import fit_rigid, triangulate
from .encode import TOOL_POINTS, blob_sigma


class DecodedActions(NamedTuple):
    """poses `[T, 7]`, openness `[T]`, covariance `[T, 6, 6]` (translation m, rotation vector rad), valid `[T]`."""

    poses: np.ndarray
    openness: np.ndarray
    covariance: np.ndarray
    valid: np.ndarray


def decode(images, K, E) -> DecodedActions:
    """Images `[V, T, H, W, 3]` (uint8, or float in [0, 1]), K `[V, 3, 3]`, E `[V, 4, 4]`."""
    images = np.asarray(images)
    values = images.astype(np.float32) / np.float32(255.0 if images.dtype == np.uint8 else 1.0)
    K, E = normalise_signs(K, E)
    views, frames, height, width, _ = values.shape
    sigma = blob_sigma((height, width))
    x, y = np.arange(width), np.arange(height)

    def kernel(axis):
        k = np.exp(-0.5 * ((axis[:, None] - axis) / (0.6 * sigma)) ** 2).astype(np.float32)
        return k / k.sum(1, keepdims=True)

    planes = np.moveaxis(values, -1, 2).reshape(-1, height, width)
    smooth = kernel(y) @ planes @ kernel(x).T
    top = smooth.reshape(len(planes), -1).argmax(1)
    v0, u0 = np.divmod(top, width)
    peak = smooth.reshape(len(planes), -1).max(1)
    inside = ((x - u0[:, None]) ** 2)[:, None, :] + ((y - v0[:, None]) ** 2)[:, :, None] <= (2 * sigma) ** 2
    weight = np.maximum(planes - np.maximum(peak / 2, 0.3)[:, None, None], 0) * inside
    total = np.maximum(weight.sum((1, 2)), 1e-9)
    uv = np.stack([(weight * x).sum((1, 2)) / total, (weight * y[:, None]).sum((1, 2)) / total], -1)
    uv[(total < 1e-6) | (peak < 0.15)] = np.nan
    spots = triangulate(uv.reshape(views, frames * 3, 2), K, E)
    points = spots.points.reshape(frames, 3, 3)
    valid = np.isfinite(points).all((1, 2))
    points = np.where(valid[:, None, None], points, TOOL_POINTS)
    rotation, translation = fit_rigid(TOOL_POINTS, points)
    fit = np.einsum("tij,kj->tki", rotation, TOOL_POINTS) + translation[:, None]
    valid &= np.linalg.norm(fit - points, axis=-1).max(1) < 0.03
    matrix = np.tile(np.eye(4), (frames, 1, 1))
    matrix[:, :3, :3], matrix[:, :3, 3] = rotation, translation
    openness = np.clip(np.median(planes.reshape(views, frames, 3, -1)[:, :, 2], axis=(0, 2)) / 0.25, 0, 1)
    covariance = np.tile(np.diag([1e-6] * 3 + [1e-4] * 3), (frames, 1, 1))
    return DecodedActions(pose7_from_matrix(matrix), openness, covariance, valid)
