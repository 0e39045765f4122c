"""One camera from the pixels of known points: where it stands, how sure that is, and what else would fit.

Maximum a posteriori over six unknowns (seven with the focal length): Huber loss on the pixel errors, a Gaussian prior
about the given calibration. Errors of a reader are in part the same in many frames; frames therefore count less the
more of them there are (`Noise.max_frames`). Increments are a translation in world axes (m) and a rotation
vector in world axes applied from the left, `R' = exp(omega) R`; covariances use the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from ..geometry.camera import project
from ..geometry.pose import rotation_from_vector, vector_from_rotation
from .pnp import pnp_starts

__all__ = ["CameraFit", "Noise", "Prior", "solve_camera"]

_HUBER = 2.0
_OUTLIER = 6.0  # sigmas beyond which a point is left out of the last fit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Noise:
    """Errors of a reading: variance `factor * blob variance + floor_px^2` for the position, x-axis and back-axis point
    (px of a 96 px picture). max_frames: information of any number of frames never exceeds that of so many independent
    ones, since a reader's errors are in part the same in all frames of a scene; infinity: they are independent."""

    floor_px: tuple[float, float, float] = (0.8, 0.9, 0.45)
    factor: float = 4.0
    max_frames: float = 5.0

    def sigma(self, variance: Floats, unit: float) -> Floats:
        """Standard deviations px of points with blob variances `[..., 3, 2]` px^2."""
        floor = np.array(self.floor_px)[:, None] * unit
        return np.sqrt(self.factor * variance + floor**2)

    def weight(self, frames: int) -> float:
        """Weight of each of so many frames."""
        return 1.0 / (1.0 + max(frames - 1, 0) / self.max_frames)


@dataclass(frozen=True)
class Prior:
    """The given calibration `[4, 4]` and how far it may be off (one sigma in each coordinate: m, rad)."""

    world_from_camera: Floats
    position_m: float = 0.03
    rotation_rad: float = float(np.deg2rad(2.0))


@dataclass(frozen=True)
class CameraFit:
    """world_from_camera `[4, 4]`, covariance `[6, 6]` (m, rad); focal_ratio: solved over given focal length and its
    standard deviation (0 where not solved). residual_px: weighted rms pixel error per coordinate over the points used;
    frames: that had points; outliers: points left out; cost: half the robust sum; information: `[6, 6]` of the pixels
    alone, without the prior."""

    world_from_camera: Floats
    covariance: Floats
    focal_ratio: float
    focal_sd: float
    residual_px: float
    frames: int
    outliers: int
    cost: float
    information: Floats


@dataclass(frozen=True)
class _Problem:
    points: Floats  # [M, 3]
    uv: Floats  # [M, 2]
    sigma: Floats  # [M, 2]
    K: Floats
    weight: float
    prior: Prior | None
    focal_sigma: float
    start: Floats  # world_from_camera [4, 4]

    def camera(self, x: Floats) -> tuple[Floats, Floats]:
        """world_from_camera and K at the increments x `[6 or 7]` from the start."""
        E = self.start.copy()
        E[:3, :3] = rotation_from_vector(x[3:6]) @ E[:3, :3]
        E[:3, 3] += x[:3]
        K = self.K.copy()
        if self.focal_sigma:
            K[:2, :2] *= np.exp(x[6])
        return E, K

    def residuals(self, x: Floats) -> Floats:
        E, K = self.camera(x)
        uv, depth = project(self.points, K, E)
        error = (uv - self.uv) / self.sigma
        error = np.where((depth > 1e-3)[:, None], error, 1e3).ravel()
        return np.concatenate([error, self.prior_residuals(x, E)])

    def prior_residuals(self, x: Floats, E: Floats) -> Floats:
        parts = []
        if self.prior is not None:
            told = self.prior.world_from_camera
            turn = vector_from_rotation(E[:3, :3] @ told[:3, :3].T)
            parts += [(E[:3, 3] - told[:3, 3]) / self.prior.position_m, turn / self.prior.rotation_rad]
        if self.focal_sigma:
            parts.append(x[6:7] / self.focal_sigma)
        return np.concatenate(parts) if parts else np.zeros(0)

    def jacobian(self, x: Floats) -> Floats:
        E, K = self.camera(x)
        local = (self.points - E[:3, 3]) @ E[:3, :3]
        depth = np.where(np.abs(local[:, 2]) < 1e-3, 1e-3, local[:, 2])
        u = (K[0, 0] * local[:, 0] + K[0, 1] * local[:, 1]) / depth
        v = K[1, 1] * local[:, 1] / depth
        zero = np.zeros_like(depth)
        by_local = np.stack(
            [
                np.stack([K[0, 0] / depth, K[0, 1] / depth + zero, -u / depth], -1),
                np.stack([zero, K[1, 1] / depth, -v / depth], -1),
            ],
            -2,
        )
        by_world = by_local @ E[:3, :3].T  # d uv / d point
        arm = self.points - E[:3, 3]
        # the left turn is about the camera's centre: d local = R^T (arm x omega)
        cross = np.zeros((len(arm), 3, 3))
        cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -arm[:, 2], arm[:, 1], -arm[:, 0]
        cross -= np.swapaxes(cross, 1, 2)
        columns = [-by_world, by_world @ cross]
        if self.focal_sigma:
            columns.append(np.stack([u, v], -1)[..., None])
        rows = np.concatenate(columns, axis=-1) / self.sigma[..., None]
        rows = np.where((local[:, 2] > 1e-3)[:, None, None], rows, 0.0).reshape(-1, rows.shape[-1])
        return np.concatenate([rows, self._prior_jacobian(rows.shape[1])])

    def _prior_jacobian(self, unknowns: int) -> Floats:
        rows = []
        if self.prior is not None:
            scale = [1 / self.prior.position_m] * 3 + [1 / self.prior.rotation_rad] * 3
            rows.append(np.eye(6, unknowns) * np.array(scale)[:, None])  # rotations: to first order
        if self.focal_sigma:
            rows.append(np.eye(unknowns)[6:7] / self.focal_sigma)
        return np.concatenate(rows) if rows else np.zeros((0, unknowns))

    def loss(self, squared: Floats) -> Floats:
        """scipy's rho and its derivatives: Huber for pixels, quadratic for the prior."""
        count = 2 * len(self.points)
        rho = np.stack([squared, np.ones_like(squared), np.zeros_like(squared)])
        far = np.zeros(len(squared), bool)
        far[:count] = squared[:count] > _HUBER**2
        root = np.sqrt(np.maximum(squared, 1e-12))
        rho[0, far] = (2 * _HUBER * root - _HUBER**2)[far]
        rho[1, far] = (_HUBER / root)[far]
        rho[2, far] = (-0.5 * _HUBER / root**3)[far]
        rho[:, :count] *= self.weight
        return rho


