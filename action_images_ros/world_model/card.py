"""The model card, `model_card.json`: what a user of a model folder must know; readable without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from action_images_ros.world_model.canvas import PATCH, latent_frames

__all__ = ["CARD", "CONFIG", "WEIGHTS", "ModelCard"]

CARD = "model_card.json"
CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class ModelCard:
    """image_size: (H, W) px of every view. frames: T per chunk. dt: seconds between frames."""

    name: str
    image_size: tuple[int, int]
    frames: int
    dt: float
    tasks: tuple[str, ...] = ()
    data: dict = field(default_factory=dict)
    recipe: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)

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
        if len(card.image_size) != 2 or any(n <= 0 or n % PATCH for n in card.image_size) or card.dt <= 0:
            raise ValueError(
                f"{path}: image_size = {card.image_size}, dt = {card.dt}: sizes are multiples of {PATCH}, dt > 0"
            )
        return card

    def save(self, folder: Path) -> None:
        values = asdict(self) | {"image_size": list(self.image_size), "horizon": self.horizon}
        (folder / CARD).write_text(json.dumps(values, indent=2) + "\n")
