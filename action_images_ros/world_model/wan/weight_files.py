"""Checks of weight files before loading: present, complete, of this model, of a usable type."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from .tensor_names import compare, listed

READABLE = ("F32", "BF16", "F16")
GIB = 2**30


def weight_files(part: str, folder: Path, stem: str) -> list[Path]:
    """The safetensors files of a part: one, or the shards its index names. FileNotFoundError where one is missing."""
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"{part}: {index} is no index of shards ({error!r}): copy it again") from None
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise FileNotFoundError(f"{part}: {folder} lacks {listed(missing)}, named by {index.name}: copy it again")
        return [folder / name for name in names]
    if single.is_file():
        return [single]
    raise FileNotFoundError(f"{part}: {folder} has neither {single.name} nor {index.name}: see the model's README.md")


def check_weights(part: str, folder: Path, stem: str, model: nn.Module) -> int:
    """Compare the weight files of a part with its model, built without memory; the number of its parameters.

    Only headers are read. Raises FileNotFoundError and ValueError naming files and tensors.
    """
    found: dict[str, tuple[int, ...]] = {}
    unusable = []
    for path in weight_files(part, folder, stem):
        try:
            with safe_open(path, framework="pt") as weights:
                for name in weights.keys():
                    tensor = weights.get_slice(name)
                    found[name] = tuple(tensor.get_shape())
                    if tensor.get_dtype() not in READABLE:
                        unusable.append(f"{name} is {tensor.get_dtype()}")
        except SafetensorError as error:
            raise ValueError(f"{part}: {path} is truncated or no safetensors file ({error}): copy it again") from None
    if unusable:
        raise ValueError(f"{part}: weights in {folder} must be {', '.join(READABLE)}: {listed(unusable)}")
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for group in _tied(model):  # stored once or more often
        if any(name in found for name in group):
            expected = {name: shape for name, shape in expected.items() if name not in group or name in found}
    wrong = compare(found, expected)
    if wrong:
        raise ValueError(f"{part}: the weights in {folder} are not those of its config.json: {listed(wrong)}")
    return sum(parameter.numel() for parameter in model.parameters())


def _tied(model: nn.Module) -> Iterable[set[str]]:
    groups: dict[int, set[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), set()).add(name)
    return [group for group in groups.values() if len(group) > 1]


def available_memory(device: torch.device) -> int:
    """Bytes that may still be taken on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available


def require_memory(parameters: dict[str, int], dtype: torch.dtype, device: torch.device) -> None:
    """ValueError, saying how much each part needs, where the weights alone do not fit the device.

    parameters: number per part. Room to compute comes on top of the weights.
    """
    bytes_of = {part: count * dtype.itemsize for part, count in parameters.items()}
    need, there = sum(bytes_of.values()), available_memory(device)
    if need > there:
        parts = ", ".join(f"{part} {size / GIB:.3g}" for part, size in bytes_of.items())
        raise ValueError(
            f"the weights need {need / GIB:.3g} GiB as {str(dtype).removeprefix('torch.')} ({parts}), and "
            f"room to compute besides; {device} has {there / GIB:.3g} GiB free: free some, or use another"
        )
