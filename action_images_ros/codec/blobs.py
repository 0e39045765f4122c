"""Where the blobs of action images are, to a fraction of a pixel, and how sure that is.

A blob's centre is where the picture correlates best with a small bank of Gaussian filters. The filters are
isotropic, so everything that changes a blob's profile but not its symmetry (fading, clipping, the pedestal, a wider
or flatter blob) moves the centre not at all; and Gaussian filters are separable, so a correlation costs one small
matrix product. The bank is combined so that the variance under the noise found in the picture's background is
least: for filter derivatives `Z_i` with expected slopes `h_i` and noise covariance `N_ij` that is
`c = N^-1 h`, variance `1 / (h^T N^-1 h)`, which for a Gaussian blob is the Cramer-Rao bound when the bank spans the
whitened blob.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .encode import PEDESTAL, blob_sigma
from .noise import background_noise

__all__ = ["Blobs", "find_blobs"]

BANK = np.array([0.45, 0.7, 1.0])
"""Standard deviations of the filters as fractions of the blob's."""
FLANK = 0.05
"""What the flank of the first blob is let off, as a share of its peak, when a second one is looked for."""
_CONTOUR = np.sqrt(-2.0 * np.log(PEDESTAL))  # radius of the blue blob's edge in blob sigmas


class Blobs(NamedTuple):
    """One blob per view, frame and channel: arrays `[V, T, 3]`, but uv and variance `[V, T, 3, 2]`.

    uv: px; variance: px^2 per coordinate; amplitude: peak above black, amplitude_sd its noise; level: background;
    second: height of the next best place of the plane over this one's; width: mean squared radius over that of a
    perfect blob (1; larger when the blob is spread; blue counts as 1); inside: the centre is clear of the border.
    """

    uv: np.ndarray
    variance: np.ndarray
    amplitude: np.ndarray
    amplitude_sd: np.ndarray
    level: np.ndarray
    second: np.ndarray
    width: np.ndarray
    inside: np.ndarray


def _bin(images, bins):
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


def _smoothing(length, sigma, step):
    """Matrix `[length // step, length]`: Gaussian smoothing and decimation along one axis, and its sample places."""
    places = np.arange(0, length, step) + (step - 1) / 2.0
    kernel = np.exp(-0.5 * ((np.arange(length) - places[:, None]) / sigma) ** 2)
    return (kernel / kernel.sum(1, keepdims=True)).astype(np.float32), places


