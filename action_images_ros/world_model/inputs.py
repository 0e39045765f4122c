"""Conditioning arrays of a world model from an observation."""

from __future__ import annotations

import numpy as np

from ..codec.encode import encode as encode_actions
from ..geometry.pose import matrix_from_pose7
from ..policy.card import ModelCard
from ..policy.observation import Observation
from .rays import coarse_rays

__all__ = ["model_inputs"]


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
