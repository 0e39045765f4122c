"""The bank of Gaussian filters that localises blobs, and its combination of least variance.

For filter derivatives `Z_i` with expected slopes `h_i` and noise covariance `N_ij` the combination is `c = N^-1 h` and
its variance `1 / (h^T N^-1 h)`. For a Gaussian blob this is the Cramer-Rao bound when the bank spans the whitened blob.
N planes, J filters.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Bools, Floats
from .encode import PEDESTAL
from .noise import Noise

__all__ = ["BANK", "FilterMix", "mix_filters"]


BANK = np.array([0.45, 0.7, 1.0])
"""Standard deviations of the filters as fractions of the blob's."""
FAINTEST = 1e-3
"""Lowest peak height that is divided by."""
SMOOTHING_GAIN = 1.36
"""Peak of a Gaussian over its peak after the smoothing of the coarse search (0.6 sigma): 1 + 0.6^2."""
OPEN_SHARE = 0.5 * PEDESTAL
"""A blue background above this share of the blob's height is the pedestal of an open gripper."""
LOWEST_PEAK = 0.55
"""Blobs lower than this are taken to be spread out, not faded."""
OPEN_STEP = 0.02
"""Step at the edge of an open blue blob, as a share of its height; a closed one steps by PEDESTAL."""
RIM_PIXELS = np.array([-0.7, 0.0, 0.7])
"""Distances (px) from the contour at which the effect of its pixelation is averaged."""
_CONTOUR = np.sqrt(-2.0 * np.log(PEDESTAL))  # radius of the blue blob's edge in blob sigmas


class FilterMix(NamedTuple):
    """The combined filter of each plane.

    sigmas: `[J]` px of the filters; weights: `[N, J]`, their combination of unit slope; variance: `[N]` px^2 for a
    blob of height 1; slope_factor: `[N, J]` and height_factor: `[N]`, share of a full Gaussian's slope and height that
    is left when the pedestal cuts off its foot; peak: `[N]` height above the background; blue, open: `[N]` bool.
    """

    sigmas: Floats
    weights: Floats
    variance: Floats
    slope_factor: Floats
    height_factor: Floats
    peak: Floats
    blue: Bools
    open: Bools


@cache
def _blue_factors() -> Floats:
    """For an open and a closed blue blob `[2, J + 1]`: slope under each filter and height under the narrowest, each
    relative to the full Gaussian's; `-(integral of laplacian(z) B) / 2` by quadrature over the radius."""
    r = (np.arange(4000) + 0.5) * 1.5e-3
    gauss = np.exp(-0.5 * r**2)
    rows = []
    for foot in (PEDESTAL, 0.0):
        blob = np.where(r < _CONTOUR, gauss - foot, 0.0)
        row = []
        for q in BANK:
            laplacian = (r**2 / q**4 - 2.0 / q**2) * np.exp(-0.5 * (r / q) ** 2)
            row.append(np.sum(laplacian * blob * r) / np.sum(laplacian * gauss * r))
        narrow = np.exp(-0.5 * (r / BANK[0]) ** 2) * r
        rows.append([*row, np.sum(narrow * blob) / np.sum(narrow * gauss)])
    return np.array(rows)


def mix_filters(value: Floats, noise: Noise, sigma: float, bins: int) -> FilterMix:
    """The combination of least variance under the noise of each plane.

    value: `[N]` smoothed peak above the background; sigma: px, the blob's in the binned planes; bins: raw pixels per
    binned one and side. Planes are in the order red, green, blue.
    """
    sigmas = BANK * sigma
    blue = np.arange(len(value)) % 3 == 2
    peak = np.maximum(SMOOTHING_GAIN * value, FAINTEST)
    opened = blue & (noise.level > OPEN_SHARE * np.clip(peak + noise.level, LOWEST_PEAK, 1.0))
    factors = np.where(blue[:, None], _blue_factors()[np.where(opened, 0, 1)], 1.0)
    covariance = _noise_covariance(sigmas, noise) + _edge_covariance(sigmas, sigma, bins, peak, blue, opened)
    slope = factors[:, :-1] * (np.pi / 2.0 * sigmas**2 * sigma**2 / ((sigmas**2 + sigma**2) / 2.0) ** 2)
    weights = np.asarray(np.linalg.solve(covariance, slope[..., None])[..., 0], dtype=np.float64)
    weights /= np.einsum("nj,nj->n", weights, slope)[:, None]
    variance = np.einsum("nj,njk,nk->n", weights, covariance, weights)
    return FilterMix(sigmas, weights, variance, factors[:, :-1], factors[:, -1], peak, blue, opened)


def _noise_covariance(sigmas: Floats, noise: Noise) -> Floats:
    """Covariance `[N, J, J]` of the filter derivatives under white and smooth noise."""
    pair = (sigmas[:, None] ** 2 + sigmas**2) / 2.0
    squares = sigmas[:, None] ** 2 * sigmas**2
    white = np.pi / 2.0 * squares / pair**2
    smooth_pair = pair + noise.length[:, None, None] ** 2
    smooth = 2.0 * np.pi**2 * noise.length[:, None, None] ** 2 * squares / smooth_pair**2
    covariance: Floats = noise.white[:, None, None] * white + noise.smooth[:, None, None] * smooth
    return covariance


def _edge_covariance(sigmas: Floats, sigma: float, bins: int, peak: Floats, blue: Bools, opened: Bools) -> Floats:
    """Covariance `[N, J, J]` from the edge of a blue blob, which is cut at whole pixels.

    A closed blob ends in a step of a quarter of its height, an open one in almost none.
    """
    rim = _CONTOUR * sigma + RIM_PIXELS[:, None]
    radial = rim / sigmas**2 * np.exp(-0.5 * (rim / sigmas) ** 2)
    edge = 8.0 * _CONTOUR * sigma / bins**2 / 24.0 * np.einsum("dj,dk->jk", radial, radial) / 3.0
    step = np.where(blue & ~opened, PEDESTAL * peak, 0.0) + np.where(opened, OPEN_STEP * peak, 0.0)
    covariance: Floats = 2.0 * step[:, None, None] ** 2 * edge
    return covariance
