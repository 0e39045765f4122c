"""Points from pixels in several calibrated views, and rigid motions from points; vectorised over many points."""

from __future__ import annotations

import numpy as np

from .arrays import ArrayLike, Bools, Floats
from .camera import normalise_signs, project
from .pose import inverse

__all__ = ["Triangulation", "fit_rigid", "projection_jacobian", "rays", "triangulate"]


class Triangulation:
    """Result of `triangulate`; plain attributes.

    points: `[N, 3]` m (NaN with fewer than two usable views or parallel rays).
    residual: `[V, N]` px, distance between the observed and the reprojected pixel (NaN for unused views).
    covariance: `[N, 3, 3]` m^2 for an error of `pixel_sigma` px per coordinate.
    used: `[V, N]` bool, the views each point was computed from.
    """

    def __init__(self, points: Floats, residual: Floats, covariance: Floats, used: Bools) -> None:
        self.points, self.residual, self.covariance, self.used = points, residual, covariance, used


def rays(uv: ArrayLike, K: ArrayLike, E: ArrayLike) -> tuple[Floats, Floats]:
    """Camera centre `[..., 3]` m and unit direction `[..., 3]` in the world of the rays through pixels `[..., 2]`.

    K `[..., 3, 3]` and E `[..., 4, 4]` broadcast against the leading axes of uv.
    """
    uv, K, E = (np.asarray(a, dtype=np.float64) for a in (uv, K, E))
    y = (uv[..., 1] - K[..., 1, 2]) / K[..., 1, 1]
    x = (uv[..., 0] - K[..., 0, 2] - K[..., 0, 1] * y) / K[..., 0, 0]
    local = np.stack([x, y, np.ones_like(x)], axis=-1)
    local /= np.linalg.norm(local, axis=-1, keepdims=True)
    direction = np.einsum("...ij,...j->...i", E[..., :3, :3], local)
    return np.broadcast_to(E[..., :3, 3], direction.shape), direction


def projection_jacobian(points: ArrayLike, K: ArrayLike, E: ArrayLike) -> Floats:
    """Derivative `[..., 2, 3]` px/m of a pixel by its world point `[..., 3]`; K, E broadcast as in `project`."""
    points, K = np.asarray(points, dtype=np.float64), np.asarray(K, dtype=np.float64)
    camera_from_world = inverse(E)
    rotation = camera_from_world[..., :3, :3]
    local = np.einsum("...ij,...j->...i", rotation, points) + camera_from_world[..., :3, 3]
    x, y, z = local[..., 0], local[..., 1], local[..., 2]
    z = np.where(np.abs(z) < 1e-9, 1e-9, z)
    fx, skew, fy = K[..., 0, 0], K[..., 0, 1], K[..., 1, 1]
    zero = np.zeros(np.broadcast_shapes(z.shape, fx.shape))
    by_local = np.stack(
        [
            np.stack([fx / z + zero, skew / z + zero, -(fx * x + skew * y) / z**2], axis=-1),
            np.stack([zero, fy / z + zero, -fy * y / z**2], axis=-1),
        ],
        axis=-2,
    )
    return by_local @ rotation


def triangulate(
    uv: ArrayLike,
    K: ArrayLike,
    E: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    pixel_sigma: float = 1.0,
    iterations: int = 5,
) -> Triangulation:
    """World points from their pixels in V >= 2 views, robust against one bad view when there are three or more.

    uv: `[V, N, 2]` px, NaN where a view does not see the point; K `[V, 3, 3]`, E `[V, 4, 4]` world_from_camera;
    weights: `[V, N]` >= 0, relative trust. Linear least squares on the rays starts Gauss-Newton on the pixel
    errors; with three or more views those errors get Cauchy weights of scale 2 `pixel_sigma`, and the view farthest
    off is dropped where leaving it out explains the others far better.
    """
    uv = np.asarray(uv, dtype=np.float64)
    if uv.ndim != 3 or uv.shape[-1] != 2 or uv.shape[0] < 2:
        raise ValueError(
            f"uv has shape {list(uv.shape)}, expected [V, N, 2] with V >= 2; a point needs two views to be triangulated"
        )
    if np.shape(K) != (len(uv), 3, 3) or np.shape(E) != (len(uv), 4, 4):
        raise ValueError(
            f"K has shape {list(np.shape(K))} and E {list(np.shape(E))} for {len(uv)} views; "
            "give [V, 3, 3] and [V, 4, 4]"
        )
    K, E = normalise_signs(K, E)
    seen = np.isfinite(uv).all(axis=-1)
    trust = np.where(seen, 1.0 if weights is None else np.asarray(weights, dtype=np.float64), 0.0)
    result = _solve(np.where(seen[..., None], uv, 0.0), K, E, trust, pixel_sigma, iterations)
    if len(uv) >= 3:
        result = _drop_worst(uv, K, E, trust, pixel_sigma, iterations, result)
    return result


