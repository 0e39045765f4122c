"""Comparison of the denoiser with another implementation, from a file with weights, inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from .denoiser import WanDenoiser
from .tensor_names import compare, config_from_shapes, from_published, listed, published_manifest

INPUTS = ("input.latents", "input.timestep", "input.text", "input.camera")
OUTPUT = "output.velocity"


@dataclass(frozen=True)
class Comparison:
    """error: largest absolute difference. scale: largest absolute reference value."""

    error: float
    scale: float
    parameters: int


def verify_denoiser(file: Path, *, head_dim: int = 128) -> Comparison:
    """Run the denoiser in float32 on a reference file and compare.

    file: safetensors with `weights.<published name>`, `input.latents` [B, 48, F, h, w], `input.timestep` [B],
    `input.text` [B, L, D], `input.camera` [B, F, 96, h, w] and `output.velocity` [B, 48, F, h, w]. head_dim: width of
    one attention head. Raises FileNotFoundError and ValueError with what is wrong with the file.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file} is no file: give a safetensors file with weights, inputs and output")
    try:
        with safe_open(file, framework="pt") as reference:
            tensors = {name: reference.get_tensor(name).float() for name in reference.keys()}
    except SafetensorError as error:
        raise ValueError(f"{file} is truncated or no safetensors file ({error}): copy it again") from None
    weights = {n.removeprefix("weights."): tensors.pop(n) for n in list(tensors) if n.startswith("weights.")}
    missing = [name for name in (*INPUTS, OUTPUT) if name not in tensors]
    if missing or not weights:
        raise ValueError(f"{file} lacks {listed(missing or ['weights.*'])}: see docs/wan.md for what it must hold")
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    config = config_from_shapes(shapes, head_dim)
    wrong = compare(shapes, published_manifest(config))
    if wrong:
        raise ValueError(f"the weights in {file} are not the published ones: {listed(wrong)}")
    denoiser = WanDenoiser.from_config(config)
    denoiser.load_state_dict({from_published(name): tensor for name, tensor in weights.items()})
    with torch.inference_mode():
        velocity = denoiser.eval()(*(tensors[name] for name in INPUTS))
    wanted = tensors[OUTPUT]
    if velocity.shape != wanted.shape:
        raise ValueError(f"{OUTPUT} in {file} is {list(wanted.shape)}, computed was {list(velocity.shape)}")
    count = sum(parameter.numel() for parameter in denoiser.parameters())
    return Comparison(float((velocity - wanted).abs().max()), float(wanted.abs().max()), count)