def _coarse_peaks(planes, sigma):
    """Highest place `[N, 2]` of the smoothed planes, its value, and the value of a second blob 2 sigma off or more.

    A second blob is a local maximum. A high flank of the first (less FLANK) counts as one that has run into it; it is
    let off a little because the blobs a model paints are wider than drawn.
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


def _highest_around(planes):
    """The highest of every place and its eight neighbours, `[N, h, w]`."""
    for axis in (1, 2):
        rows = np.moveaxis(planes, axis, 0)
        high = rows.copy()
        np.maximum(high[1:], rows[:-1], out=high[1:])
        np.maximum(high[:-1], rows[1:], out=high[:-1])
        planes = np.moveaxis(high, 0, axis)
    return planes


@cache
def _blue_factors():
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


def find_blobs(images) -> Blobs:
    """Localise the three blobs of every view and frame. images: `[V, T, H, W, 3]`, uint8 or float in [0, 1]."""
    views, frames, height, width, _ = images.shape
    full_sigma = blob_sigma((height, width))
    bins = max(1, int(full_sigma / 3.0))
    planes, raw = _bin(images, bins)
    sigma = np.sqrt(full_sigma**2 + (bins**2 - 1) / 12.0) / bins
    at, value, second = _coarse_peaks(planes, sigma)
    h, w = planes.shape[1:]
    x, y = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    far = (((x - at[:, :1]) ** 2)[:, None, :] + ((y - at[:, 1:]) ** 2)[:, :, None]) > (3.3 * sigma) ** 2
    noise = background_noise(raw, planes, far.astype(np.float32), 3, bins)
    value, second = value - noise.level, second - noise.level
    return _localise(planes, at, value, second, noise, sigma, bins, (views, frames, height, width))


def _localise(planes, at, value, second, noise, sigma, bins, shape, iterations=6):
    views, frames, height, width = shape
    count, h, w = planes.shape
    half = int(np.ceil(3.0 * sigma))
    grid = np.arange(-half, half + 1)
    centre = np.rint(at).astype(int)
    ix, iy = centre[:, :1] + grid, centre[:, 1:] + grid
    inside_x, inside_y = (ix >= 0) & (ix < w), (iy >= 0) & (iy < h)
    patch = planes[np.arange(count)[:, None, None], np.clip(iy, 0, h - 1)[:, :, None],
                   np.clip(ix, 0, w - 1)[:, None, :]]
    patch = patch - noise.level[:, None, None].astype(np.float32)
    s = BANK * sigma
    blue = np.arange(count) % 3 == 2
    # peak over the smoothing loss of _coarse_peaks: a Gaussian smoothed with 0.6 sigma keeps 1 / 1.36 of its height
    top = np.maximum(1.36 * value, 1e-3)
    open_ = blue & (noise.level > 0.125 * np.clip(top + noise.level, 0.55, 1.0))
    factor = np.where(blue[:, None], _blue_factors()[np.where(open_, 0, 1)], 1.0)
    factor, height_kept = factor[:, :-1], factor[:, -1]

    pair = (s[:, None] ** 2 + s**2) / 2.0
    product = s[:, None] ** 2 * s**2
    white = np.pi / 2.0 * product / pair**2
    smooth_a = pair + noise.length[:, None, None] ** 2
    smooth = 2.0 * np.pi**2 * noise.length[:, None, None] ** 2 * product / smooth_a**2
    covariance = noise.white[:, None, None] * white + noise.smooth[:, None, None] * smooth
    # a closed blue blob ends in a step of a quarter of its height, cut at whole pixels
    rim = _CONTOUR * sigma + np.array([-0.7, 0.0, 0.7])[:, None]
    radial = rim / s**2 * np.exp(-0.5 * (rim / s) ** 2)
    edge = 8.0 * _CONTOUR * sigma / bins**2 / 24.0 * np.einsum("dj,dk->jk", radial, radial) / 3.0
    step = np.where(blue & ~open_, PEDESTAL * top, 0.0) + np.where(open_, 0.02 * top, 0.0)
    covariance = covariance + 2.0 * step[:, None, None] ** 2 * edge
    slope = factor * (np.pi / 2.0 * s**2 * sigma**2 / ((s**2 + sigma**2) / 2.0) ** 2)
    mix = np.linalg.solve(covariance, slope[..., None])[..., 0]
    mix /= np.einsum("nj,nj->n", mix, slope)[:, None]
    variance = np.einsum("nj,njk,nk->n", mix, covariance, mix)

    # blue blobs whose window the border cuts: their sums do not factor, so they are drawn in full
    cut = np.flatnonzero(blue & ~(inside_x.all(1) & inside_y.all(1)))
    foot = np.where(open_, noise.level, 0.0)[cut, None, None]
    offset = at - centre
    shift_limit = 0.7 * sigma
    first = offset.copy()
    amplitude = top.copy()
    for _ in range(iterations):
        dx, dy = grid - offset[:, :1], grid - offset[:, 1:]
        ex = np.exp(-0.5 * (dx[:, :, None] / s) ** 2) * inside_x[:, :, None]
        ey = np.exp(-0.5 * (dy[:, :, None] / s) ** 2) * inside_y[:, :, None]
        zx, zy = dx[:, :, None] * ex / s**2, dy[:, :, None] * ey / s**2
        right = np.concatenate([ex, zx], axis=-1).astype(np.float32)
        product = np.matmul(patch, right).astype(np.float64)
        j = len(s)
        score_u = np.einsum("nyj,nyj->nj", ey, product[:, :, j:])
        score_v = np.einsum("nyj,nyj->nj", zy, product[:, :, :j])
        height_j = np.einsum("nyj,nyj->nj", ey, product[:, :, :j])
        # the same sums of an undistorted blob: zero for the scores unless the border cuts the window
        bx, by = np.exp(-0.5 * (dx / sigma) ** 2), np.exp(-0.5 * (dy / sigma) ** 2)
        ebx, eby = np.einsum("nxj,nx->nj", ex, bx), np.einsum("nyj,ny->nj", ey, by)
        zbx, zby = np.einsum("nxj,nx->nj", zx, bx), np.einsum("nyj,ny->nj", zy, by)
        model_u, model_v = zbx * eby, ebx * zby
        amplitude = np.maximum(height_j[:, 0] / np.maximum(ebx * eby, 1e-9)[:, 0] / height_kept, 1e-3)
        slope_u = np.einsum("nxj,nx->nj", zx, dx * bx / sigma**2) * eby * factor
        slope_v = np.einsum("nyj,ny->nj", zy, dy * by / sigma**2) * ebx * factor
        if len(cut):
            gauss = by[cut, :, None] * bx[cut, None, :]
            drawn = np.where(gauss > PEDESTAL, gauss - foot / amplitude[cut, None, None], 0.0) @ right[cut]
            model_u[cut] = np.einsum("nyj,nyj->nj", ey[cut], drawn[:, :, j:])
            model_v[cut] = np.einsum("nyj,nyj->nj", zy[cut], drawn[:, :, :j])
        gain_u = amplitude * np.einsum("nj,nj->n", mix, slope_u)
        gain_v = amplitude * np.einsum("nj,nj->n", mix, slope_v)
        move_u = np.einsum("nj,nj->n", mix, score_u - amplitude[:, None] * model_u) / np.maximum(gain_u, 1e-6)
        move_v = np.einsum("nj,nj->n", mix, score_v - amplitude[:, None] * model_v) / np.maximum(gain_v, 1e-6)
        move = np.clip(np.stack([move_u, move_v], -1), -0.5 * sigma, 0.5 * sigma)
        offset = offset + move
        offset = first + np.clip(offset - first, -shift_limit, shift_limit)
        if np.all(np.abs(move) * gain_v[:, None] < 0.03 * np.sqrt(variance)[:, None]):
            break
    gain = np.maximum(np.stack([gain_u, gain_v], -1), 1e-6)
    variance = variance[:, None] / gain**2
    uv = (centre + offset) * bins + (bins - 1) / 2.0
    border = np.minimum(uv, np.array([width, height]) - 1 - uv).min(-1) / (sigma * bins)
    variance[cut] += (0.02 * sigma * np.exp(-2.0 * np.maximum(border[cut], 0.0)))[:, None] ** 2
    margin = 0.1 * sigma * bins
    inside = ((uv > margin) & (uv < np.array([width, height]) - 1 - margin)).all(-1)
    lead = (views, frames, 3)
    amplitude_sd = np.sqrt((noise.white + noise.smooth) / 3.0)
    # a Gaussian of variance w seen through filters s: heights go like s^2 w / (w + s^2)
    ratio = (height_j[:, 0] / np.maximum(height_j[:, -1], 1e-6)) * (ebx * eby)[:, -1] / np.maximum(
        (ebx * eby)[:, 0], 1e-6) * (1 + BANK[-1] ** 2) / (1 + BANK[0] ** 2)
    width = (BANK[-1] ** 2 - ratio * BANK[0] ** 2) / np.maximum(ratio - 1.0, 0.05)
    width = np.where(blue, 1.0, width)
    return Blobs(uv.reshape(lead + (2,)), (variance * bins**2).reshape(lead + (2,)),
                 amplitude.reshape(lead), amplitude_sd.reshape(lead), noise.level.reshape(lead),
                 (second / np.maximum(value, 1e-3)).reshape(lead), width.reshape(lead), inside.reshape(lead))