def solve_camera(
    points: Floats,
    uv: Floats,
    variance: Floats,
    K: Floats,
    *,
    prior: Prior | None,
    start: Floats | None = None,
    unit: float = 1.0,
    noise: Noise = Noise(),
    focal_sigma: float = 0.0,
) -> CameraFit:
    """Fit a camera to N frames.

    points: `[N, 3, 3]` m in the world; uv, variance: `[N, 3, 2]` px, px^2; K: `[3, 3]`; prior: None for none at all;
    start: `[4, 4]`, else the prior's camera, else by PnP. focal_sigma: prior standard deviation of the logarithm of the
    focal length, 0: K is right. Raises ValueError with fewer than two frames and no prior, and where no camera sees
    the points in front of it.
    """
    points, uv, variance = (np.asarray(value, dtype=np.float64) for value in (points, uv, variance))
    if len(points) == 0 or (len(points) < 2 and prior is None):
        raise ValueError(f"frames is {len(points)}; a camera needs 2 or more frames, 1 with a prior")
    if start is None:
        start = prior.world_from_camera if prior is not None else _best_start(points, uv, variance, K, unit, noise)
    sigma = noise.sigma(variance, unit)
    keep = np.ones(points.shape[:2], bool)
    fit, keep_now = None, keep
    for _ in range(2):
        problem = _Problem(
            points[keep_now],
            uv[keep_now],
            sigma[keep_now],
            np.asarray(K, np.float64),
            noise.weight(len(points)),
            prior,
            focal_sigma,
            start,
        )
        fit = _solve(problem, len(points), int((~keep_now).sum()))
        keep_now = _inliers(points, uv, sigma, K, fit)
        if keep_now.all() or keep_now.sum() < max(6, 0.5 * keep_now.size):
            break
        start = fit.world_from_camera
    assert fit is not None
    return fit


def _solve(problem: _Problem, frames: int, outliers: int) -> CameraFit:
    unknowns = 7 if problem.focal_sigma else 6
    found = least_squares(
        problem.residuals,
        np.zeros(unknowns),
        jac=problem.jacobian,
        loss=cast(Any, problem.loss),
        x_scale=np.array([0.01] * 3 + [0.01] * 3 + [0.01] * (unknowns - 6)),
        method="trf",
        max_nfev=60,
        xtol=1e-6,
        ftol=1e-8,
        gtol=1e-9,
    )
    E, K = problem.camera(found.x)
    jacobian, count = problem.jacobian(found.x), 2 * len(problem.points)
    residuals = problem.residuals(found.x)
    rows = jacobian[:count]
    trust = np.minimum(1.0, _HUBER / np.maximum(np.abs(residuals[:count]), 1e-12)) * problem.weight
    information = rows.T @ (trust[:, None] * rows)
    total = information + jacobian[count:].T @ jacobian[count:]
    covariance = np.asarray(np.linalg.pinv(total, hermitian=True), dtype=np.float64)
    weights = 1 / problem.sigma.ravel() ** 2
    pixels = residuals[:count] * problem.sigma.ravel()
    rms = float(np.sqrt(np.sum(weights * np.minimum(pixels**2, (4 * problem.sigma.ravel()) ** 2)) / weights.sum()))
    ratio = float(np.exp(found.x[6])) if problem.focal_sigma else 1.0
    sd = float(np.sqrt(covariance[6, 6])) if problem.focal_sigma else 0.0
    return CameraFit(E, covariance[:6, :6], ratio, sd, rms, frames, outliers, float(found.cost), information[:6, :6])


def _inliers(points: Floats, uv: Floats, sigma: Floats, K: Floats, fit: CameraFit) -> Bools:
    scaled = np.array(K, np.float64)
    scaled[:2, :2] *= fit.focal_ratio
    predicted, depth = project(points, scaled, fit.world_from_camera)
    error = np.abs((predicted - uv) / sigma).max(-1)
    scale = max(1.0, float(np.median(error)) / 1.1)  # 1.1: the median of the larger of two normal magnitudes
    return (error < _OUTLIER * scale) & (depth > 0)


def _best_start(points: Floats, uv: Floats, variance: Floats, K: Floats, unit: float, noise: Noise) -> Floats:
    starts = pnp_starts(points, uv, K, unit)
    if not starts:
        raise ValueError("points are not seen in front of any camera; check the tool poses and K")
    sigma = noise.sigma(variance, unit)

    def cost(E: Floats) -> float:
        predicted, depth = project(points, K, E)
        error = np.linalg.norm((predicted - uv) / sigma, axis=-1)
        return float(np.where(depth > 0, np.minimum(error, 10.0), 10.0).mean())

    return min(starts, key=cost)
