"""DAgger corrections: demonstrations of the expert that start in states a policy has led the arm to.

A policy trained on the expert's own trajectories fails in states that these never visit: fingers lowered behind the
front of the drawer, for example. Training on corrections covers such states (dataset aggregation: Ross, Gordon,
Bagnell 2011, arXiv 1011.0686).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..cell.cell import Cell
from ..cell.demonstrate import demonstrate
from ..control.parameters import make_executor
from ..data.episode import Episode
from .chunk_sources import ModelSource, draw_views
from .rollout import RolloutSettings, roll_out

__all__ = ["Corrections"]

LED_SECONDS = (0.8, 6.0)
"""How long the model leads, at least and at most; simulated. The longest are mostly states that it is stuck in."""


@lru_cache(maxsize=1)
def _loaded(model: str):
    from ..policy.registry import load_policy

    return load_policy(model, threads=1)


@dataclass(frozen=True)
class Corrections:
    """Records like `demonstrate`, after the model (name or folder) has led the arm for a random while.

    Where the model succeeds in that time there is nothing to correct, and the episode counts as a failed attempt.
    """

    model: str

    def __call__(self, task: str, seed: int, **options) -> Episode:
        led = _Led(_loaded(self.model), seed)
        episode = demonstrate(task, seed, before=led, **options)
        episode.success &= not led.succeeded
        return episode


class _Led:
    """Lets the model control the cell it is called with."""

    def __init__(self, model, seed: int) -> None:
        self.model, self.seed, self.succeeded = model, seed, False

    def __call__(self, cell: Cell) -> None:
        seconds = np.random.default_rng([self.seed, 0x1ED]).uniform(*LED_SECONDS)
        source = ModelSource(self.model, draw_views(self.seed, len(cell.camera_names)), self.seed)
        executor = make_executor(period_s=cell.control_period)
        self.succeeded = roll_out(cell, source, executor, RolloutSettings(time_limit=seconds)).success
