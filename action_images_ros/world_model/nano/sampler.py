"""Sampling: Euler steps from noise to the clean canvas, known latents clean at every step.

The model predicts the clean latents itself, so that a single step is a prediction, and measured as good as ten for
action images. Levels and noise are those of `schedule.py`, whatever runs the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..canvas import ACTION, VIDEO, Canvas
from ..schedule import SHIFT, noise, schedule
from . import pixel_latents

__all__ = ["coarse_frames", "generate", "predict_clean", "schedule", "whole_segments"]


def generate(
    model,
    known: Tensor,
    canvas: Canvas,
    rays: Tensor,
    text: Tensor,
    *,
    steps: int = 1,
    shift: float = SHIFT,
    seed: int | Sequence[int] = 0,
) -> tuple[Tensor | None, Tensor | None]:
    """Generate the unknown frames of a batch of canvases (inputs as in `NanoDenoiser.forward`).

    seed: of the noise, >= 0, one per canvas, so that a canvas does not depend on the rest of the batch; a single
    number stands for seed, seed + 1, ..
    Returns (video, action) latents of whole segments, known frames included: [B, V, 1 + k, 12, H, W] in [-1, 1], None
    where the mode generates none of that modality.
    """
    seeds = range(seed, seed + len(known)) if isinstance(seed, int) else seed
    if len(seeds) != len(known):
        raise ValueError(f"seed holds {len(seeds)} seeds for {len(known)} canvases: give one each, or one number")
    x = torch.from_numpy(noise(canvas, known.shape[-2:], seeds)).to(known.device)
    levels = schedule(steps, shift)
    for level, following in zip(levels[:-1], levels[1:], strict=True):
        video, action = predict_clean(model, known, x, level, canvas, rays, text)
        if following > 0:
            clean = coarse_frames(video, action, canvas)
            x = clean + (x - clean) * (following / level)
    return whole_segments(video, known, canvas, VIDEO), whole_segments(action, known, canvas, ACTION)


def predict_clean(
    model, known: Tensor, noised: Tensor, level: float | Tensor, canvas: Canvas, rays: Tensor, text: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """One call of the model at one noise level: clean (video, action) latents of the frames to generate, float32."""
    levels = level * torch.ones(noised.shape[:2], device=known.device)
    video, logits = model(known, noised, levels, canvas, rays, text)
    return None if video is None else video.float(), None if logits is None else _action_latents(logits.float())


def coarse_frames(video: Tensor | None, action: Tensor | None, canvas: Canvas) -> Tensor:
    """Generated frames of both modalities at the resolution of the diffusion, in canvas order: [B, n, 12, H/4, W/4]."""
    wanted = canvas.targets()
    clean = [None] * len(wanted)
    for modality, output in ((VIDEO, video), (ACTION, action)):
        if output is not None:
            small = pixel_latents.coarse(output)
            for i, f in enumerate(canvas.targets(modality)):
                clean[wanted.index(f)] = small[:, i]
    return torch.stack(clean, dim=1)


def _action_latents(logits: Tensor) -> Tensor:
    """Logits at half the resolution -> latents [B, n, 12, H, W] in [-1, 1]."""
    generated = torch.sigmoid(logits) * 2 - 1
    full = F.interpolate(generated.flatten(0, 1), scale_factor=2, mode="bilinear", align_corners=False)
    return full.unflatten(0, generated.shape[:2])


def whole_segments(generated: Tensor | None, known: Tensor, canvas: Canvas, modality: int) -> Tensor | None:
    """Known and generated frames of one modality in order: [B, V, 1 + k, 12, H, W]; None where none is generated."""
    if generated is None:
        return None
    wanted, given = canvas.targets(modality), canvas.conditioning
    views = [
        torch.stack([generated[:, wanted.index(f)] if f in wanted else known[:, given.index(f)] for f in frames], dim=1)
        for frames in canvas.frames(modality).tolist()
    ]
    return torch.stack(views, dim=1)
