"""Model folders: `config.json` and safetensors of the denoiser, and `model_card.json` with what a user must know."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from action_images_ros.world_model.canvas import latent_frames
from action_images_ros.world_model.denoiser import NanoDenoiser
from action_images_ros.world_model.regression import PoseRegressor
from action_images_ros.world_model.trunk import PATCH, Trunk

CARD = "model_card.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
NETWORKS = {kind.__name__: kind for kind in (NanoDenoiser, PoseRegressor)}
"""By the class that `config.json` names."""


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


def save_model(folder: str | Path, model: Trunk, card: ModelCard) -> None:
    """Write a model folder: configuration, float32 safetensors, model card."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    card.save(folder)


def load_denoiser(folder: str | Path) -> Trunk:
    """Read the network of a model folder, a denoiser or the regression control, float32 on the CPU.

    Raises FileNotFoundError where files are missing and ValueError, listing the tensors, where the weights do not fit
    the configuration. Never looks anything up on a network.
    """
    folder = Path(folder)
    for name in ("config.json", WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: give a folder written by `action-images train`")
    try:
        config = json.loads((folder / "config.json").read_text())
        network = NETWORKS[config.get("_class_name", NanoDenoiser.__name__)]
        with torch.device("meta"):
            expected = {n: tuple(p.shape) for n, p in network.from_config(config).state_dict().items()}
        with safe_open(folder / WEIGHTS, framework="pt") as weights:
            found = {n: tuple(weights.get_slice(n).get_shape()) for n in weights.keys()}
    except (SafetensorError, json.JSONDecodeError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"{folder} does not hold a readable nano model ({error!r}): copy it again") from error
    wrong = [f"{n}: {found.get(n, 'missing')} for {s}" for n, s in expected.items() if found.get(n) != s]
    wrong += [f"{n}: unknown" for n in found if n not in expected]
    if wrong:
        listed = "; ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ValueError(f"the weights in {folder} do not fit its config.json ({listed}): take both of one run")
    model = network.from_pretrained(folder, local_files_only=True, low_cpu_mem_usage=False)
    return model.float().eval()
