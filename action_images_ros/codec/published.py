"""The published decoding of action images, re-implemented from its description, as a baseline.

The first view's blobs are located as whole-image centroids of red and green; along each centroid's ray 512 depths
are tried and the one with the largest product of all views' pixel values at the projections is taken (projections
outside a picture are clamped to its border). That gives a position and the tool's x axis; blue only says whether the
gripper is closed: when any blue pixel exceeds 128. Known weaknesses are part of the baseline and kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.arrays import ArrayLike, Floats
from ..geometry.camera import normalise_signs, project
from ..geometry.triangulation import rays

__all__ = ["PublishedDecoding", "decode_published"]


class PublishedDecoding(NamedTuple):
    """position `[T, 3]` m; x_axis `[T, 3]` unit vector (rotation about it is not determined); openness `[T]` 0 or 1."""

    position: Floats
    x_axis: Floats
    openness: Floats


def _centroid(plane: Floats) -> Floats:
    total = np.maximum(plane.sum((1, 2)), 1e-9)
    x, y = np.arange(plane.shape[2]), np.arange(plane.shape[1])
    return np.stack([plane.sum(1) @ x / total, plane.sum(2) @ y / total], axis=-1)


def decode_published(
    images: ArrayLike, K: ArrayLike, E: ArrayLike, *, near: float = 0.4, far: float = 2.2, steps: int = 512
) -> PublishedDecoding:
    """Decode images uint8 `[V, T, H, W, 3]`; near and far are z depths (m) in the first view."""
    images = np.asarray(images)
    K, E = normalise_signs(K, E)
    _, frames, height, width, _ = images.shape
    depths = np.linspace(near, far, steps)
    index = np.arange(frames)[:, None]
    points = []
    for channel in (0, 1):
        planes = images[..., channel].astype(np.float64) / 255.0
        origin, direction = rays(_centroid(planes[0]), K[0], E[0])
        forward = direction @ E[0][:3, 2]
        candidates = origin[:, None] + direction[:, None] * (depths / forward[:, None])[..., None]
        response = np.ones((frames, steps))
        for view in range(len(images)):
            uv, _ = project(candidates, K[view], E[view])
            u = np.clip(np.rint(uv[..., 0]), 0, width - 1).astype(int)
            v = np.clip(np.rint(uv[..., 1]), 0, height - 1).astype(int)
            response *= planes[view][index, v, u]
        points.append(candidates[np.arange(frames), response.argmax(1)])
    axis = points[1] - points[0]
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    closed = (images[..., 2] > 128).any(axis=(0, 2, 3))
    return PublishedDecoding(points[0], axis, np.where(closed, 0.0, 1.0))
