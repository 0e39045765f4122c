"""DAgger corrections on a benchmark: the model leads the tool for a while, then the expert is recorded from there.

Dataset aggregation: Ross, Gordon, Bagnell 2011, arXiv 1011.0686.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..environments.protocol import Environment
from ..environments.registry import Benchmark
from .benchmark_episodes import executor_of
from .chunk_sources import ModelSource
from .rollout import RolloutSettings, roll_out

__all__ = ["Lead"]

LED_S = (0.2, 3.0)
"""How long the model leads, at least and at most; simulated. An expert needs 0.5 to 2 s for a task."""


@lru_cache(maxsize=1)
def _loaded(model: str) -> Any:
    from ..policy.registry import load_policy

    return load_policy(model, threads=1)


@dataclass(frozen=True)
class Lead:
    """Let the model (folder) lead; nothing is recorded where it succeeds in that time."""

    model: str

    def __call__(self, environment: Environment, benchmark: Benchmark) -> bool:
        model = _loaded(self.model)
        benchmark.check_dt(model.card.name, model.card.dt)
        seconds = float(np.random.default_rng([environment.seed, 0x1ED]).uniform(*LED_S))
        source = ModelSource(model, tuple(range(len(environment.camera_names))), environment.seed)
        settings = replace(RolloutSettings(), time_limit=seconds)
        return not roll_out(environment, source, executor_of(benchmark, environment.control_period), settings).success
