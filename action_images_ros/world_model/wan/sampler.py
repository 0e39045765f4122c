"""Steps along the velocity, from noise to the clean canvas, with guidance; known latents clean at every step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor

from ..canvas import Canvas
from .conventions import guide, timestep
from .solvers import Solver


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
    solver: str = "euler",
    seed: int = 0,
    after_step: Callable[[], None] = lambda: None,
) -> Tensor:
    """The whole canvas, float32 [F, C, h, w]: ``known`` where it is given, generated elsewhere.

    known: latents at ``canvas.conditioning`` [n, C, h, w]. camera: latents along the canvas [F, 2 C, h, w]. text and
    without_text: [1, L, D]; the second is for guidance and not read where guidance is 1. The noise depends on the seed
    alone, not on the device.
    """
    noise = torch.randn((canvas.length, *known.shape[1:]), generator=torch.Generator().manual_seed(seed))
    x = noise.to(known.device, torch.float32)
    x[canvas.conditioning] = known.float()
    wanted = canvas.targets()
    kind = text.dtype
    camera = camera[None].to(kind)

    named = getattr(denoiser, "cache_context", lambda name: nullcontext())  # what is cached belongs to one of the texts

    def velocity(states: Tensor, level: float, name: str) -> Tensor:
        now = torch.full((1,), timestep(level), device=x.device, dtype=torch.float32)
        with named(name):
            return denoiser(x.transpose(0, 1)[None].to(kind), now, states, camera)[0].transpose(0, 1).float()

    run = Solver(solver, steps, shift)
    for level in run.levels[:-1]:
        v = velocity(text, level, "cond")
        if guidance != 1:
            v = guide(velocity(without_text, level, "uncond"), v, guidance)
        x[wanted] = run.step(v[wanted], x[wanted])
        after_step()
    return x
