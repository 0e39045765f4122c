"""One rigid pose per frame from the blobs of all views: start, robust Gauss-Newton, covariance.

Every frame has its own six unknowns; all frames are solved together in arrays. Pose increments are a translation
in the world (m) and a rotation vector in the world applied from the left about the tool's origin:
`R' = exp(omega) R`. The covariance uses the same six coordinates in the same order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.camera import project
from ..geometry.pose import rotation_from_vector
from ..geometry.triangulation import fit_rigid, projection_jacobian, triangulate
from .encode import TOOL_POINTS

__all__ = ["PoseFit", "fit_poses"]

_ROLLS = 24
_HUBER = 3.0


class PoseFit(NamedTuple):
    """rotation `[T, 3, 3]`, translation `[T, 3]` m, covariance `[T, 6, 6]` (NaN where nothing could be fitted).

    chi2: `[T]` squared residuals over their variances; redundancy: `[T]` observations minus six; rms: `[T]` px,
    root of the squared residuals over the redundancy; used: `[V, T, 3]` bool.
    """

    rotation: np.ndarray
    translation: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    redundancy: np.ndarray
    rms: np.ndarray
    used: np.ndarray


def fit_poses(uv, variance, used, K, E) -> PoseFit:
    """Fit poses to blobs. uv, variance `[V, T, 3, 2]` px, px^2; used `[V, T, 3]` bool; K, E normalised cameras."""
    frames = uv.shape[1]
    rotation, translation, good = _start(uv, variance, used, K, E)
    fit = _refine(uv, variance, used & good[:, None], K, E, rotation, translation)
    bad = ~good | (used.sum((0, 2)) < 4)
    blank = np.where(bad, np.nan, 1.0)
    return PoseFit(fit.rotation * blank[:, None, None], fit.translation * blank[:, None],
                   fit.covariance * blank[:, None, None], np.where(bad, np.inf, fit.chi2),
                   np.where(bad, 0, fit.redundancy), np.where(bad, np.inf, fit.rms), fit.used.reshape(-1, frames, 3))


def _start(uv, variance, used, K, E):
    views, frames = uv.shape[:2]
    seen = np.where(used[..., None], uv, np.nan).reshape(views, frames * 3, 2)
    noise = np.sqrt(np.median(variance[used])) if used.any() else 1.0
    spots = triangulate(seen, K, E, pixel_sigma=max(noise, 0.3), iterations=1 if views == 2 else 3)
    points = spots.points.reshape(frames, 3, 3)
    known = np.isfinite(points).all(-1)
    rotation, translation = np.tile(np.eye(3), (frames, 1, 1)), np.zeros((frames, 3))
    full = known.all(-1)
    if full.any():
        rotation[full], translation[full] = fit_rigid(TOOL_POINTS, points[full])
    two = (known.sum(-1) == 2) & (used.any(0) | known).all(-1)
    for missing in range(3):
        which = np.flatnonzero(two & ~known[:, missing])
        if len(which):
            rotation[which], translation[which] = _start_from_two(
                points[which], missing, uv[:, which], used[:, which], K, E)
    return rotation, translation, full | two


def _start_from_two(points, missing, uv, used, K, E):
    """Two points fix all but a roll about their line: try 24 rolls, keep the one the third point's views prefer."""
    a, b = (i for i in range(3) if i != missing)
    middle_tool = (TOOL_POINTS[a] + TOOL_POINTS[b]) / 2
    axis_tool = TOOL_POINTS[b] - TOOL_POINTS[a]
    axis = points[:, b] - points[:, a]
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    helper = np.eye(3)[np.abs(axis).argmin(-1)]
    across = np.cross(axis, helper)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    basis = np.stack([axis, across, np.cross(axis, across)], axis=-1)
    axis_tool = axis_tool / np.linalg.norm(axis_tool)
    across_tool = np.cross(axis_tool, [0.0, 1.0, 0.0])
    basis_tool = np.stack([axis_tool, across_tool, np.cross(axis_tool, across_tool)], axis=-1)
    rolls = rotation_from_vector(np.arange(_ROLLS)[:, None] * (2 * np.pi / _ROLLS) * np.array([1.0, 0.0, 0.0]))
    rotation = basis[:, None] @ rolls @ basis_tool.T
    translation = ((points[:, a] + points[:, b]) / 2)[:, None] - rotation @ middle_tool
    third = rotation @ TOOL_POINTS[missing] + translation
    predicted, _ = project(third, K[:, None, None], E[:, None, None])
    error = np.sum((predicted - uv[:, :, None, missing]) ** 2, axis=-1) * used[:, :, None, missing]
    best = error.sum(0).argmin(-1)
    index = np.arange(len(best))
    return rotation[index, best], translation[index, best]


