"""Model folders: `config.json` and safetensors of the denoiser, and `model_card.json`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ...policy.card import CARD, CONFIG, WEIGHTS, ModelCard
from .denoiser import NanoDenoiser
from .regressor import PoseRegressor
from .trunk import Trunk

__all__ = [
    "CARD",
    "CONFIG",
    "NETWORKS",
    "WEIGHTS",
    "ModelCard",
    "load_denoiser",
    "load_network",
    "save_model",
    "save_random_model",
]

_LARGEST, _MOST_LAYERS = 1 << 16, 256
_UNREADABLE = (
    json.JSONDecodeError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    ArithmeticError,
    AssertionError,
)
"""What a configuration of other values trips over."""
NETWORKS = {kind.__name__: kind for kind in (NanoDenoiser, PoseRegressor)}
"""By the class that `config.json` names."""


def save_model(folder: str | Path, model: Trunk, card: ModelCard) -> None:
    """Write a model folder: configuration, float32 safetensors, model card."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    config = json.loads((folder / CONFIG).read_text())
    config.pop("_name_or_path", None)  # where the model it began with lay: a path of one machine
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    card.save(folder)


def save_random_model(folder: str | Path, arguments: dict, card: ModelCard, seed: int = 0) -> None:
    """A model folder with untrained weights, to measure what a configuration would cost.

    arguments: of NanoDenoiser, such as the entry `model` of a recipe.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_model(folder, NanoDenoiser(**arguments), card)


def load_denoiser(folder: str | Path) -> NanoDenoiser:
    """Read the denoiser of a model folder as `load_network` does; ValueError where it holds the regression control."""
    network = load_network(folder)
    if not isinstance(network, NanoDenoiser):
        raise ValueError(f"{folder} holds a {type(network).__name__}, no generator; give a nano model's folder")
    return network


def _refuse_absurd(config: dict[str, object], path: Path) -> None:
    """ValueError for sizes that no network has: making one of 10^20 layers would never end."""
    for name, value in config.items():
        most = _MOST_LAYERS if "layers" in name or "blocks" in name else _LARGEST
        if isinstance(value, int | float) and not isinstance(value, bool) and not -most <= value <= most:
            raise ValueError(f"{path} has {name} {value!r}; at most {most} is read: take the file of the model's run")


def load_network(folder: str | Path) -> Trunk:
    """Read the network of a model folder, a denoiser or the regression baseline, float32 on the CPU.

    Raises FileNotFoundError where files are missing and ValueError, listing the tensors, where the weights do not fit
    the configuration. No network access.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: give a folder written by `action-images train`")
    try:
        config = json.loads((folder / CONFIG).read_text())
        _refuse_absurd(config, folder / CONFIG)
        network = NETWORKS[config.get("_class_name", NanoDenoiser.__name__)]
        with torch.device("meta"):
            expected = {n: tuple(p.shape) for n, p in network.from_config(config).state_dict().items()}
        with safe_open(folder / WEIGHTS, framework="pt") as weights:
            found = {n: tuple(weights.get_slice(n).get_shape()) for n in weights.keys()}
    except (*_UNREADABLE, SafetensorError) as error:
        raise ValueError(f"{folder} does not hold a readable nano model ({error!r}): copy it again") from error
    wrong = [f"{n}: {found.get(n, 'missing')} for {s}" for n, s in expected.items() if found.get(n) != s]
    wrong += [f"{n}: unknown" for n in found if n not in expected]
    if wrong:
        listed = "; ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ValueError(f"the weights in {folder} do not fit its config.json ({listed}): take both of one run")
    model = network.from_pretrained(folder, local_files_only=True, low_cpu_mem_usage=False)
    spoilt = [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]
    if spoilt:
        raise ValueError(
            f"the weights in {folder} are not finite ({len(spoilt)} of {len(expected)} tensors, {spoilt[0]} among "
            "them): the training diverged or the file is damaged; take another model"
        )
    return model.float().eval()
