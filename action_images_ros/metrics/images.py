"""Similarity of two images: PSNR, SSIM, and seams between patches (`features.py` has the LPIPS-type distance).

Every metric takes true and predicted images, uint8 [N, H, W, 3], and returns one value per image, [N].
"""

from __future__ import annotations

import numpy as np

from ..geometry.arrays import Array

__all__ = ["moving_psnr", "psnr", "seams", "ssim"]

QUANTISATION = 1 / 12
"""Mean squared error of rounding to whole levels: nothing below it can be told, so PSNR ends at 58.9 dB."""
MOVED = 8
"""A pixel moves when one of its channels differs from the first frame's by more levels than this."""


def psnr(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, `10 log10(255^2 / mse)`, at most 58.9 (see QUANTISATION)."""
    _check(truth, guess)
    return _decibel(_squared(truth, guess).mean(axis=(1, 2)))


def moving_psnr(truth: np.ndarray, guess: np.ndarray, first: np.ndarray) -> np.ndarray:
    """PSNR in dB over the pixels in which the truth differs from its first frame; NaN where none does.

    first: uint8 [N, H, W, 3], the first frame belonging to each picture. A still background, most of every picture,
    counts for nothing here: only where the arm and the things it moves were and are.
    """
    _check(truth, guess)
    moved = (np.abs(truth.astype(np.int16) - first).max(axis=-1) > MOVED).astype(np.float32)
    number = moved.sum(axis=(1, 2))
    error = (_squared(truth, guess) * moved).sum(axis=(1, 2)) / np.maximum(number, 1)
    return np.where(number > 0, _decibel(error), np.nan)


def ssim(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Structural similarity in [-1, 1], 1 = equal: Gaussian window of 1.5 px as in Wang et al. 2004, mean of RGB."""
    from skimage.metrics import structural_similarity

    _check(truth, guess)
    return np.array(
        [
            structural_similarity(
                a, b, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
            for a, b in zip(truth, guess, strict=True)
        ]
    )


def seams(truth: np.ndarray, guess: np.ndarray, grid: int) -> np.ndarray:
    """By how many levels (of 255) more the error jumps across the borders of grid x grid patches than elsewhere.

    0 = no seams. grid: px; the nano models have tokens of 16 px and paint video in patches of 4.
    """
    _check(truth, guess)
    error = guess.astype(np.float32) - truth
    excess = np.zeros(len(error), np.float32)
    for axis in (1, 2):
        jumps = np.abs(np.diff(error, axis=axis)).mean(axis=(3 - axis, 3))  # [N, H - 1] or [N, W - 1]
        border = (np.arange(jumps.shape[1]) + 1) % grid == 0
        if border.any():
            excess += 0.5 * (jumps[:, border].mean(axis=1) - jumps[:, ~border].mean(axis=1))
    return excess


def _squared(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    squared: Array = np.square(truth.astype(np.float32) - guess).mean(axis=-1)
    return squared


def _decibel(error: np.ndarray) -> np.ndarray:
    decibel: Array = 10 * np.log10(255**2 / np.maximum(error, QUANTISATION))
    return decibel


def _check(truth: np.ndarray, guess: np.ndarray) -> None:
    for name, images in (("truth", truth), ("guess", guess)):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(f"{name} is {images.dtype} {list(images.shape)}; give uint8 RGB [N, H, W, 3]")
    if truth.shape != guess.shape:
        raise ValueError(f"truth is {list(truth.shape)} and guess {list(guess.shape)}; compare pictures of one size")