def _linearise(uv, rotation, translation, K, E):
    arms = np.einsum("tij,kj->tki", rotation, TOOL_POINTS)
    points = arms + translation[:, None]
    predicted, depth = project(points, K[:, None, None], E[:, None, None])
    by_point = projection_jacobian(points, K[:, None, None], E[:, None, None])
    cross = np.zeros(arms.shape[:-1] + (3, 3))
    cross[..., 0, 1], cross[..., 0, 2], cross[..., 1, 2] = arms[..., 2], -arms[..., 1], arms[..., 0]
    cross -= np.swapaxes(cross, -1, -2)
    return uv - predicted, np.concatenate([by_point, by_point @ cross], axis=-1), depth


def _refine(uv, variance, used, K, E, rotation, translation, iterations=8):
    weight = np.where(used[..., None], 1.0 / np.maximum(variance, 1e-12), 0.0)
    redundancy = 2 * used.sum((0, 2)) - 6
    trust = np.ones(used.shape)
    ridge = np.diag([1e-3] * 3 + [1e-5] * 3)
    for step in range(iterations):
        error, jacobian, _ = _linearise(uv, rotation, translation, K, E)
        error = np.where(used[..., None], error, 0.0)
        normalised = np.sum(weight * error**2, axis=-1)
        if step >= 3:
            scale = np.maximum((normalised * trust).sum((0, 2)) / np.maximum(redundancy, 1), 1.0)
            trust = np.minimum(1.0, _HUBER * np.sqrt(scale)[:, None]
                               / np.sqrt(np.maximum(normalised, 1e-12)))
        w = weight * trust[..., None]
        weighted = jacobian * w[..., None]
        information = np.einsum("vtkri,vtkrj->tij", weighted, jacobian, optimize=True)
        gradient = np.einsum("vtkri,vtkr->ti", weighted, error, optimize=True)
        delta = np.linalg.solve(information + ridge, gradient[..., None])[..., 0]
        turn = np.linalg.norm(delta[:, 3:], axis=-1, keepdims=True)
        delta[:, 3:] *= np.minimum(1.0, 0.5 / np.maximum(turn, 1e-12))
        shift = np.linalg.norm(delta[:, :3], axis=-1, keepdims=True)
        delta[:, :3] *= np.minimum(1.0, 0.2 / np.maximum(shift, 1e-12))
        rotation = rotation_from_vector(delta[:, 3:]) @ rotation
        translation = translation + delta[:, :3]
        if step >= 3 and np.abs(delta).max() < 1e-7:
            break
    error, _, depth = _linearise(uv, rotation, translation, K, E)
    squared = np.where(used[..., None], error**2, 0.0)
    front = np.all((depth > 0) | ~used, axis=(0, 2))
    chi2 = np.where(front, np.sum(weight * trust[..., None] * squared, axis=(0, 2, 3)), np.inf)
    rms = np.where(front, np.sqrt(squared.sum((0, 2, 3)) / np.maximum(redundancy, 1)), np.inf)
    covariance = np.linalg.inv(information + ridge)
    return PoseFit(rotation, translation, covariance, chi2, redundancy, rms, used)
