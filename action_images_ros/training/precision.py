"""Precision and compilation of the forward pass, as in the recipe where the machine supports it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from .config import TrainConfig

__all__ = ["compiled_on", "computing", "precision_on"]


def precision_on(device: torch.device, config: TrainConfig) -> str:
    """The recipe's precision; float32 on a processor that could only emulate bfloat16 (AVX2: ten times slower)."""
    if config.precision == "bfloat16" and device.type == "cpu" and not _bfloat16_instructions():
        return "float32"
    return config.precision


def compiled_on(device: torch.device, config: TrainConfig) -> bool:
    """Whether the recipe's blocks are compiled: not on a processor without the C++ compiler that torch would call."""
    return config.compile and (device.type != "cpu" or shutil.which(os.environ.get("CXX", "g++")) is not None)


@contextmanager
def computing(device: torch.device, config: TrainConfig) -> Iterator[None]:
    """Around a forward pass: autocast to `precision_on` the device, and attention as is quickest to train there."""
    with ExitStack() as stack:
        stack.enter_context(
            torch.autocast(device.type, torch.bfloat16, enabled=precision_on(device, config) == "bfloat16")
        )
        if device.type == "cpu":
            stack.enter_context(_plain_attention())
        yield


def _bfloat16_instructions() -> bool:
    """Whether the processor multiplies bfloat16 (avx512_bf16, amx_bf16; bf16 or sve_bf16 on ARM)."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older releases of torch
    return any(there for name, there in capabilities.items() if name.endswith("bf16"))


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention by plain matrix products in the precision at hand: for a few hundred tokens on a CPU they take a third
    of the time of the fused kernel's backward pass (measured: 0.25 s of the 1.1 s of a step)."""
    reduced = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(reduced)
