"""Capsules (a segment with a radius) around points, distances of many at once; distances of hulls."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

__all__ = ["fit_capsule", "hull_distance", "segment_box_distances", "segment_distances"]

Array = npt.NDArray[np.float64]
_SECTIONS = 20  # of the search along a segment: its length / 1.6^20


def fit_capsule(points: Array) -> tuple[Array, float]:
    """Segment `[2, 3]` and radius (m) of a small capsule that holds points `[V, 3]`."""
    centre = points.mean(axis=0)
    axes = np.linalg.svd(points - centre, full_matrices=True)[2]
    starts = [np.stack([axes[(i + 1) % 3], axes[(i + 2) % 3], axes[i]], axis=1) for i in range(3)]
    first = min(starts, key=lambda start: _around(points, centre, start, np.zeros(4))[2])
    scale = max(float(np.ptp(points, axis=0).max()), 1e-3)

    def volume(change: Array) -> float:
        return _around(points, centre, first, change * (1.0, 1.0, scale, scale))[2]

    simplex = np.vstack([np.zeros(4), 0.1 * np.eye(4)])
    found = minimize(
        volume, np.zeros(4), method="Nelder-Mead", options={"initial_simplex": simplex, "maxfev": 150, "fatol": 1e-7}
    )
    segment, radius, _ = _around(points, centre, first, found.x * (1.0, 1.0, scale, scale))
    return segment, radius


def _around(points: Array, centre: Array, start: Array, change: Array) -> tuple[Array, float, float]:
    """Segment, radius and volume of the capsule along the third column of `start`, tilted and shifted by `change`."""
    axis = start[:, 2] + start[:, :2] @ change[:2]
    axis = axis / math.sqrt(axis @ axis)
    middle = centre + start[:, :2] @ change[2:]
    local = points - middle
    along = local @ axis
    radial = np.maximum(_dot(local, local) - along**2, 0.0)
    square = float(radial.max())
    reach = np.sqrt(square - radial)
    low, high, radius = float((along + reach).min()), float((along - reach).max()), math.sqrt(square)
    if low > high:
        low = high = (low + high) / 2
    return middle + np.outer((low, high), axis), radius, math.pi * square * (high - low + 4 * radius / 3)


def segment_distances(a: Array, b: Array) -> Array:
    """Distances `[...]` between segments a and b `[..., 2, 3]`, pair by pair."""
    p, q = a[..., 0, :], b[..., 0, :]
    u, v, w = a[..., 1, :] - p, b[..., 1, :] - q, p - q
    uu, vv, uv = _dot(u, u), _dot(v, v), _dot(u, v)
    uw, vw = _dot(u, w), _dot(v, w)
    safe_uu, safe_vv = np.maximum(uu, 1e-15), np.maximum(vv, 1e-15)
    denominator = uu * vv - uv * uv
    parallel = denominator <= 1e-9 * safe_uu * safe_vv
    s = np.where(parallel, 0.0, (uv * vw - vv * uw) / np.where(parallel, 1.0, denominator)).clip(0.0, 1.0)
    t = ((uv * s + vw) / safe_vv).clip(0.0, 1.0)
    s = ((uv * t - uw) / safe_uu).clip(0.0, 1.0)
    difference = w + s[..., None] * u - t[..., None] * v
    return np.sqrt(_dot(difference, difference))


def segment_box_distances(segments: Array, box: Array) -> Array:
    """Distances `[...]` of segments `[..., 2, 3]` to the box `[2, 3]` (lower, upper corner); 0 where they meet.

    The distance to a convex set is convex along a segment: a golden-section search finds its least.
    """
    start, way = segments[..., 0, :], segments[..., 1, :] - segments[..., 0, :]

    def at(fraction: Array) -> Array:
        points = start + fraction[..., None] * way
        apart = points - points.clip(box[0], box[1])
        return _dot(apart, apart)

    ratio = (math.sqrt(5.0) - 1) / 2
    low, high = np.zeros(start.shape[:-1]), np.ones(start.shape[:-1])
    for _ in range(_SECTIONS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        nearer = at(left) <= at(right)
        low, high = np.where(nearer, low, left), np.where(nearer, right, high)
    return np.sqrt(np.minimum(at((low + high) / 2), np.minimum(at(np.zeros_like(low)), at(np.ones_like(low)))))


def hull_distance(a: Array, b: Array, wanted: float, most: int = 100) -> float:
    """A distance (m) that the convex hulls of points a `[N, 3]` and b `[M, 3]` are at least apart.

    Gilbert's algorithm; it ends when the planes that part them are `wanted` apart, or after `most` steps.
    """
    nearest = a.mean(axis=0) - b.mean(axis=0)
    best = -math.inf
    for _ in range(most):
        length = math.sqrt(nearest @ nearest)
        if length < 1e-9:
            break
        corner = a[np.argmin(a @ nearest)] - b[np.argmax(b @ nearest)]
        best = max(best, float(nearest @ corner) / length)
        step = corner - nearest
        if best >= wanted or length - best < 1e-5:
            break
        nearest = nearest + min(max(-float(nearest @ step) / float(step @ step), 0.0), 1.0) * step
    return best


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("...i,...i->...", a, b))
