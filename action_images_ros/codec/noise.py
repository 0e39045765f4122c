"""Level and correlation of the noise around a blob, estimated from the background of the image.

Images are clipped at 0, so a black background shows only the positive half of its noise. A Gaussian of mean `mu`
and standard deviation `sd`, rectified at 0, has mean `sd (t Phi(t) + phi(t))` and mean square
`sd^2 ((t^2 + 1) Phi(t) + t phi(t))` with `t = mu / sd`; the ratio of squared mean to mean square is monotonic in t
and gives mu and sd back. Correlation is described by three numbers: a smooth part of variance `smooth` and
correlation `exp(-d^2 / (4 length^2))`, and a white part of variance `white`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from ..geometry.arrays import Floats

__all__ = ["Noise", "background_noise"]

_T = np.linspace(0.0, 12.0, 1201)  # a background is never below black, whatever the tails of wide blobs suggest
_PHI = np.exp(-0.5 * _T**2) / np.sqrt(2 * np.pi)
_MEAN = _T * ndtr(_T) + _PHI
_SQUARE = (_T**2 + 1) * ndtr(_T) + _T * _PHI
_RATIO = _MEAN**2 / _SQUARE

# correlation of two rectified Gaussians of mean zero and correlation r (arc-cosine kernel), and of the originals
_R = np.linspace(-0.3, 1.0, 261)
_RECTIFIED = ((np.sqrt(1 - _R**2) + _R * (np.pi - np.arccos(_R))) - 1.0) / (np.pi - 1.0)

QUANTISATION = 1.0 / (255.0**2 * 12.0)
"""Variance of rounding to 8 bits."""


class Noise(NamedTuple):
    """level `[N]` mean of the unclipped background; sd `[N]` of one raw pixel; variances per binned pixel."""

    level: Floats
    sd: Floats
    smooth: Floats
    length: Floats
    white: Floats


def _masked_mean(values: Floats, mask: Floats, count: Floats) -> Floats:
    mean: Floats = np.einsum("nhw,nhw->n", values, mask) / count
    return mean


def background_noise(raw: Floats, binned: Floats, mask: Floats, group: int, bins: int) -> Noise:
    """Noise of planes `[N, h, w]` in the pixels where `mask` `[N, h, w]` (float 0 or 1) says background.

    raw: one raw pixel per bin (not averaged), binned: the mean of each `bins` x `bins` block, both in [0, 1].
    The shape of the correlation is pooled over `[N // group, group]` neighbouring planes, the level is per plane.
    """
    count = np.maximum(mask.sum((1, 2)), 1.0)
    mean = _masked_mean(binned, mask, count)
    square = np.einsum("nhw,nhw,nhw->n", raw, raw, mask, optimize=False) / count
    rect_variance = np.maximum(square - mean**2, 0.0)
    t = np.interp(mean**2 / np.maximum(square, 1e-12), _RATIO, _T)
    sd = np.where(t < _T[-1], mean / np.interp(t, _T, _MEAN), np.sqrt(rect_variance))
    level = np.where(t < _T[-1], t * sd, mean)
    silent = rect_variance < (0.7 / 255.0) ** 2
    sd, level = np.where(silent, np.sqrt(rect_variance), sd), np.where(silent, mean, level)

    centred = (binned - mean[:, None, None]) * mask
    gamma = [np.einsum("nhw,nhw->n", centred, centred) / count]
    for lag in (1, 2):
        pairs = np.einsum("nhw,nhw->n", mask[:, lag:], mask[:, :-lag]) + np.einsum(
            "nhw,nhw->n", mask[:, :, lag:], mask[:, :, :-lag]
        )
        products = np.einsum("nhw,nhw->n", centred[:, lag:], centred[:, :-lag]) + np.einsum(
            "nhw,nhw->n", centred[:, :, lag:], centred[:, :, :-lag]
        )
        gamma.append(products / np.maximum(pairs, 1.0))
    # correlation of the rectified noise, undone where the background is black (t near 0)
    ratio = [g / np.maximum(rect_variance, 1e-12) for g in gamma]
    dark = np.clip(1.0 - t / 2.0, 0.0, 1.0)
    ratio = [np.where(silent, 0.0, dark * np.interp(r, _RECTIFIED, _R) + (1 - dark) * r) for r in ratio]
    weight = np.where(silent, 1e-6, 1.0).reshape(-1, group)
    pooled = [((r.reshape(-1, group) * weight).sum(1) / weight.sum(1)).repeat(group) for r in ratio]
    zero, one, two = pooled
    correlated = one > 0.15 * np.maximum(zero, 1e-9)
    drop = np.where(correlated & (two > 1e-6), one / np.maximum(two, 1e-6), 1e3)
    length = np.sqrt(0.75 / np.log(np.clip(drop, 1.02, 1e3)))
    smooth = np.where(correlated, np.minimum(one * np.exp(0.25 / length**2), zero), 0.0)
    white = np.maximum(zero - smooth, 0.0)
    quantisation = QUANTISATION / bins**2
    return Noise(level, sd, smooth * sd**2, length, white * sd**2 + quantisation)
