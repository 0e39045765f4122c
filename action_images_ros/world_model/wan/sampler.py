"""Euler steps along the velocity, from noise to the clean canvas, with guidance; known latents clean at every step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from action_images_ros.world_model.canvas import Canvas
from action_images_ros.world_model.sampler import schedule
from action_images_ros.world_model.wan.conventions import guide, timestep


def generate(
    denoiser,
    known: Tensor,
    canvas: Canvas,
    camera: Tensor,
    text: Tensor,
    without_text: Tensor | None = None,
    *,
    steps: int,
    shift: float,
    guidance: float,
    seed: int = 0,
    after_step: Callable[[], None] = lambda: None,
) -> Tensor:
    """The whole canvas, float32 [F, C, h, w]: ``known`` where it is given, generated elsewhere.

    known: latents at ``canvas.given`` [n, C, h, w]. camera: latents along the canvas [F, 2 C, h, w]. text and
    without_text: [1, L, D]; the second is for guidance and not read where guidance is 1. The noise depends on the seed
    alone, not on the device.
    """
    noise = torch.randn((canvas.length, *known.shape[1:]), generator=torch.Generator().manual_seed(seed))
    x = noise.to(known.device, torch.float32)
    x[canvas.given] = known.float()
    wanted = canvas.wanted()
    kind = text.dtype
    camera = camera[None].to(kind)

    def velocity(states: Tensor, level: float) -> Tensor:
        now = torch.full((1,), timestep(level), device=x.device, dtype=torch.float32)
        return denoiser(x.transpose(0, 1)[None].to(kind), now, states, camera)[0].transpose(0, 1).float()

    levels = schedule(steps, shift)
    for level, following in zip(levels[:-1], levels[1:], strict=True):
        v = velocity(text, level)
        if guidance != 1:
            v = guide(velocity(without_text, level), v, guidance)
        x[wanted] += (following - level) * v[wanted]
        after_step()
    return x
