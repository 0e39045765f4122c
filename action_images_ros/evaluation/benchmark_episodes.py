"""One episode of a benchmark in the closed loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..control.executor import ChunkExecutor
from ..control.parameters import arm_parameters, make_executor
from ..environments.demonstrate import demonstrate
from ..environments.protocol import Environment
from ..environments.registry import Benchmark
from ..environments.rooms import Rooms
from ..metrics.operation import rms_jerk
from ..paths import share_path
from .chunk_sources import BlindSource, CodecReplaySource, ModelSource, ReplaySource
from .modes import MODES, check_choice
from .rollout import RolloutSettings, Source, roll_out

__all__ = ["IMAGE_SIZE", "Watch", "executor_of", "run_benchmark_episode"]

IMAGE_SIZE = (96, 96)
"""Of the replays; a model brings its own."""
OTHER_SCENE = 50_021
"""Blind control: seed s is shown the images of seed s + this."""


@dataclass
class Watch:
    """What is noted at every tick: tool positions, and every `picture_s` seconds the images (0: none)."""

    picture_s: float = 0.0
    positions: list[npt.NDArray[np.float64]] = field(default_factory=list)
    pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def __call__(self, environment: Environment) -> None:
        """Called after every tick."""
        self.positions.append(environment.tcp_pose[:3].copy())
        if self.picture_s and environment.time_ns * 1e-9 >= len(self.pictures) * self.picture_s:
            self.pictures.append(environment.render())


def executor_of(benchmark: Benchmark, period_s: float) -> ChunkExecutor:
    """A fresh executor with the benchmark's parameters; period_s: of the environment's control."""
    parameters = arm_parameters([Path(share_path(name)) for name in benchmark.parameter_files])
    return make_executor(parameters, period_s=period_s)


def run_benchmark_episode(
    benchmark: Benchmark,
    rooms: Rooms,
    task: str,
    seed: int,
    mode: str,
    settings: RolloutSettings,
    *,
    model: Any = None,
    steps: int | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """One episode's row. mode: one of MODES; model: a policy, for "policy" and "blind", with its sampling steps."""
    check_choice("mode", mode, MODES)
    size = IMAGE_SIZE if model is None else model.card.image_size
    environment = rooms.environment(benchmark, task, size)
    source = _source(benchmark, rooms, environment, seed, mode, model, steps)
    environment.reset(seed)
    watch = watch or Watch()
    result = roll_out(environment, source, executor_of(benchmark, environment.control_period), settings, on_tick=watch)
    jerk = rms_jerk(watch.positions, environment.control_period) if watch.positions else float("nan")
    return {
        "task": task,
        "group": benchmark.group_of.get(task, ""),
        "seed": seed,
        "condition": "nominal",
        "success": result.success,
        "wrong_object": result.wrong_object,
        "steps": result.steps,
        "seconds": round(result.seconds, 4),
        "chunks": result.chunks,
        "rejected": result.rejected,
        "hold_seconds": round(result.hold_seconds, 3),
        "last_rejection": result.last_reason,
        "chunk_seconds": round(sum(source.seconds) / len(source.seconds), 4) if source.seconds else 0.0,
        "jerk_rms_m_s3": round(jerk, 3) if np.isfinite(jerk) else None,
        "sum_reward": round(float(getattr(environment, "sum_reward", 0.0)), 3),
        "max_reward": round(float(getattr(environment, "max_reward", 0.0)), 3),
        "instruction": environment.instruction,
        "cameras": list(environment.camera_names),
    } | ({"expert_succeeded": source.expert_succeeded} if isinstance(source, ReplaySource) else {})


def _source(
    benchmark: Benchmark, rooms: Rooms, environment: Environment, seed: int, mode: str, model: Any, steps: int | None
) -> Source:
    views = tuple(range(len(environment.camera_names)))
    if mode in ("replay", "replay-codec"):
        episode = demonstrate(environment, seed, dt=benchmark.dt_s, images=False)
        tool = environment.robot_tool_from_model_tool
        if mode == "replay":
            return ReplaySource(episode, tool)
        return CodecReplaySource(episode, tool, views, environment.image_size)
    if mode == "policy":
        return ModelSource(model, views, seed, steps)
    other = rooms.environment(benchmark, environment.task, environment.image_size, "other")
    other.reset(seed + OTHER_SCENE)
    return BlindSource(model, views, other, seed, steps)
