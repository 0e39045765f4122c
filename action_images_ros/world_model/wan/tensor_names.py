"""Tensor names of the published checkpoint and ours (diffusers'), and the configuration that follows from the shapes.

The tensors themselves are the same: nothing is transposed, split or fused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch

from .denoiser import WanDenoiser

_TOP = {
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "patch_embedding": "patch_embedding",
    "head.head": "proj_out",
    "head.modulation": "scale_shift_table",
}
_BLOCK = {
    **{f"self_attn.{p}": f"attn1.{ours}" for p, ours in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"))},
    **{f"cross_attn.{p}": f"attn2.{ours}" for p, ours in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"))},
    "self_attn.o": "attn1.to_out.0",
    "cross_attn.o": "attn2.to_out.0",
    "self_attn.norm_q": "attn1.norm_q",
    "self_attn.norm_k": "attn1.norm_k",
    "cross_attn.norm_q": "attn2.norm_q",
    "cross_attn.norm_k": "attn2.norm_k",
    "norm3": "norm2",  # the affine norm before the cross-attention; the other two have no weights
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
    "modulation": "scale_shift_table",
    "cam_encoder.2": "cam_encoder",
    "projector": "projector",
}


def _translate(name: str, top: dict[str, str], block: dict[str, str]) -> str | None:
    inside = re.fullmatch(r"(blocks\.\d+\.)(.+)", name)
    start, rest, table = (inside[1], inside[2], block) if inside else ("", name, top)
    stem, dot, end = rest.rpartition(".")
    if end not in ("weight", "bias"):
        stem, dot, end = rest, "", ""
    return start + table[stem] + dot + end if stem in table else None


def from_published(name: str) -> str | None:
    """Our name of a published tensor; None where the published model has no such tensor."""
    return _translate(name, _TOP, _BLOCK)


def to_published(name: str) -> str:
    """The published name of one of our tensors; KeyError where it has none."""
    found = _translate(name, {ours: p for p, ours in _TOP.items()}, {ours: p for p, ours in _BLOCK.items()})
    if found is None:
        raise KeyError(f"{name!r} is no tensor of the denoiser")
    return found


def meta_denoiser(config: Mapping | None = None) -> WanDenoiser:
    """A denoiser without memory, of a configuration (default: the published one)."""
    with torch.device("meta"):
        return WanDenoiser.from_config(dict(config)) if config else WanDenoiser()


def published_manifest(config: Mapping | None = None) -> dict[str, tuple[int, ...]]:
    """Published name -> shape of every tensor of a configuration (default: the published one, 945 tensors)."""
    return {to_published(name): tuple(t.shape) for name, t in meta_denoiser(config).state_dict().items()}


def compare(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What is wrong with the found names and shapes, one line each; empty where they agree."""
    lines = [f"{n}: missing" for n in expected if n not in found]
    lines += [f"{n}: unknown" for n in found if n not in expected]
    both = (n for n in expected if n in found)
    return lines + [
        f"{n}: shape {list(found[n])} where {list(expected[n])} is wanted" for n in both if found[n] != expected[n]
    ]


def listed(lines: Iterable[str], most: int = 12) -> str:
    """Lines in one, the first ``most`` of them."""
    lines = list(lines)
    return "; ".join(lines[:most]) + (f"; and {len(lines) - most} more" if len(lines) > most else "")


def config_from_shapes(shapes: Mapping[str, tuple[int, ...]], head_dim: int = 128) -> dict:
    """The configuration that published tensors of these shapes belong to.

    head_dim: width of one attention head, the one value that shapes do not determine (128 in all Wan models). Raises
    ValueError where the shapes are those of another kind of model.
    """
    try:
        width, channels, *patch = shapes["patch_embedding.weight"]
        layers = 1 + max(int(m[1]) for m in (re.match(r"blocks\.(\d+)\.", n) for n in shapes) if m)
        config = {
            "patch_size": patch,
            "num_attention_heads": width // head_dim,
            "attention_head_dim": head_dim,
            "in_channels": channels,
            "out_channels": shapes["head.head.weight"][0] // (patch[0] * patch[1] * patch[2]),
            "text_dim": shapes["text_embedding.0.weight"][1],
            "freq_dim": shapes["time_embedding.0.weight"][1],
            "ffn_dim": shapes["blocks.0.ffn.0.weight"][0],
            "num_layers": layers,
        }
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(
            f"these tensors are not those of a Wan denoiser (missing: {error}); their names begin with "
            f"{', '.join(list(shapes)[:3]) or 'nothing'}"
        ) from None
    if width % head_dim:
        raise ValueError(f"width {width} is no multiple of head_dim = {head_dim}: give the model's")
    return config
