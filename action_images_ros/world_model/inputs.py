"""Conditioning arrays of a world model from an observation."""

from __future__ import annotations

import copy
from typing import Protocol, TypeVar

import numpy as np

from ..codec.encode import encode as encode_actions
from ..geometry.pose import matrix_from_pose7
from ..policy.card import ModelCard
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from .rays import coarse_rays

__all__ = ["check_latest", "copied_with_steps", "model_inputs"]


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


def check_latest(prediction: Prediction, latest: Prediction | None) -> None:
    """Raise ValueError unless this is the model's latest prediction: of no other it keeps what its video needs."""
    if latest is None:
        raise ValueError("the model has predicted nothing yet; call predict first")
    if prediction is not latest:
        raise ValueError(f"prediction is of {prediction.stamp_ns} ns; give the latest one, of {latest.stamp_ns} ns")


class _HasSteps(Protocol):
    steps: int


Stepped = TypeVar("Stepped", bound=_HasSteps)


def copied_with_steps(model: Stepped, steps: int) -> Stepped:
    """A copy that shares the weights and takes this number of sampling steps by default."""
    if steps < 1:
        raise ValueError(f"steps is {steps}; give 1 or more")
    stepped = copy.copy(model)
    stepped.steps = steps
    return stepped
