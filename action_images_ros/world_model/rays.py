"""Camera conditioning of the nano model: Pluecker rays in the base frame, at the resolution of the diffusion."""

from __future__ import annotations

import numpy as np

from ..geometry.camera import plucker, resize_intrinsics
from .canvas import COARSE


def coarse_rays(K: np.ndarray, world_from_camera: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """K [..., 3, 3] and E [..., 4, 4] of images of ``size`` (H, W) -> float32 [..., 6, H/4, W/4]."""
    quarter = resize_intrinsics(K, 1 / COARSE, 1 / COARSE)
    return np.moveaxis(plucker(quarter, world_from_camera, (size[0] // COARSE, size[1] // COARSE)), -1, -3).astype(
        np.float32
    )
