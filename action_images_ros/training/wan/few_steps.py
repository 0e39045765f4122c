"""Few-step distillation: a LoRA whose few unguided Euler steps reproduce many guided steps of the teacher.

Phased consistency distillation. The trajectory from noise to image is cut into phases at the levels of the short
schedule. Inside a phase a point is moved by one small guided step of the teacher, and the student must predict the same
end of the phase from both points: ``x + (e - s) v(x, s)`` is the same before and after. The teacher is the same network
without its LoRA, the target is the student without gradient: one copy of 5 B weights is enough. Afterwards: the
settings ``steps`` = ``few_steps``, ``guidance`` = 1, ``solver`` = euler.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...world_model.canvas import Canvas
from ...world_model.nano.sampler import schedule

Velocity = Callable[[Tensor, float], Tensor]
"""(the canvas's latents [B, F, C, h, w], noise level) -> velocity of the same shape."""


def few_step_loss(
    student: Velocity,
    teacher: Velocity,
    clean: Tensor,
    canvas: Canvas,
    noise: Tensor,
    index: int,
    *,
    few_steps: int,
    fine: int,
    shift: float,
) -> Tensor:
    """Mean squared difference of the mean velocities to the phase's end, on the latents to predict.

    teacher: with guidance, without gradient. index: of the fine schedule, 0 to ``few_steps * fine`` - 1, one for the
    batch. fine: teacher's steps per phase.
    """
    if not 0 <= index < few_steps * fine:
        raise ValueError(f"index = {index}: give 0 to {few_steps * fine - 1}")
    levels, wanted = schedule(few_steps * fine, shift), canvas.targets()
    now, following, end = levels[index], levels[index + 1], levels[(index // fine + 1) * fine]
    x = clean.clone()
    x[:, wanted] = (1 - now) * clean[:, wanted] + now * noise[:, wanted]
    with torch.no_grad():
        moved = x.clone()
        moved[:, wanted] += (following - now) * teacher(x, now)[:, wanted]
        target = moved[:, wanted]
        if following > end:
            target = target + (end - following) * student(moved, following)[:, wanted]
    velocity = student(x, now)[:, wanted]
    return torch.nn.functional.mse_loss(velocity, (target - x[:, wanted]) / (end - now))
