"""Sampler noise and noise levels in numpy, shared by every backend.

``x_s = (1 - s) z + s n`` with the shifted schedule ``s = shift s' / (1 + (shift - 1) s')``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import CHANNELS, COARSE, Canvas

__all__ = ["SHIFT", "noise", "schedule"]

SHIFT = 5.0


def schedule(steps: int, shift: float = SHIFT) -> list[float]:
    """Noise levels from 1 down to 0, [steps + 1]."""
    if steps < 1:
        raise ValueError(f"steps = {steps}: sampling needs at least one step")
    raw = [1 - i / steps for i in range(steps + 1)]
    return [shift * s / (1 + (shift - 1) * s) for s in raw]


def noise(canvas: Canvas, size: tuple[int, int], seeds: Sequence[int]) -> np.ndarray:
    """Standard normal noise for the frames to generate, float32 [B, n, 12, H/4, W/4].

    size: (H, W) px of the images. seeds: one per canvas, >= 0; on every machine the same seed gives the same noise.
    """
    if min(seeds) < 0:
        raise ValueError(f"seed = {min(seeds)}: give a whole number of 0 or more")
    shape = (len(canvas.targets()), CHANNELS, size[0] // COARSE, size[1] // COARSE)
    return np.stack([np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) for seed in seeds])
