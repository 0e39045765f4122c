"""Interface of a policy: an observation in, a chunk out. Optional abilities are protocols of their own.

`isinstance(policy, PaintsVideo)` tests for one. A policy of your own: docs/tutorials/your_own_policy.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from ..geometry.arrays import Images
from .card import ModelCard
from .clips import Clips, Pictures
from .observation import Observation
from .prediction import Prediction

__all__ = ["Generates", "Labels", "PaintsVideo", "Policy", "Sampled", "Subscribes", "check_prediction", "require"]


@runtime_checkable
class Policy(Protocol):
    """Drives an arm. card: its image size, frames, dt and kind of output."""

    @property
    def card(self) -> ModelCard:
        """Facts of the model; they do not change."""
        ...

    def predict(self, observation: Observation, *, seed: int = 0) -> Prediction:
        """Predict one chunk of ``card.frames`` frames from ``observation.stamp_ns`` on.

        seed: of the sampler noise; the same observation and seed give the same chunk. Raises ValueError, with the
        reason for the operator, where there is no chunk to give: the arm then holds.
        """
        ...


@runtime_checkable
class PaintsVideo(Protocol):
    """Predicts what the cameras will see while a chunk is executed."""

    def paint_video(self, prediction: Prediction) -> Prediction:
        """The policy's latest prediction again, with its video. Called after the chunk was published.

        Raises ValueError for any other prediction.
        """
        ...


@runtime_checkable
class Sampled(Protocol):
    """Draws its chunks in a number of sampling steps that may be chosen."""

    def with_steps(self, steps: int) -> Policy:
        """The same policy with this number of sampling steps."""
        ...


@runtime_checkable
class Labels(Protocol):
    """Reads action images off recorded video."""

    @property
    def card(self) -> ModelCard:
        """Facts of the model; ``card.frames`` is the length of a clip."""
        ...

    def label(self, clips: Clips, *, steps: int = 1, seed: int | Sequence[int] = 0) -> Images:
        """Action images uint8 `[B, V, T, H, W, 3]` of B clips that hold T images per view.

        Frame 0 is as given where the clips have poses. steps: of the sampler. seed: one per clip, or one number for
        seed, seed + 1, ..: a clip gives the same whatever else is in the batch.
        """
        ...


@runtime_checkable
class Generates(Protocol):
    """Runs the video model in any of its modes (see `policy.clips`)."""

    @property
    def card(self) -> ModelCard:
        """Facts of the model."""
        ...

    def generate(self, clips: Clips, mode: str, *, steps: int = 1, seed: int | Sequence[int] = 0) -> Pictures:
        """Video and action images of B clips, those that the mode generates. Raises ValueError where it lacks input."""
        ...


@runtime_checkable
class Subscribes(Protocol):
    """Takes more of the graph than an observation holds."""

    def subscriptions(self) -> Mapping[str, Callable[[Any], None]]:
        """Callbacks by topic (names of `interfaces.topics.TOPICS`), called in the node's thread."""
        ...


Ability = TypeVar("Ability")


def require(policy: Any, ability: type[Ability], purpose: str) -> Ability:
    """The policy, typed as one with that ability; ValueError naming the policy and the purpose otherwise."""
    if not isinstance(policy, ability):
        raise ValueError(
            f"model is {policy.card.name!r}; it cannot {purpose} (it has no ability "
            f"{ability.__name__}); give a nano model loaded with runtime torch"
        )
    return policy


def check_prediction(prediction: Prediction, observation: Observation, card: ModelCard) -> Prediction:
    """Return the prediction; ValueError naming the field that does not fit the observation or the card."""
    if not isinstance(prediction, Prediction):
        raise ValueError(f"predict of {card.name} is {type(prediction).__name__}; return a Prediction")
    for name, value, expected in (
        ("stamp_ns", prediction.stamp_ns, observation.stamp_ns),
        ("dt", prediction.dt, card.dt),
        ("camera_names", prediction.camera_names, tuple(observation.camera_names)),
        ("output", "poses" if prediction.action_images is None else "action_images", card.output),
    ):
        if value != expected:
            raise ValueError(f"{name} of the prediction is {value!r}; {card.name} must give {expected!r}")
    if not 2 <= prediction.frames <= card.frames:
        raise ValueError(f"the prediction has {prediction.frames} frames; the card of {card.name} says {card.frames}")
    if prediction.action_images is not None and prediction.action_images.shape[2:4] != card.image_size:
        raise ValueError(
            f"action_images is {list(prediction.action_images.shape)}; the card of {card.name} says "
            f"image_size {list(card.image_size)}"
        )
    return prediction
