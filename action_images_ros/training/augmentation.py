"""Augmentation of training images, with the cameras adapted.

Geometry stays true: a roll of the image rotates the camera about its optical axis, a zoom or shift changes K. No mirror
flips: a mirrored arm is another robot.
"""

from __future__ import annotations

import cv2
import numpy as np

from .config import TrainConfig

__all__ = ["augment_view"]


def augment_view(
    images: np.ndarray, K: np.ndarray, E: np.ndarray, config: TrainConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, K and world_from_camera of one view after random roll, zoom, shift and colour.

    images: uint8 `[n, H, W, 3]`, one draw for all n; K: `[3, 3]` px; E: world_from_camera `[4, 4]`.
    """
    height, width = images.shape[1:3]
    roll = np.radians(rng.uniform(-config.roll_deg, config.roll_deg))
    zoom = 1 + rng.uniform(-config.zoom, config.zoom)
    cos, sin = np.cos(roll), np.sin(roll)
    centre = np.array([K[0, 2], K[1, 2]])
    moved = centre + rng.uniform(-config.shift, config.shift, 2) * (width, height)
    turn = zoom * np.array([[cos, -sin], [sin, cos]])
    warp = np.column_stack([turn, moved - turn @ centre])
    gain = 1 + rng.uniform(-config.colour, config.colour, 3) * 0.5 + rng.uniform(-config.colour, config.colour)
    offset = rng.uniform(-20, 20) * config.colour / 0.2
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)[None]  # [1, 256, 3]
    out = np.empty_like(images)
    for i, image in enumerate(images):
        cv2.LUT(
            cv2.warpAffine(image, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            table,
            dst=out[i],
        )
    K, E = K.copy(), E.copy()
    K[:2, :2] *= zoom
    K[:2, 2] = moved
    # The picture is turned by +roll about the optical axis, so the camera is turned by -roll.
    E[:3, :3] = E[:3, :3] @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return out, K, E
