"""Sampling: Euler steps from noise to the clean canvas, known latents clean at every step.

``x_s = (1 - s) z + s n`` with the shifted schedule ``s = shift s' / (1 + (shift - 1) s')``. The model predicts z
itself, so that a single step is a prediction, and measured as good as ten for action images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, VIDEO, Canvas


def schedule(steps: int, shift: float) -> list[float]:
    """Noise levels from 1 down to 0, [steps + 1]."""
    if steps < 1:
        raise ValueError(f"steps = {steps}: sampling needs at least one step")
    raw = [1 - i / steps for i in range(steps + 1)]
    return [shift * s / (1 + (shift - 1) * s) for s in raw]


def generate(
    model,
    known: Tensor,
    canvas: Canvas,
    rays: Tensor,
    text: Tensor,
    *,
    steps: int = 1,
    shift: float = 5.0,
    seed: int | Sequence[int] = 0,
) -> tuple[Tensor | None, Tensor | None]:
    """Generate the unknown frames of a batch of canvases (inputs as in `NanoDenoiser.forward`).

    seed: of the noise, one per canvas, so that a canvas is painted alike whatever else is in the batch; a single
    number stands for seed, seed + 1, ..
    Returns (video, action) latents of whole segments, known frames included: [B, V, 1 + k, 12, H, W] in [-1, 1], None
    where the mode generates none of that modality.
    """
    wanted = canvas.wanted()
    coarse = (known.shape[-2] // pixel_latents.COARSE, known.shape[-1] // pixel_latents.COARSE)
    seeds = range(seed, seed + len(known)) if isinstance(seed, int) else seed
    if len(seeds) != len(known):
        raise ValueError(f"seed holds {len(seeds)} seeds for {len(known)} canvases: give one each, or one number")
    x = torch.stack([_noise(s, (len(wanted), pixel_latents.CHANNELS, *coarse)) for s in seeds]).to(known.device)
    levels = schedule(steps, shift)
    for s, following in zip(levels[:-1], levels[1:], strict=True):
        level = torch.full((len(known), len(wanted)), s, device=known.device)
        video, logits = model(known, x, level, canvas, rays, text)
        if following == 0:
            break
        clean = [None] * len(wanted)
        for modality, output in ((VIDEO, video), (ACTION, logits)):
            if output is not None:
                small = pixel_latents.coarse(output if modality == VIDEO else _action_latents(output.float()))
                for i, f in enumerate(canvas.wanted(modality)):
                    clean[wanted.index(f)] = small[:, i]
        z = torch.stack(clean, dim=1).to(x.dtype)
        x = z + (x - z) * (following / s)
    action = None if logits is None else _action_latents(logits.float())
    return (
        None if video is None else _segments(video.float(), known, canvas, VIDEO),
        None if action is None else _segments(action, known, canvas, ACTION),
    )


def _noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator(device="cpu").manual_seed(int(seed)))


def _action_latents(logits: Tensor) -> Tensor:
    """Logits at half the resolution -> latents [B, n, 12, H, W] in [-1, 1]."""
    painted = torch.sigmoid(logits) * 2 - 1
    full = F.interpolate(painted.flatten(0, 1), scale_factor=2, mode="bilinear", align_corners=False)
    return full.unflatten(0, painted.shape[:2])


def _segments(generated: Tensor, known: Tensor, canvas: Canvas, modality: int) -> Tensor:
    """Known and generated frames of one modality in order: [B, V, 1 + k, 12, H, W]."""
    wanted, given = canvas.wanted(modality), canvas.given
    views = [
        torch.stack(
            [generated[:, wanted.index(f)] if f in wanted else known[:, given.index(f)] for f in frames], dim=1
        )
        for frames in canvas.frames(modality).tolist()
    ]
    return torch.stack(views, dim=1)
