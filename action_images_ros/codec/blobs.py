"""Locations of the blobs in action images, to a fraction of a pixel, with the variance of each.

A blob's centre is where the picture correlates best with a small bank of Gaussian filters (`blob_filters.py`), found by
a coarse search and refined by Newton steps (`blob_refinement.py`). The filters are isotropic, so whatever changes a
blob's profile but not its symmetry (fading, clipping, the pedestal, a wider or flatter blob) does not move the centre.
Gaussian filters are separable, so a correlation costs one small matrix product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Array, Bools, Floats, Integers
from .blob_filters import FAINTEST, mix_filters
from .blob_refinement import cut_window, refine, relative_width
from .encode import blob_sigma
from .noise import background_noise

__all__ = ["Blobs", "find_blobs"]


FLANK = 0.05
"""Share of the first peak subtracted from its flank in the search for a second blob."""
BACKGROUND = 3.3
"""Pixels farther than this from the coarse peak, in blob sigmas, are background."""
INSIDE_MARGIN = 0.1
"""Least distance of a centre from the border, in blob sigmas."""
BORDER_SHARE = 0.02
"""Error of a blue blob cut by the border, in blob sigmas."""


class Blobs(NamedTuple):
    """One blob per view, frame and channel: arrays `[V, T, 3]`, but uv and variance `[V, T, 3, 2]`.

    uv: px; variance: px^2 per coordinate; amplitude: peak above black, amplitude_sd its noise; level: background;
    second: height of the next best place of the plane over this one's; width: mean squared radius over that of a
    perfect blob (1; larger when the blob is spread; blue counts as 1); inside: the centre is clear of the border.
    """

    uv: Floats
    variance: Floats
    amplitude: Floats
    amplitude_sd: Floats
    level: Floats
    second: Floats
    width: Floats
    inside: Bools


def _bin(images: Array, bins: int) -> tuple[Floats, Floats]:
    """Planes float32 `[N, h, w]` of block means and of one raw pixel per block, order view, frame, channel."""
    views, frames, height, width, _ = images.shape
    scale = np.float32(1.0 / 255.0) if images.dtype == np.uint8 else np.float32(1.0)
    pad_y, pad_x = -height % bins, -width % bins
    if pad_y or pad_x:
        images = np.pad(images, ((0, 0), (0, 0), (0, pad_y), (0, pad_x), (0, 0)), mode="edge")
    h, w = images.shape[2] // bins, images.shape[3] // bins
    planes = np.empty((views, frames, 3, h, w), np.float32)
    raw = np.empty_like(planes)
    wide = np.uint16 if images.dtype == np.uint8 else np.float32
    for view in range(views):
        rows = images[view].reshape(frames, h, bins, -1)
        total = rows[:, :, 0].astype(wide)
        for k in range(1, bins):
            total += rows[:, :, k]
        total = total.reshape(frames, h, w, bins, 3)
        single = rows[:, :, bins // 2].reshape(frames, h, w, bins, 3)[:, :, :, bins // 2]
        for channel in range(3):
            out = planes[view, :, channel]
            out[...] = total[:, :, :, 0, channel]
            for k in range(1, bins):
                out += total[:, :, :, k, channel]
            raw[view, :, channel] = single[..., channel]
    planes *= scale / np.float32(bins * bins)
    raw *= scale
    return planes.reshape(-1, h, w), raw.reshape(-1, h, w)


def _smoothing(length: int, sigma: float, step: int) -> tuple[Array, Floats]:
    """Matrix `[length // step, length]`: Gaussian smoothing and decimation along one axis, and its sample places."""
    places = np.asarray(np.arange(0, length, step) + (step - 1) / 2.0, dtype=np.float64)
    kernel = np.exp(-0.5 * ((np.arange(length) - places[:, None]) / sigma) ** 2)
    return (kernel / kernel.sum(1, keepdims=True)).astype(np.float32), places


def _coarse_peaks(planes: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Highest place `[N, 2]` of the smoothed planes, its value, and the value of a second blob 2 sigma off or more.

    A second blob is a local maximum. A high flank of the first (less FLANK) counts as one that has run into it; it is
    reduced a little because the blobs a model paints are wider than drawn.
    """
    step = 2 if sigma >= 3.0 else 1
    rows, y = _smoothing(planes.shape[1], 0.6 * sigma, step)
    columns, x = _smoothing(planes.shape[2], 0.6 * sigma, step)
    smooth = rows @ planes @ columns.T
    flat = smooth.reshape(len(planes), -1)
    best = flat.argmax(1)
    at = np.stack([x[best % len(x)], y[best // len(x)]], axis=-1)
    value = flat[np.arange(len(flat)), best]
    near = (((x - at[:, :1]) ** 2)[:, None, :] + ((y - at[:, 1:]) ** 2)[:, :, None]) < (2.0 * sigma) ** 2
    peaks = np.where(near | (smooth < _highest_around(smooth)), 0.0, smooth).max((1, 2))
    return at, value, np.maximum(peaks, np.where(near, 0.0, smooth).max((1, 2)) - FLANK * value)


def _highest_around(planes: Floats) -> Floats:
    """The highest of every place and its eight neighbours, `[N, h, w]`."""
    for axis in (1, 2):
        rows = np.moveaxis(planes, axis, 0)
        high = rows.copy()
        np.maximum(high[1:], rows[:-1], out=high[1:])
        np.maximum(high[:-1], rows[1:], out=high[:-1])
        planes = np.moveaxis(high, 0, axis)
    return planes


def find_blobs(images: Array) -> Blobs:
    """Localise the three blobs of every view and frame. images: `[V, T, H, W, 3]`, uint8 or float in [0, 1]."""
    views, frames, height, width, _ = images.shape
    full_sigma = blob_sigma((height, width))
    bins = max(1, int(full_sigma / 3.0))
    planes, raw = _bin(images, bins)
    sigma = np.sqrt(full_sigma**2 + (bins**2 - 1) / 12.0) / bins
    at, value, second = _coarse_peaks(planes, sigma)
    h, w = planes.shape[1:]
    x, y = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    far = (((x - at[:, :1]) ** 2)[:, None, :] + ((y - at[:, 1:]) ** 2)[:, :, None]) > (BACKGROUND * sigma) ** 2
    noise = background_noise(raw, planes, far.astype(np.float32), 3, bins)
    value, second = value - noise.level, second - noise.level
    mix = mix_filters(value, noise, sigma, bins)
    refined = refine(cut_window(planes, at, noise.level, sigma), at, mix, noise.level, sigma)
    centre = np.rint(at).astype(int)
    uv = (centre + refined.offset) * bins + (bins - 1) / 2.0
    variance = mix.variance[:, None] / refined.gain**2
    variance += _border_variance(uv, refined.cut, sigma, bins, (height, width))
    margin = INSIDE_MARGIN * sigma * bins
    inside = ((uv > margin) & (uv < np.array([width, height]) - 1 - margin)).all(-1)
    amplitude_sd = np.sqrt((noise.white + noise.smooth) / 3.0)
    lead = (views, frames, 3)
    return Blobs(
        uv.reshape(lead + (2,)),
        (variance * bins**2).reshape(lead + (2,)),
        refined.amplitude.reshape(lead),
        amplitude_sd.reshape(lead),
        noise.level.reshape(lead),
        (second / np.maximum(value, FAINTEST)).reshape(lead),
        relative_width(refined, mix.blue).reshape(lead),
        inside.reshape(lead),
    )


def _border_variance(uv: Floats, cut: Integers, sigma: float, bins: int, size: tuple[int, int]) -> Floats:
    """Extra variance `[N, 1]` (binned px^2) of the blue blobs `cut` by the border; it falls off with the distance."""
    height, width = size
    border = np.minimum(uv, np.array([width, height]) - 1 - uv).min(-1) / (sigma * bins)
    extra = np.zeros((len(uv), 1))
    extra[cut] = (BORDER_SHARE * sigma * np.exp(-2.0 * np.maximum(border[cut], 0.0)))[:, None] ** 2
    return extra
