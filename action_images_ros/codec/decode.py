"""Decode action images to robot poses, each with a covariance and a validity.

Three steps: every blob is localised with its own variance (`blobs.py`), one rigid pose is fitted to the blobs of all
views (`pose_fit.py`), and its validity follows from the agreement of the views. Nothing is clamped: `valid` is
false for a doubtful frame, and `poses` is NaN where no pose could be fitted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Array, ArrayLike, Bools, Floats
from ..geometry.camera import normalised_cameras
from ..geometry.pose import pose7_from_matrix
from .blobs import Blobs, find_blobs
from .encode import PEDESTAL, blob_sigma
from .pose_fit import PoseFit, fit_poses

__all__ = ["DecodedActions", "decode"]

MAX_POSITION_SD = 0.05
"""A frame whose position is uncertain by more than this (m, largest axis) is not valid."""
MAX_ROTATION_SD = 0.6
"""The same for rotation (rad)."""
TOLERANCE = 0.1
"""Disagreement of the views, in blob sigmas, that needs no explanation by noise or by spread-out blobs."""
MAX_SECOND = 0.65
"""A second blob of this share of the first one's height makes a plane ambiguous."""
SPREAD_SHARE = 0.2
"""Blobs wider than drawn are averages over hypotheses; this share of the extra width counts as uncertainty."""


class DecodedActions(NamedTuple):
    """What `decode` returns.

    poses: float64 `[T, 7]` xyz m and quaternion xyzw of the MODEL tool frame in the world, NaN where unsolvable.
    openness: float64 `[T]` in [0, 1], 1 = open; soft, compare with 0.5 for a command.
    covariance: float64 `[T, 6, 6]`, translation x y z (m) then rotation vector (rad), both in world axes, the rotation
    error applied from the left: `R_true = exp(omega) R_decoded`; infinite on the diagonal where unsolvable.
    valid: bool `[T]`.
    """

    poses: Floats
    openness: Floats
    covariance: Floats
    valid: Bools


def decode(images: ArrayLike, K: ArrayLike, E: ArrayLike) -> DecodedActions:
    """Decode T frames seen by V >= 2 cameras.

    images: `[V, T, H, W, 3]` uint8, or float in [0, 1]; K: `[V, 3, 3]` px; E: `[V, 4, 4]` world_from_camera, OpenCV
    optical frame (negative focal lengths are normalised), or `[V, T, 4, 4]` where a camera moves. Raises ValueError on
    anything else.
    """
    images, K, E = _checked(images, K, E)
    blobs = find_blobs(images)
    sigma = blob_sigma(images.shape[2:4])
    used = _usable(blobs, sigma)
    variance = blobs.variance + _spread(blobs, used, sigma)[..., None, None]
    fit = _fit(blobs.uv, variance, used, K, E, TOLERANCE * sigma)
    scale = np.clip((10.0 + fit.chi2) / (10.0 + fit.redundancy), 0.1, 1e12)
    poses, covariance = _pack(fit, scale)
    valid = _verdict(fit, covariance, sigma) & ~_doubled(blobs)
    return DecodedActions(poses, _openness(blobs, used), covariance, valid)


def _fit(uv: Floats, variance: Floats, used: Bools, K: Floats, E: Floats, tolerance: float) -> PoseFit:
    """`fit_poses`, frame by frame where a camera moves."""
    if E.ndim == 3:
        return fit_poses(uv, variance, used, K, E, tolerance)
    each = [
        fit_poses(uv[:, t : t + 1], variance[:, t : t + 1], used[:, t : t + 1], K, E[:, t], tolerance)
        for t in range(E.shape[1])
    ]
    joined = {name: np.concatenate([getattr(fit, name) for fit in each]) for name in PoseFit._fields if name != "used"}
    return PoseFit(**joined, used=np.concatenate([fit.used for fit in each], axis=1))


