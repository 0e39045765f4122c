"""Solvers of the flow's differential equation: Euler as published, and two of higher order from diffusers."""

from __future__ import annotations

import torch
from torch import Tensor

from ..nano.sampler import schedule


class Solver:
    """The noise levels of a run, and ``step``, which goes from one to the next.

    name: euler, unipc or dpm++ (both of second order). All three visit the same levels
    ``s = shift s' / (1 + (shift - 1) s')``, s' from 1 down in equal steps: what the weights were trained on.
    """

    def __init__(self, name: str, steps: int, shift: float):
        self.levels = schedule(steps, shift)
        self._scheduler = None if name == "euler" else _scheduler(name, steps, shift, self.levels)
        self._at = 0

    def step(self, velocity: Tensor, x: Tensor) -> Tensor:
        """x at the next level; call once per level, in order. velocity: ``noise - clean`` at x and this level."""
        at, self._at = self._at, self._at + 1
        if self._scheduler is None:
            return x + (self.levels[at + 1] - self.levels[at]) * velocity
        now = self._scheduler.timesteps[at]
        return self._scheduler.step(velocity, now, x, return_dict=False)[0]


def _scheduler(name: str, steps: int, shift: float, levels: list[float]):
    from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler

    kind = {"unipc": UniPCMultistepScheduler, "dpm++": DPMSolverMultistepScheduler}[name]
    scheduler = kind(
        solver_order=2,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=shift,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    # The library's own levels begin a little below 1 and end elsewhere; at exactly 1 its logarithms are infinite.
    sigmas = torch.tensor([min(levels[0], 1 - 1e-6), *levels[1:]], dtype=torch.float32)
    scheduler.sigmas, scheduler.timesteps = sigmas, 1000 * sigmas[:-1]
    scheduler.num_inference_steps = steps
    return scheduler
