"""The model card, `model_card.json`: what a user of a model folder must know; readable without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..paths import models_path

__all__ = [
    "BACKENDS",
    "CARD",
    "CONFIG",
    "PATCH",
    "TEMPORAL_COMPRESSION",
    "WEIGHTS",
    "CardFacts",
    "ModelCard",
    "latent_frames",
    "read_card_facts",
]

CARD = "model_card.json"
CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
BACKENDS = ("nano", "wan")


@dataclass(frozen=True)
class ModelCard:
    """image_size: (H, W) px of every view. frames: T per chunk. dt: seconds between frames.

    backend: one of BACKENDS, the code that runs the model.
    """

    name: str
    image_size: tuple[int, int]
    frames: int
    dt: float
    tasks: tuple[str, ...] = ()
    data: dict = field(default_factory=dict)
    recipe: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)
    backend: str = "nano"

    @property
    def horizon(self) -> float:
        """Seconds a chunk reaches ahead of its observation."""
        return (self.frames - 1) * self.dt

    @classmethod
    def load(cls, folder: Path) -> ModelCard:
        path = folder / CARD
        if not path.is_file():
            raise FileNotFoundError(f"{folder} has no {CARD}: give a model folder such as models/nano")
        try:
            values = json.loads(path.read_text())
            values.pop("horizon", None)
            values["image_size"], values["tasks"] = tuple(values["image_size"]), tuple(values.get("tasks", ()))
            card = cls(**values)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            message = f"{path} is not a model card ({error}): it needs name, image_size, frames and dt"
            raise ValueError(message) from error
        latent_frames(card.frames)
        if card.backend not in BACKENDS:
            raise ValueError(f"{path}: backend = {card.backend!r}: use one of {', '.join(BACKENDS)}")
        if len(card.image_size) != 2 or any(n <= 0 or n % PATCH for n in card.image_size) or card.dt <= 0:
            raise ValueError(
                f"{path}: image_size = {card.image_size}, dt = {card.dt}: sizes are multiples of {PATCH}, dt > 0"
            )
        return card

    def save(self, folder: Path) -> None:
        values = asdict(self) | {"image_size": list(self.image_size), "horizon": self.horizon}
        (folder / CARD).write_text(json.dumps(values, indent=2) + "\n")


@dataclass(frozen=True)
class CardFacts:
    """What the nodes beside the policy need of a model: image size (H, W), frames T, seconds between them."""

    image_size: tuple[int, int]
    frames: int
    dt: float


def read_card_facts(model: str) -> CardFacts:
    """The facts from a model's card, without loading the model (or torch)."""
    path = models_path(model) / "model_card.json"
    if not path.is_file():
        raise FileNotFoundError(f"model is {model!r} and {path} does not exist; give the folder of a trained model")
    try:
        card = json.loads(path.read_text())
        size = card["image_size"]
        frames = card["frames"] if "frames" in card else card["T"]
        facts = CardFacts((int(size[0]), int(size[1])), int(frames), float(card["dt"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is no model card: {error!r}; it needs image_size, frames and dt") from None
    if facts.frames < 2 or not facts.dt > 0 or min(facts.image_size) < 8:
        raise ValueError(f"{path} gives {facts}; frames must be 2 or more, dt above 0")
    return facts


TEMPORAL_COMPRESSION = 4
PATCH = 16  # image pixels per token


def latent_frames(frames: int) -> int:
    """Number of latent frames of a segment of ``frames`` images; ValueError unless frames = 1 + 4 k, k >= 1."""
    if frames < 5 or (frames - 1) % TEMPORAL_COMPRESSION:
        raise ValueError(f"frames = {frames} cannot be packed: use 1 + 4 k frames, for example 9, 13 or 41")
    return 1 + (frames - 1) // TEMPORAL_COMPRESSION
