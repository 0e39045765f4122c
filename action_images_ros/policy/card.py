"""The model card, `model_card.json`: what a user of a model must know; readable without loading the model.

This is the only parser. The nodes, the loaders, the benchmarks and training read a card through `ModelCard`.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .entries import policy_names

__all__ = [
    "CARD",
    "CONFIG",
    "OUTPUTS",
    "PATCH",
    "TEMPORAL_COMPRESSION",
    "WEIGHTS",
    "CardError",
    "ModelCard",
    "latent_frames",
]

CARD = "model_card.json"
CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
OUTPUTS = ("action_images", "poses")
TEMPORAL_COMPRESSION = 4
PATCH = 16  # image pixels per token
LEAST_SIDE = 32  # px; smaller images cannot be decoded
_VIDEO_BACKENDS = ("nano", "onnx", "regression", "wan")  # they pack frames into latent frames and patches


class CardError(ValueError):
    """A value of a model card that cannot be. field: its name, "" where the file as a whole is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class ModelCard:
    """Facts of a model; checked when made.

    name: of the model. image_size: (H, W) px of every view. frames: T of a chunk, frame 0 being the observation. dt:
    seconds between frames. tasks: names it was trained for. data, recipe, figures: free-form objects about training
    and results. backend: the policy entry that loads the folder (see `policy.entries`). output: "action_images", or
    "poses" for a policy that returns poses.
    Raises CardError (a ValueError) that names the field, its value and the remedy.
    """

    name: str
    image_size: tuple[int, int]
    frames: int
    dt: float
    tasks: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    backend: str = "nano"
    output: str = "action_images"

    def __post_init__(self) -> None:
        for name in ("name", "backend", "output"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise _wrong(name, value, "give text that is not empty")
        object.__setattr__(self, "image_size", _size(self.image_size))
        if not _whole(self.frames) or self.frames < 2:
            raise _wrong("frames", self.frames, "give a whole number of 2 or more")
        if not _number(self.dt) or not math.isfinite(self.dt) or self.dt <= 0:
            raise _wrong("dt", self.dt, "give seconds, a finite number above 0")
        object.__setattr__(self, "dt", float(self.dt))
        if (
            isinstance(self.tasks, str)
            or not isinstance(self.tasks, list | tuple)
            or not all(isinstance(task, str) for task in self.tasks)
        ):
            raise _wrong("tasks", self.tasks, "give a list of task names")
        object.__setattr__(self, "tasks", tuple(self.tasks))
        for name in ("data", "recipe", "figures"):
            if not isinstance(getattr(self, name), dict):
                raise _wrong(name, getattr(self, name), "give an object of names and values")
        if self.output not in OUTPUTS:
            raise _wrong("output", self.output, f"choose one of {', '.join(OUTPUTS)}")
        if self.backend in _VIDEO_BACKENDS and self.output == "action_images":
            self._check_video()

    def _check_video(self) -> None:
        try:
            latent_frames(self.frames)
        except ValueError as error:
            raise CardError("frames", str(error)) from None
        if any(side % PATCH for side in self.image_size):
            raise _wrong(
                "image_size", list(self.image_size), f"the {self.backend} backend takes multiples of {PATCH} px"
            )

    @property
    def horizon(self) -> float:
        """Seconds from the observation to the last frame of a chunk."""
        return (self.frames - 1) * self.dt

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> ModelCard:
        """The card of the JSON object of a file. Raises CardError for a missing, unknown or wrong field."""
        if not isinstance(values, Mapping):
            raise CardError(
                "", f"the card is {type(values).__name__}; give an object with name, image_size, frames and dt"
            )
        known = [each.name for each in fields(cls)]
        given = {name: value for name, value in values.items() if name != "horizon"}  # derived, written for readers
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise CardError(
                    name,
                    f"{name} is no field of a model card; "
                    + (f"did you mean {near[0]}?" if near else f"the fields are {', '.join(known)}"),
                )
        for name in ("name", "image_size", "frames", "dt"):
            if name not in given:
                raise CardError(name, f"{name} is missing; a model card needs name, image_size, frames and dt")
        card = cls(**given)
        if card.backend not in policy_names():
            raise _wrong(
                "backend",
                card.backend,
                f"use one of {', '.join(policy_names())}, or install the package that provides it",
            )
        return card

    @classmethod
    def load(cls, folder: Path) -> ModelCard:
        """The card in a model's folder. Raises FileNotFoundError, and CardError that begins with the file's path."""
        path = Path(folder) / CARD
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; give a model folder such as models/nano")
        try:
            values = json.loads(path.read_text())
        except ValueError as error:  # broken JSON, or bytes that are no text
            raise CardError("", f"{path} is not readable JSON ({error}); write the card anew") from None
        try:
            return cls.parse(values)
        except CardError as error:
            raise CardError(error.field, f"{path}: {error}") from None

    def save(self, folder: Path) -> None:
        """Write the card into a model's folder."""
        values = asdict(self) | {"image_size": list(self.image_size), "horizon": self.horizon}
        if self.output == OUTPUTS[0]:
            del values["output"]
        (Path(folder) / CARD).write_text(json.dumps(values, indent=2) + "\n")


def latent_frames(frames: int) -> int:
    """Number of latent frames of a segment of ``frames`` images; ValueError unless frames = 1 + 4 k, k >= 1."""
    if frames < 5 or (frames - 1) % TEMPORAL_COMPRESSION:
        raise ValueError(f"frames is {frames}; use 1 + 4 k frames, for example 9, 13 or 41")
    return 1 + (frames - 1) // TEMPORAL_COMPRESSION


def _wrong(name: str, value: object, remedy: str) -> CardError:
    return CardError(name, f"{name} is {value!r} ({type(value).__name__}); {remedy}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(value: object) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(_whole(side) for side in value):
        raise _wrong("image_size", value, "give [height, width] in whole pixels")
    if min(value) < LEAST_SIDE:
        raise _wrong("image_size", list(value), f"give {LEAST_SIDE} px or more for each side")
    return int(value[0]), int(value[1])
