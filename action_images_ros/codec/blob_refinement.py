"""Blob centres refined by Newton steps on the correlation with the combined filter, and the blobs' width.

The filters are separable, so a correlation is a matrix product of the window's pixels with one factor along x, reduced
with one along y. N planes, J filters, windows of P x P pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Bools, Floats, Integers
from .blob_filters import BANK, FAINTEST, FilterMix
from .encode import PEDESTAL

__all__ = ["Refined", "PixelWindow", "cut_window", "refine", "relative_width"]


WINDOW = 3.0
"""Half the side of the window around a blob, in blob sigmas."""
MAX_STEP = 0.5
"""Longest Newton step, in blob sigmas."""
MAX_SHIFT = 0.7
"""Farthest a centre may go from the coarse peak, in blob sigmas."""
CONVERGED = 0.03
"""A step this small against the centre's own standard deviation ends the iteration."""
LEAST_GAIN = 1e-6


class PixelWindow(NamedTuple):
    """Pixels around the coarse peak of every plane.

    centre: int `[N, 2]` px; grid: int `[P]` px about it; inside_x, inside_y: bool `[N, P]`, which columns and rows lie
    in the picture; pixels: float32 `[N, P, P]` above the background.
    """

    centre: Integers
    grid: Integers
    inside_x: Bools
    inside_y: Bools
    pixels: Floats


class Refined(NamedTuple):
    """Blobs after the last Newton step.

    offset: `[N, 2]` px from the window's centre; amplitude: `[N]` peak; gain: `[N, 2]` slope of the score per px;
    height: `[N, J]` correlation with each filter; undistorted: `[N, J]`, that of a perfect blob of height 1; cut: int
    indices of the blue blobs whose window the border cuts.
    """

    offset: Floats
    amplitude: Floats
    gain: Floats
    height: Floats
    undistorted: Floats
    cut: Integers


class _Factors(NamedTuple):
    """Separable factors of one Newton step: filters and their derivatives `[N, P, J]` along x and y (zero outside the
    picture), the perfect blob `[N, P]` and the distances `[N, P]` px."""

    filter_x: Floats
    filter_y: Floats
    derivative_x: Floats
    derivative_y: Floats
    blob_x: Floats
    blob_y: Floats
    dx: Floats
    dy: Floats


def cut_window(planes: Floats, peaks: Floats, level: Floats, sigma: float) -> PixelWindow:
    """The window around each coarse peak. planes: `[N, h, w]`; peaks: `[N, 2]` px; level: `[N]` background."""
    count, h, w = planes.shape
    half = int(np.ceil(WINDOW * sigma))
    grid = np.arange(-half, half + 1)
    centre = np.rint(peaks).astype(int)
    ix, iy = centre[:, :1] + grid, centre[:, 1:] + grid
    pixels = planes[
        np.arange(count)[:, None, None], np.clip(iy, 0, h - 1)[:, :, None], np.clip(ix, 0, w - 1)[:, None, :]
    ]
    return PixelWindow(
        centre, grid, (ix >= 0) & (ix < w), (iy >= 0) & (iy < h), pixels - level[:, None, None].astype(np.float32)
    )


def refine(
    window: PixelWindow, peaks: Floats, mix: FilterMix, level: Floats, sigma: float, iterations: int = 6
) -> Refined:
    """Newton steps from the coarse peaks until none moves by more than a share of its standard deviation."""
    cut = np.flatnonzero(mix.blue & ~(window.inside_x.all(1) & window.inside_y.all(1)))
    foot = np.where(mix.open, level, 0.0)[cut, None, None]
    first: Floats = peaks - window.centre
    state = Refined(
        first.copy(), mix.peak, np.ones_like(first), np.ones_like(mix.weights), np.ones_like(mix.weights), cut
    )
    for _ in range(iterations):
        state, move = _newton_step(window, state, mix, foot, sigma)
        shift = state.offset - first
        state = state._replace(offset=first + np.clip(shift, -MAX_SHIFT * sigma, MAX_SHIFT * sigma))
        if np.all(np.abs(move) * state.gain[:, 1:] < CONVERGED * np.sqrt(mix.variance)[:, None]):
            break
    return state._replace(gain=np.maximum(state.gain, LEAST_GAIN))


