"""One closed-loop episode in the simulated cell: the policy, the blind baseline, or the two ceilings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..cell.cell import ROBOT_TOOL_FROM_MODEL_TOOL, Cell
from ..cell.demonstrate import demonstrate
from ..cell.scene.conditions import NOMINAL, Condition, find_condition
from ..control.chunk_check import ChunkCheck
from ..control.parameters import arm_parameters, make_executor
from ..control.settings import RobotSettings
from ..data.episode import Episode
from ..metrics.operation import rms_jerk
from ..policy.protocol import Policy
from ..robot_model.load import load_check
from .chunk_sources import BlindSource, CodecReplaySource, ModelSource, ReplaySource, draw_views
from .modes import MODEL_MODES, MODES, check_choice, loaded_policy
from .rollout import Rollout, RolloutSettings, Source, roll_out
from .self_calibration import SelfCalibratingSource, calibrate_cell, summary_of, tick_of, use_result

__all__ = ["ROBOT_LIMITS", "EpisodeJob", "run_episode", "run_job"]

ROBOT_LIMITS = ("on", "off")
CAMERAS = 3
_OTHER_SCENE = 1_000_003  # blind baseline: seed s gets images of the scene of seed s + this


@dataclass(frozen=True)
class EpisodeJob:
    """One episode as a worker process receives it; fields as the arguments of `evaluate`."""

    task: str
    seed: int
    mode: str
    model: str
    settings: RolloutSettings
    threads: int | None
    runtime: str
    steps: int | None
    condition: str
    self_calibration: str
    robot_limits: str


@cache
def _cell_check() -> ChunkCheck:
    """The check of the cell's arm, as its parameter files say; loaded once per process."""
    return load_check(RobotSettings.of(arm_parameters()))


def run_job(job: EpisodeJob) -> dict:
    """The row of an episode; the policy is loaded once per process."""
    model = loaded_policy(job.model, job.runtime, job.threads) if job.mode in MODEL_MODES else None
    return run_episode(
        job.task,
        job.seed,
        job.mode,
        job.settings,
        model,
        job.steps,
        find_condition(job.condition),
        job.self_calibration,
        job.robot_limits,
    )


def run_episode(
    task: str,
    seed: int,
    mode: str,
    settings: RolloutSettings,
    model: Policy | None = None,
    steps: int | None = None,
    condition: Condition = NOMINAL,
    self_calibration: str = "off",
    robot_limits: str = "on",
) -> dict:
    """Run one episode; returns its row.

    mode: one of MODES; model: the policy of "policy" and "blind", with its sampling steps. self_calibration: one of
    SELF_CALIBRATION, for "policy"; robot_limits: one of ROBOT_LIMITS. Raises ValueError for another mode.
    """
    check_choice("mode", mode, MODES)
    with ExitStack() as stack:
        cell = stack.enter_context(Cell(task, seed, cameras=CAMERAS, condition=condition))
        views = draw_views(seed, len(cell.camera_names), condition.views)
        calibrated = None
        if mode == "policy" and self_calibration == "before":
            calibrated = calibrate_cell(model, task, seed, condition, views, CAMERAS)
            use_result(cell, views, calibrated)
        source = stack.enter_context(_source(mode, cell, views, model, steps, self_calibration == "online"))
        positions: list[np.ndarray] = []
        happens = tick_of(cell, seed, views, source)

        def on_tick(now: Cell) -> None:
            positions.append(now.tcp_pose[:3].copy())
            if happens is not None:
                happens(now)

        check = _cell_check() if robot_limits == "on" else None
        executor = make_executor(period_s=cell.control_period, check=check)
        result = roll_out(cell, source, executor, settings, on_tick=on_tick)
        jerk = rms_jerk(positions, cell.control_period) if positions else float("nan")
        return {
            **_row(cell, views, source, result),
            "jerk_rms_m_s3": round(jerk, 3) if np.isfinite(jerk) else None,
            **summary_of(calibrated, source),
        }


@contextmanager
def _source(
    mode: str, cell: Cell, views: tuple[int, ...], model: Policy | None, steps: int | None, self_calibrating: bool
) -> Iterator[Source]:
    """The source of chunks of a mode, for the seed, condition and views of the cell."""
    if mode == "replay":
        yield ReplaySource(_expert_episode(cell), ROBOT_TOOL_FROM_MODEL_TOOL)
    elif mode == "replay-codec":
        yield CodecReplaySource(_expert_episode(cell), ROBOT_TOOL_FROM_MODEL_TOOL, views)
    elif model is None:
        raise ValueError(f"model is None and mode {mode!r}; give a policy")
    elif mode == "policy":
        kind = SelfCalibratingSource if self_calibrating else ModelSource
        yield kind(model, views, cell.seed, steps)
    else:
        with Cell(cell.task, cell.seed + _OTHER_SCENE, cameras=CAMERAS, condition=cell.condition) as other:
            yield BlindSource(model, views, other, cell.seed, steps)


def _expert_episode(cell: Cell) -> Episode:
    """The expert's motion in a cell of the same task and seed, without images."""
    return demonstrate(cell.task, cell.seed, size=(16, 16), images=False)


def _row(cell: Cell, views: tuple[int, ...], source: Source, result: Rollout) -> dict:
    """The row of an episode: task, seed and condition, what happened, what the policy was given."""
    return {
        "task": cell.task,
        "seed": cell.seed,
        "condition": cell.condition.name,
        "success": result.success,
        "wrong_object": result.wrong_object,
        "steps": result.steps,
        "chunk_seconds": round(sum(source.seconds) / len(source.seconds), 4) if source.seconds else 0.0,
        "seconds": round(result.seconds, 2),
        "chunks": result.chunks,
        "rejected": result.rejected,
        "limited": result.limited,
        "slowed": result.slowed,
        "hold_seconds": round(result.hold_seconds, 2),
        "last_rejection": result.last_reason,
        "instruction": cell.instruction,
        "cameras": [cell.camera_names[view] for view in views],
    }
