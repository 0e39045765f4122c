"""What every backend of the world model takes from an observation and gives back; no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """One chunk as pictures; frame i is meant for ``stamp_ns + i * dt``, frame 0 is the observation itself.

    action_images, video: uint8 [V, T, H, W, 3]; video is None where it was not asked for. K [V, 3, 3] and
    world_from_camera [V, 4, 4] belong to these images. stage_seconds: wall time of each stage; step_seconds: of each
    denoising step, where the backend tells.
    """

    stamp_ns: int
    camera_names: tuple[str, ...]
    action_images: np.ndarray
    video: np.ndarray | None
    K: np.ndarray
    world_from_camera: np.ndarray
    dt: float
    stage_seconds: dict[str, float] = field(default_factory=dict)
    step_seconds: tuple[float, ...] = ()
