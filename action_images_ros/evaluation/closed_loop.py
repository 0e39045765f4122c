"""Success rates over seeds: the model, its blind control, and the two ceilings, all through the same executor.

Seed s means the same scene, cameras and wording in every mode and for every model, and under a condition the same but
for what that changes, so rows pair up (see `pairs`).
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from ..cell.cell import ROBOT_TOOL_FROM_MODEL_TOOL, Cell
from ..cell.demonstrate import demonstrate
from ..cell.scene.conditions import NOMINAL, Condition, find_condition
from ..cell.workers import in_workers
from ..control.chunk_check import ChunkCheck
from ..control.parameters import arm_parameters, make_executor
from ..control.settings import RobotSettings
from ..data.episode import Episode
from ..metrics.intervals import wilson
from ..metrics.operation import operation_figures, rms_jerk
from ..metrics.paired import ALL, against_nominal
from ..policy.protocol import Policy
from ..policy.registry import RUNTIMES
from ..robot_model.load import load_check
from ..safe_files import write_text
from .chunk_sources import BlindSource, CodecReplaySource, ModelSource, ReplaySource, draw_views
from .rollout import RolloutSettings, Source, roll_out
from .self_calibration import SELF_CALIBRATION, SelfCalibratingSource, calibrate_cell, summary_of, tick_of, use_result

__all__ = ["MODES", "ROBOT_LIMITS", "evaluate", "run_episode", "summarise", "write_result"]

ROBOT_LIMITS = ("on", "off")
MODES = ("policy", "blind", "replay", "replay-codec")
CAMERAS = 3
_OTHER_SCENE = 1_000_003  # blind control: seed s is shown the scene of seed s + this


@dataclass(frozen=True)
class _Job:
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


_models: dict[tuple[str, str, int | None], Policy] = {}


def _model(name: str, runtime: str, threads: int | None):
    """The model, loaded once per process."""
    key = (name, runtime, threads)
    if key not in _models:
        from ..policy.registry import load_policy

        _models[key] = load_policy(name, runtime=runtime, threads=threads)
    return _models[key]


@cache
def _cell_check() -> ChunkCheck:
    """The check of the cell's arm, as its parameter files say; loaded once per process."""
    return load_check(RobotSettings.of(arm_parameters()))


def run_episode(
    task: str,
    seed: int,
    mode: str,
    settings: RolloutSettings,
    model=None,
    steps: int | None = None,
    condition: Condition = NOMINAL,
    self_calibration: str = "off",
    robot_limits: str = "on",
) -> dict:
    """One episode's row. mode: one of MODES; model: a WorldModel, for "policy" and "blind", with its sampling steps.
    self_calibration: one of SELF_CALIBRATION, for "policy"; robot_limits: one of ROBOT_LIMITS."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join(MODES)}")
    other = calibrated = None
    with Cell(task, seed, cameras=CAMERAS, condition=condition) as cell:
        views = draw_views(seed, len(cell.camera_names), condition.views)
        source: Source
        if mode == "replay":
            source = ReplaySource(_expert_episode(task, seed), ROBOT_TOOL_FROM_MODEL_TOOL)
        elif mode == "replay-codec":
            source = CodecReplaySource(_expert_episode(task, seed), ROBOT_TOOL_FROM_MODEL_TOOL, views)
        elif mode == "policy":
            kind = SelfCalibratingSource if self_calibration == "online" else ModelSource
            source = kind(model, views, seed, steps)
            if self_calibration == "before":
                calibrated = calibrate_cell(model, task, seed, condition, views, CAMERAS)
                use_result(cell, views, calibrated)
        else:
            other = Cell(task, seed + _OTHER_SCENE, cameras=CAMERAS, condition=condition)
            source = BlindSource(model, views, other, seed, steps)
        positions: list[np.ndarray] = []
        happens = tick_of(cell, seed, views, source)

        def on_tick(now: Cell) -> None:
            positions.append(now.tcp_pose[:3].copy())
            if happens is not None:
                happens(now)

        try:
            result = roll_out(
                cell,
                source,
                make_executor(period_s=cell.control_period, check=_cell_check() if robot_limits == "on" else None),
                settings,
                on_tick=on_tick,
            )
        finally:
            if other is not None:
                other.close()
        jerk = rms_jerk(positions, cell.control_period) if positions else float("nan")
        return {
            "task": task,
            "seed": seed,
            "condition": condition.name,
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
            "jerk_rms_m_s3": round(jerk, 3) if np.isfinite(jerk) else None,
            "instruction": cell.instruction,
            "cameras": [cell.camera_names[view] for view in views],
            **summary_of(calibrated, source),
        }


def _expert_episode(task: str, seed: int) -> Episode:
    """The expert's motion in a cell of this seed, without images."""
    return demonstrate(task, seed, size=(16, 16), images=False)