def _checked(images: ArrayLike, K: ArrayLike, E: ArrayLike) -> tuple[Array, Floats, Floats]:
    images = np.asarray(images)
    if images.ndim != 5 or images.shape[-1] != 3:
        raise ValueError(
            f"images has shape {list(images.shape)}, expected [V, T, H, W, 3]; give RGB frames of every view"
        )
    if 0 in images.shape or min(images.shape[2:4]) < 32:
        raise ValueError(f"images has shape {list(images.shape)}; give at least one frame of at least 32 x 32 px")
    if images.shape[0] < 2:
        raise ValueError(f"images holds {images.shape[0]} view; decoding needs two or more calibrated views")
    if images.dtype != np.uint8:
        if not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"images has dtype {images.dtype}; give uint8, or float in [0, 1]")
        low, high = float(np.min(images)), float(np.max(images))
        if not (np.isfinite(low) and np.isfinite(high)) or low < -1e-3 or high > 1.001:
            raise ValueError(f"images has values from {low} to {high}; give float images in [0, 1] or uint8")
    views, frames = images.shape[:2]
    if np.shape(K) != (views, 3, 3) or np.shape(E) not in ((views, 4, 4), (views, frames, 4, 4)):
        raise ValueError(
            f"K has shape {list(np.shape(K))} and E {list(np.shape(E))} for {views} views of {frames} frames; "
            "give [V, 3, 3] and [V, 4, 4], or [V, T, 4, 4] for cameras that move"
        )
    return images, *normalised_cameras(K, E)


def _usable(blobs: Blobs, sigma: float) -> Bools:
    """Blobs `[V, T, 3]` to believe: well above the noise, the only one of their plane, sharp, inside the picture."""
    sharp = (blobs.variance < (0.4 * sigma) ** 2).all(-1)
    usable: Bools = _clear(blobs) & (blobs.second < MAX_SECOND) & sharp & blobs.inside
    return usable


def _clear(blobs: Blobs) -> Bools:
    clear: Bools = blobs.amplitude > np.maximum(0.12, 5.0 * blobs.amplitude_sd)
    return clear


def _doubled(blobs: Blobs) -> Bools:
    """Frames `[T]` in which fewer than two views are free of planes that show two strong blobs."""
    strong = blobs.amplitude > 0.5 * blobs.amplitude.max(axis=(0, 2))[:, None]  # not the noise of an empty plane
    doubled = (strong & _clear(blobs) & (blobs.second >= MAX_SECOND)).any(-1)
    lonely: Bools = np.sum(~doubled, axis=0) < 2
    return lonely


def _spread(blobs: Blobs, used: Bools, sigma: float) -> Floats:
    """Extra variance `[V, T]` px^2 of views whose red and green blobs are wider than drawn and than noise explains."""
    believed = used[..., :2]
    number = np.maximum(believed.sum(-1), 1)
    width = np.where(believed, blobs.width[..., :2] - 1.0, 0.0).sum(-1) / number
    error = np.where(believed, blobs.amplitude_sd[..., :2] / np.maximum(blobs.amplitude[..., :2], 1e-3), 0.0)
    extra: Floats = np.clip(width - 0.02 - 3.0 * error.sum(-1) / number, 0.0, 3.0)
    return extra * (SPREAD_SHARE * sigma) ** 2


def _verdict(fit: PoseFit, covariance: Floats, sigma: float) -> Bools:
    spread = np.sqrt(np.einsum("tii->ti", covariance))
    sure: Bools = (spread[:, :3].max(1) < MAX_POSITION_SD) & (spread[:, 3:].max(1) < MAX_ROTATION_SD)
    return sure & (fit.disagreement(TOLERANCE * sigma) < 1.0) & (fit.redundancy >= 4) & ~fit.ambiguous


def _pack(fit: PoseFit, scale: Floats) -> tuple[Floats, Floats]:
    frames = len(fit.chi2)
    solved = np.asarray(np.isfinite(fit.translation).all(-1))
    matrix = np.tile(np.eye(4), (frames, 1, 1))
    matrix[solved, :3, :3], matrix[solved, :3, 3] = fit.rotation[solved], fit.translation[solved]
    poses = np.where(solved[:, None], pose7_from_matrix(matrix), np.nan)
    covariance = np.where(
        solved[:, None, None],
        fit.covariance * np.where(solved, scale, 1.0)[:, None, None],
        np.where(np.eye(6) > 0, np.inf, 0.0),
    )
    return poses, covariance


def _openness(blobs: Blobs, used: Bools) -> Floats:
    """Pedestal over what a pedestal would be at the blobs' height, from the views that show a blue blob.

    Blobs lower than 0.55 are taken to be spread out rather than faded.
    """
    blue = np.where(used[..., 2].any(0), used[..., 2], True)
    level = np.sum(blobs.level[..., 2] * blue, axis=0) / blue.sum(0)
    believed = np.where(np.asarray(used.any((0, 2)))[:, None], used, True)
    height = np.sum(blobs.amplitude * believed, axis=(0, 2)) / believed.sum((0, 2))
    openness: Floats = np.clip(level / (PEDESTAL * np.clip(height, 0.55, 1.0)), 0.0, 1.0)
    return openness
