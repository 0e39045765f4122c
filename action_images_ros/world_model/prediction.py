"""What every backend of the world model takes from an observation and gives back; no torch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from action_images_ros.codec.encode import encode as encode_actions
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.observation import Observation
from action_images_ros.world_model.card import ModelCard
from action_images_ros.world_model.rays import coarse_rays

__all__ = ["Prediction", "Stopwatch", "model_inputs"]


@dataclass(frozen=True)
class Prediction:
    """One chunk as pictures; frame i is meant for ``stamp_ns + i * dt``, frame 0 is the observation itself.

    action_images, video: uint8 [V, T, H, W, 3]; video is None where it was not asked for. K [V, 3, 3] and
    world_from_camera [V, 4, 4] belong to these images. stage_seconds: wall time of each stage.
    """

    stamp_ns: int
    camera_names: tuple[str, ...]
    action_images: np.ndarray
    video: np.ndarray | None
    K: np.ndarray
    world_from_camera: np.ndarray
    dt: float
    stage_seconds: dict[str, float] = field(default_factory=dict)


class Stopwatch:
    """Wall seconds by stage: each `lap` is counted from the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End of a stage; a stage that comes again is added up."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def model_inputs(observation: Observation, card: ModelCard) -> tuple[np.ndarray, np.ndarray]:
    """The present action image, float32 [V, 1, H, W, 3] in [0, 1], and the rays, float32 [V, 6, H/4, W/4].

    Raises ValueError where the observation does not have the model's image size.
    """
    size = tuple(observation.images.shape[1:3])
    if size != tuple(card.image_size):
        raise ValueError(
            f"observation images are {size}, the model {card.name} takes {tuple(card.image_size)}: "
            "make them with observation.prepare_image"
        )
    K, E = observation.K, observation.world_from_camera
    pose = matrix_from_pose7(observation.tool_pose)[None]
    drawn = encode_actions(pose, np.array([observation.openness]), K, E, size).images
    return drawn.astype(np.float32, copy=False), coarse_rays(K, E, size)