def _run(job: _Job) -> dict:
    model = _model(job.model, job.runtime, job.threads) if job.mode in ("policy", "blind") else None
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


def evaluate(
    model: str | os.PathLike = "nano",
    tasks: list[str] | None = None,
    episodes: int = 50,
    seed: int = 0,
    *,
    mode: str = "policy",
    json_path: str | os.PathLike | None = None,
    workers: int = 1,
    settings: RolloutSettings | None = None,
    threads: int | None = None,
    runtime: str = "torch",
    steps: int | None = None,
    conditions: list[str] | None = None,
    self_calibration: str = "off",
    robot_limits: str = "on",
    quiet: bool = False,
) -> dict:
    """Run `episodes` seeds (seed, seed + 1, ..) of each task; returns {"settings", "summary", "comparison",
    "operation", "rows"}.

    model: name or folder, unused by the replays. mode: "policy", "blind" (images of another seed), "replay" (the
    expert's poses through the executor) or "replay-codec" (the same drawn, 8 bit, decoded). threads: CPU threads of the
    model; with several workers 1. runtime: what runs it, see `world_model.load`. steps: sampling steps of a chunk.
    conditions: names in `cell.scene.conditions.CONDITIONS`; the nominal one always runs beside them, on the same
    seeds, and "comparison" pairs each with it (see `pairs`). self_calibration: "off", "before" (by a calibration motion
    in a cell of the same seed) or "online" (while the arm works), in mode "policy". robot_limits: "on" (chunks are
    checked against the arm's model, as in the node) or "off". The file at json_path is rewritten after every episode,
    so that an interrupted run keeps its rows. Raises ValueError and FileNotFoundError for arguments that cannot be.
    """
    from ..cell.tasks.registry import TASKS, find_task

    tasks = list(TASKS) if tasks is None else tasks
    for task in tasks:
        find_task(task)
    conditions = list(dict.fromkeys([NOMINAL.name, *(conditions or [])]))
    for condition in conditions:
        find_condition(condition)
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join(MODES)}")
    for name, value, low in (
        ("episodes", episodes, 1),
        ("seed", seed, 0),
        ("workers", workers, 1),
        ("steps", 1 if steps is None else steps, 1),
    ):
        if value < low:
            raise ValueError(f"{name} is {value}; give {low} or more")
    if self_calibration not in SELF_CALIBRATION:
        raise ValueError(f"self_calibration is {self_calibration!r}; choose one of {', '.join(SELF_CALIBRATION)}")
    if robot_limits not in ROBOT_LIMITS:
        raise ValueError(f"robot_limits is {robot_limits!r}; choose one of {', '.join(ROBOT_LIMITS)}")
    if self_calibration != "off" and mode != "policy":
        raise ValueError(f"self_calibration is {self_calibration!r} and mode {mode!r}; it goes with mode policy")
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime = {runtime!r}: choose one of {', '.join(RUNTIMES)}")
    settings = settings or RolloutSettings()
    if mode in ("policy", "blind"):
        from ..policy.registry import locate_policy

        model = locate_policy(model)
        threads = threads or (1 if workers > 1 else None)
    jobs = [
        _Job(
            task,
            seed + index,
            mode,
            str(model),
            settings,
            threads,
            runtime,
            steps,
            condition,
            self_calibration,
            robot_limits,
        )
        for task in tasks
        for condition in conditions
        for index in range(episodes)
    ]
    head = {
        "mode": mode,
        "model": Path(model).name if mode in ("policy", "blind") else None,
        "seed": seed,
        "episodes": episodes,
        "conditions": conditions,
        **asdict(settings),
        "workers": workers,
        "threads": threads,
        "runtime": runtime if mode in ("policy", "blind") else None,
        "steps": steps,
        "self_calibration": self_calibration,
        "robot_limits": robot_limits,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    rows: list[dict] = []
    for row in _results(jobs, workers, quiet):
        rows.append(row)
        rows.sort(key=lambda row: (tasks.index(row["task"]), conditions.index(row["condition"]), row["seed"]))
        if json_path is not None:
            write_result(Path(json_path), _result(head, rows))
    result = _result(head, rows)
    if not quiet:
        _print_table(result)
    return result


def _result(head: dict, rows: list[dict]) -> dict:
    nominal = [row for row in rows if row["condition"] == NOMINAL.name]
    return {
        "settings": head,
        "summary": summarise(rows),
        "comparison": against_nominal(rows),
        "operation": operation_figures(nominal, head["time_limit"]) if nominal else None,
        "rows": rows,
    }


def summarise(rows: list[dict]) -> list[dict]:
    """One entry per task and condition: episodes, successes, rate with its 95 % Wilson interval, median seconds and
    chunk time."""
    summary = []
    for task, condition in dict.fromkeys((row["task"], row["condition"]) for row in rows):
        of_task = [row for row in rows if (row["task"], row["condition"]) == (task, condition)]
        successes = sum(row["success"] for row in of_task)
        low, high = wilson(successes, len(of_task))
        summary.append(
            {
                "task": task,
                "condition": condition,
                "episodes": len(of_task),
                "successes": successes,
                "rate": successes / len(of_task),
                "low": round(low, 4),
                "high": round(high, 4),
                "wrong_object": sum(row["wrong_object"] for row in of_task),
                "median_seconds": median(row["seconds"] for row in of_task),
                "median_chunk_seconds": median(row["chunk_seconds"] for row in of_task),
            }
        )
    return summary


@contextmanager
def success_bar(what: str, total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Progress of episodes on stderr unless quiet: call what it gives with the successes so far, once per episode."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[so_far]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task(what, total=total, so_far="")
        yield lambda so_far: progress.update(bar, advance=1, so_far=so_far)


def _results(jobs: list[_Job], workers: int, quiet: bool) -> Iterator[dict]:
    """Rows as they come, with a progress bar unless quiet."""
    with success_bar(jobs[0].mode, len(jobs), quiet) as advance:
        done: dict[str, list[bool]] = {}
        for row in in_workers(_run, jobs, workers):
            name = row["task"] if row["condition"] == NOMINAL.name else f"{row['task']} {row['condition']}"
            done.setdefault(name, []).append(row["success"])
            advance("  ".join(f"{name} {sum(done[name])}/{len(done[name])}" for name in list(done)[-3:]))
            yield row


def write_result(path: Path, result: dict) -> None:
    """Write a result as JSON; the file is whole at any moment."""
    write_text(path, json.dumps(result, indent=1) + "\n")


def _print_table(result: dict) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    head = result["settings"]
    last = head["seed"] + head["episodes"] - 1
    title = " ".join(filter(None, (head["mode"], head["model"], f"seeds {head['seed']}..{last}")))
    if len(head["conditions"]) > 1:
        table = _condition_table(result, title)
    else:
        table = Table(
            Column("task", no_wrap=True),
            "success",
            "rate",
            "95 % interval",
            "wrong",
            "median s",
            "s per chunk",
            title=title,
        )
        for row in result["summary"]:
            table.add_row(
                row["task"],
                f"{row['successes']}/{row['episodes']}",
                f"{100 * row['rate']:.0f} %",
                f"{100 * row['low']:.0f}-{100 * row['high']:.0f} %",
                str(row["wrong_object"]),
                f"{row['median_seconds']:.1f}",
                f"{row['median_chunk_seconds']:.2f}",
            )
    Console().print(table)


def _condition_table(result: dict, title: str):
    """Success per task and condition and against nominal on the same seeds; fits 80 columns."""
    from rich.table import Table

    table = Table("task", "condition", "success (95 %)", "lost", "won", "p", title=title, show_edge=False)
    pairs = {(pair["task"], pair["condition"]): pair for pair in result["comparison"]}
    rows = [(row["task"], row["condition"], row["successes"], row["episodes"]) for row in result["summary"]]
    rows += [(*key, pair["after"], pair["episodes"]) for key, pair in pairs.items() if key[0] == ALL]
    for task, condition, successes, episodes in rows:
        low, high = wilson(successes, episodes)
        pair = pairs.get((task, condition))
        table.add_row(
            task,
            condition,
            f"{successes}/{episodes} {100 * successes / episodes:.0f} % ({100 * low:.0f}-{100 * high:.0f})",
            *([str(pair["lost"]), str(pair["won"]), f"{pair['p']:.2g}"] if pair else []),
        )
    return table
