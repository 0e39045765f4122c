"""Objective of the published training: mix of modes, one noise level per batch, weighted flow matching."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...world_model.canvas import VIDEO, Canvas, build_canvas
from ...world_model.nano.sampler import schedule
from ...world_model.wan.conventions import TRAIN_TIMESTEPS, timestep
from .settings import FinetuneSettings

VIEW0 = "view0"
"""The joint canvas with the whole video of view 0 known."""


def draw_mode(rng: np.random.Generator, settings: FinetuneSettings) -> str:
    """video with its share; of the rest, policy with its share; of that rest label and view0, else joint."""
    if rng.random() < settings.video:
        return "video"
    if rng.random() < settings.policy:
        return "policy"
    chance = rng.random()
    if chance < settings.label:
        return "label"
    return VIEW0 if chance < settings.label + settings.view0 else "joint"


@lru_cache(maxsize=16)
def training_canvas(mode: str, views: int, frames: int) -> Canvas:
    """The canvas of a training mode: those of `build_canvas`, and "view0"."""
    if mode != VIEW0:
        return build_canvas(mode, views, frames)
    joint = build_canvas("joint", views, frames)
    known = joint.known | ((joint.view == 0) & (joint.modality == VIDEO))
    segments = tuple(replace(s, known=s.length) if (s.view, s.modality) == (0, VIDEO) else s for s in joint.segments)
    return replace(joint, known=known, segments=segments)


@lru_cache(maxsize=4)
def noise_levels(shift: float) -> tuple[np.ndarray, np.ndarray]:
    """(levels, weights) of the 1000 training timesteps, [1000] each.

    Weights are bell-shaped, ``exp(-2 (s - 1/2)^2)`` less its smallest value, and have mean 1.
    """
    levels = np.array(schedule(TRAIN_TIMESTEPS, shift)[:-1])
    bell = np.exp(-2 * (levels - 0.5) ** 2)
    bell -= bell.min()
    return levels, bell / bell.mean()


def flow_loss(
    denoiser, clean: Tensor, canvas: Canvas, camera: Tensor, text: Tensor, index: int, noise: Tensor, shift: float = 5.0
) -> Tensor:
    """Weighted mean squared error of the velocity ``noise - clean`` on the latents to predict.

    clean, noise: the whole canvas [B, F, C, h, w]; known latents stay clean. camera: [B, F, 2 C, h, w]. text:
    [B, L, D]. index: of the training timestep, 0 to 999, one for the batch.
    """
    levels, weights = noise_levels(shift)
    level, wanted = float(levels[index]), canvas.targets()
    x = clean.clone()
    x[:, wanted] = (1 - level) * clean[:, wanted] + level * noise[:, wanted]
    now = torch.full((len(x),), timestep(level), device=x.device, dtype=torch.float32)
    kind = text.dtype
    velocity = denoiser(x.transpose(1, 2).to(kind), now, text, camera.to(kind)).transpose(1, 2)[:, wanted].float()
    return float(weights[index]) * torch.nn.functional.mse_loss(velocity, (noise - clean)[:, wanted])