def _newton_step(
    window: PixelWindow, state: Refined, mix: FilterMix, foot: Floats, sigma: float
) -> tuple[Refined, Floats]:
    """One step of all planes: the new state and the step `[N, 2]` px."""
    f = _factors(window, state.offset, mix.sigmas, sigma)
    right = np.concatenate([f.filter_x, f.derivative_x], axis=-1).astype(np.float32)
    rows = np.matmul(window.pixels, right).astype(np.float64)
    j = len(mix.sigmas)
    score_u = np.einsum("nyj,nyj->nj", f.filter_y, rows[:, :, j:])
    score_v = np.einsum("nyj,nyj->nj", f.derivative_y, rows[:, :, :j])
    height = np.einsum("nyj,nyj->nj", f.filter_y, rows[:, :, :j])
    # the same sums of an undistorted blob: zero for the scores unless the border cuts the window
    sum_x, sum_y = np.einsum("nxj,nx->nj", f.filter_x, f.blob_x), np.einsum("nyj,ny->nj", f.filter_y, f.blob_y)
    model_u = np.einsum("nxj,nx->nj", f.derivative_x, f.blob_x) * sum_y
    model_v = sum_x * np.einsum("nyj,ny->nj", f.derivative_y, f.blob_y)
    undistorted = sum_x * sum_y
    amplitude = np.maximum(height[:, 0] / np.maximum(undistorted, 1e-9)[:, 0] / mix.height_factor, FAINTEST)
    slope_u = np.einsum("nxj,nx->nj", f.derivative_x, f.dx * f.blob_x / sigma**2) * sum_y * mix.slope_factor
    slope_v = np.einsum("nyj,ny->nj", f.derivative_y, f.dy * f.blob_y / sigma**2) * sum_x * mix.slope_factor
    cut = state.cut
    if len(cut):  # these sums do not factor, so the blobs are drawn in full
        gauss = f.blob_y[cut, :, None] * f.blob_x[cut, None, :]
        drawn = np.where(gauss > PEDESTAL, gauss - foot / amplitude[cut, None, None], 0.0) @ right[cut]
        model_u[cut] = np.einsum("nyj,nyj->nj", f.filter_y[cut], drawn[:, :, j:])
        model_v[cut] = np.einsum("nyj,nyj->nj", f.derivative_y[cut], drawn[:, :, :j])
    steps, gains = [], []
    for score, model, slope in ((score_u, model_u, slope_u), (score_v, model_v, slope_v)):
        gain = amplitude * np.einsum("nj,nj->n", mix.weights, slope)
        residual = np.einsum("nj,nj->n", mix.weights, score - amplitude[:, None] * model)
        steps.append(residual / np.maximum(gain, LEAST_GAIN))
        gains.append(gain)
    move = np.clip(np.stack(steps, -1), -MAX_STEP * sigma, MAX_STEP * sigma)
    return Refined(state.offset + move, amplitude, np.stack(gains, -1), height, undistorted, cut), move


def _factors(window: PixelWindow, offset: Floats, sigmas: Floats, sigma: float) -> _Factors:
    """Factors of the filters and of a perfect blob at these offsets `[N, 2]` px."""
    dx, dy = window.grid - offset[:, :1], window.grid - offset[:, 1:]
    filter_x = np.exp(-0.5 * (dx[:, :, None] / sigmas) ** 2) * window.inside_x[:, :, None]
    filter_y = np.exp(-0.5 * (dy[:, :, None] / sigmas) ** 2) * window.inside_y[:, :, None]
    return _Factors(
        filter_x,
        filter_y,
        dx[:, :, None] * filter_x / sigmas**2,
        dy[:, :, None] * filter_y / sigmas**2,
        np.exp(-0.5 * (dx / sigma) ** 2),
        np.exp(-0.5 * (dy / sigma) ** 2),
        dx,
        dy,
    )


def relative_width(refined: Refined, blue: Bools) -> Floats:
    """Mean squared radius `[N]` over that of a perfect blob, from the heights under the narrowest and widest filter.

    A Gaussian of variance w seen through a filter of variance s^2 has a height proportional to `s^2 w / (w + s^2)`.
    Blue blobs, cut off at the pedestal, count as 1.
    """
    height, perfect = refined.height, refined.undistorted
    ratio = (
        (height[:, 0] / np.maximum(height[:, -1], 1e-6))
        * perfect[:, -1]
        / np.maximum(perfect[:, 0], 1e-6)
        * (1 + BANK[-1] ** 2)
        / (1 + BANK[0] ** 2)
    )
    width = (BANK[-1] ** 2 - ratio * BANK[0] ** 2) / np.maximum(ratio - 1.0, 0.05)
    return np.where(blue, 1.0, width)
