"""Estimate of the GPU memory of a fine-tuning run, from the model built without memory.

Weights, gradients and optimiser states are counted; activations are estimated from the shapes, and the autoencoder at
work is measured from nothing: `ENCODING` and `CONTEXT` are allowances, not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...policy.card import ModelCard
from ...world_model.canvas import build_canvas
from ...world_model.wan.tensor_names import meta_denoiser
from .finetune import LORA_LAYERS
from .settings import FinetuneSettings

GIB = 2**30
ENCODING = 4.0
"""GiB for the autoencoder's activations while it encodes one segment (it is done before the denoiser begins)."""
CONTEXT = 1.5
"""GiB for the CUDA context, libraries' workspaces and fragmentation."""
AUTOENCODER_PARAMETERS = 704_688_668


@dataclass(frozen=True)
class Plan:
    """GiB per GPU of one run; ``fits``: below ``capacity``."""

    name: str
    gpus: int
    capacity: float
    trained: int
    weights: float
    gradients: float
    optimiser: float
    activations: float
    autoencoder: float

    @property
    def total(self) -> float:
        peak = max(self.activations, ENCODING)
        return self.weights + self.gradients + self.optimiser + peak + self.autoencoder + CONTEXT

    @property
    def fits(self) -> bool:
        return self.total < self.capacity


def memory_plan(
    settings: FinetuneSettings,
    card: ModelCard,
    *,
    gpus: int = 1,
    capacity: float = 80.0,
    views: int = 2,
    config: dict | None = None,
    name: str = "",
) -> Plan:
    """The plan of a run on the largest canvas of its mix (policy alone: the short one).

    config: of another denoiser than the published. capacity: GiB per GPU.

    More than one GPU: everything trained is sharded (FSDP), one block is whole at a time.
    """
    model = meta_denoiser(config)
    total = sum(p.numel() for p in model.parameters())
    block = sum(p.numel() for p in model.blocks[0].parameters())
    lora = sum(
        settings.rank * (m.in_features + m.out_features)
        for n, m in model.named_modules()
        if hasattr(m, "in_features") and n.startswith("blocks.") and n.endswith(LORA_LAYERS)
    )
    full = settings.method == "full"
    trained = total if full else lora
    number = 4 if settings.weights == "float32" else 2
    frozen = 0 if full else 2 * total
    states = 8 if settings.optimiser == "adamw" else 2
    if settings.weights == "bfloat16" and settings.optimiser == "adamw":
        states = 4
    whole = 2 * block * 2 if gpus > 1 else 0  # the block at work and the next, in bfloat16
    cast = 2 * block if full and settings.weights == "float32" else 0
    return Plan(
        name,
        gpus,
        capacity,
        trained,
        (number * trained + frozen) / gpus / GIB + (whole + cast) / GIB,
        number * trained / gpus / GIB,
        states * trained / gpus / GIB,
        activation_bytes(settings, card, views, model) / GIB,
        2 * AUTOENCODER_PARAMETERS / GIB,
    )


def activation_bytes(settings: FinetuneSettings, card: ModelCard, views: int, model) -> float:
    """With checkpointing: the input of every block, and one block's inside. Without: the inside of all of them."""
    short = settings.policy == 1 and settings.video == 0
    frames = build_canvas("policy" if short else "joint", views, card.frames).length
    height, width = (side // 32 for side in card.image_size)
    tokens = settings.batch_size * frames * height * width
    c = model.config
    dim = c.num_attention_heads * c.attention_head_dim
    # Per token and block: norms and modulation in float32 (about 12 values of 4 bytes), q, k, v, attention's output,
    # its projections and residuals in bfloat16 (about 20), the feed-forward's inner layer before and after GELU.
    inside = tokens * (12 * 4 * dim + 20 * 2 * dim + 2 * 2 * c.ffn_dim)
    if settings.checkpointing:
        return tokens * dim * 2 * c.num_layers + 2 * inside  # twice: values and their gradients
    return (c.num_layers + 1) * inside


def standard_plans(card: ModelCard, settings: FinetuneSettings | None = None) -> list[Plan]:
    """The plans for one card of 24 GB, one of 80 GB and eight of 80 GB."""
    base = settings or FinetuneSettings()
    lora, full = replace(base, method="lora"), replace(base, method="full")
    small = replace(full, weights="bfloat16", optimiser="adamw8bit")
    rows = [
        ("LoRA", lora, 1, 24.0),
        ("LoRA, policy mode only", replace(lora, policy=1.0, video=0.0), 1, 24.0),
        ("LoRA, batch 4", replace(lora, batch_size=4), 1, 80.0),
        ("full, float32 AdamW", full, 1, 80.0),
        ("full, bfloat16, 8-bit AdamW", small, 1, 80.0),
        ("full, float32 AdamW, FSDP", full, 8, 80.0),
        ("full, float32 AdamW, FSDP, batch 4", replace(full, batch_size=4), 8, 80.0),
    ]
    return [
        memory_plan(s, card, gpus=gpus, capacity=capacity * 1e9 / GIB, name=f"{name}, {gpus} x {capacity:g} GB")
        for name, s, gpus, capacity in rows
    ]