def _solve(uv: Floats, K: Floats, E: Floats, trust: Floats, pixel_sigma: float, iterations: int) -> Triangulation:
    origin, direction = rays(uv, K[:, None], E[:, None])
    across = trust[..., None, None] * (np.eye(3) - direction[..., :, None] * direction[..., None, :])
    normal = across.sum(0)
    used = trust > 0
    good = (used.sum(0) >= 2) & (np.linalg.eigvalsh(normal)[:, 0] > 1e-7 * np.maximum(trust.max(0), 1e-12))
    safe = np.where(good[:, None, None], normal, np.eye(3))
    points = np.linalg.solve(safe, np.einsum("vnij,vnj->ni", across, origin)[..., None])[..., 0]
    points[~good] = E[:, :3, 3].mean(0) + E[:, :3, 2].mean(0)
    for _ in range(iterations):
        predicted, depth = project(points, K[:, None], E[:, None])
        error = np.where((used & (depth > 1e-6))[..., None], uv - predicted, 0.0)
        weight = trust / pixel_sigma**2
        if len(uv) >= 3:
            weight = weight / (1.0 + np.sum(error**2, axis=-1) / (2.0 * pixel_sigma) ** 2)
        jacobian = projection_jacobian(points, K[:, None], E[:, None])
        information = np.einsum("vn,vnki,vnkj->nij", weight, jacobian, jacobian)
        information = np.where(good[:, None, None], information, np.eye(3))
        step = np.linalg.solve(
            information + 1e-9 * np.eye(3) * np.trace(information, axis1=1, axis2=2)[:, None, None],
            np.einsum("vn,vnki,vnk->ni", weight, jacobian, error)[..., None],
        )[..., 0]
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        points = points + np.where(good[:, None], step * np.minimum(1.0, 0.5 / np.maximum(length, 1e-12)), 0.0)
    predicted, depth = project(points, K[:, None], E[:, None])
    good &= np.all((depth > 0) | ~used, axis=0)
    residual = np.where(used & good, np.linalg.norm(uv - predicted, axis=-1), np.nan)
    spread = np.linalg.eigvalsh(np.where(good[:, None, None], information, np.eye(3)))
    good &= spread[:, 0] > 1e-12 * spread[:, -1]  # rays that meet in the camera itself tell nothing
    safe = np.where(good[:, None, None], information, np.eye(3))
    covariance = np.where(good[:, None, None], np.linalg.inv(safe), np.nan)
    return Triangulation(np.where(good[:, None], points, np.nan), residual, covariance, used & good)


def _drop_worst(
    uv: Floats, K: Floats, E: Floats, trust: Floats, pixel_sigma: float, iterations: int, full: Triangulation
) -> Triangulation:
    suspect = np.flatnonzero((np.nan_to_num(full.residual).max(0) > 3.0 * pixel_sigma) & (full.used.sum(0) >= 3))
    if len(suspect) == 0:
        return full
    best = np.nansum(full.residual[:, suspect] ** 2, axis=0) / np.maximum(2 * full.used[:, suspect].sum(0) - 3, 1)
    for view in range(len(uv)):
        less = trust[:, suspect].copy()
        less[view] = 0.0
        part = _solve(np.nan_to_num(uv[:, suspect]), K, E, less, pixel_sigma, iterations)
        score = np.nansum(part.residual**2, axis=0) / np.maximum(2 * part.used.sum(0) - 3, 1)
        better = (part.used.sum(0) >= 2) & (score < 0.25 * best)
        which = suspect[better]
        full.points[which], full.covariance[which] = part.points[better], part.covariance[better]
        full.residual[:, which], full.used[:, which] = part.residual[:, better], part.used[:, better]
        best = np.where(better, 4.0 * score, best)  # a later view must beat this one outright
    return full


def fit_rigid(points_from: ArrayLike, points_to: ArrayLike, weights: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Rotation `[..., 3, 3]` and translation `[..., 3]` that best map points_from onto points_to.

    points_from, points_to: `[..., P, 3]`, P >= 3 not on a line; weights `[..., P]`. Least squares by singular value
    decomposition (Kabsch), reflections excluded: `points_to = rotation @ points_from + translation`.
    """
    source = np.asarray(points_from, dtype=np.float64)
    target = np.asarray(points_to, dtype=np.float64)
    source, target = np.broadcast_arrays(source, target)
    trust = np.ones(target.shape[:-1]) if weights is None else np.asarray(weights, dtype=np.float64)
    trust = (trust / trust.sum(axis=-1, keepdims=True))[..., None]
    centre_from, centre_to = np.sum(trust * source, axis=-2), np.sum(trust * target, axis=-2)
    correlation = np.einsum(
        "...pi,...pj->...ij", trust * (target - centre_to[..., None, :]), source - centre_from[..., None, :]
    )
    left, _, right = np.linalg.svd(correlation)
    sign = np.ones(left.shape[:-1])
    sign[..., 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[..., None, :]) @ right
    return rotation, centre_to - np.einsum("...ij,...j->...i", rotation, centre_from)
