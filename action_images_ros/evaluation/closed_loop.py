"""Success rates over seeds: the policy, the blind baseline, and the two ceilings, all through the same executor.

Seed s gives the same scene, cameras and instruction in every mode and for every model. A condition changes only what it
names. So rows of the same seed are paired (see `metrics.paired`).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from ..cell.scene.conditions import NOMINAL, find_condition
from ..cell.tasks.registry import TASKS, find_task
from ..cell.workers import in_workers
from ..policy.registry import locate_policy
from .cell_episodes import ROBOT_LIMITS, EpisodeJob, run_job
from .modes import MODEL_MODES, check_arguments, check_choice
from .results import cell_result, print_table, success_bar, write_result
from .rollout import RolloutSettings
from .self_calibration import SELF_CALIBRATION

__all__ = ["evaluate"]


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
    expert's poses through the executor) or "replay-codec" (the same as decoded 8-bit action images). threads: CPU
    threads of the model; with several workers 1. runtime: one of `policy.registry.RUNTIMES`. steps: sampling steps of a
    chunk. conditions: names in `cell.scene.conditions.CONDITIONS`; the nominal condition always runs too, on the same
    seeds, and "comparison" pairs each with it. self_calibration: "off", "before" (by a calibration motion in a cell of
    the same seed) or "online" (while the arm works), in mode "policy". robot_limits: "on" (chunks are checked against
    the arm's model, as in the node) or "off". The file at json_path is rewritten after every episode, so that an
    interrupted run keeps its rows. Raises ValueError and FileNotFoundError for wrong arguments.
    """
    tasks = [find_task(task).name for task in (TASKS if tasks is None else tasks)]
    conditions = [find_condition(name).name for name in dict.fromkeys([NOMINAL.name, *(conditions or [])])]
    counts = {"episodes": episodes, "seed": seed, "workers": workers, "steps": 1 if steps is None else steps}
    check_arguments(mode, runtime, **counts)
    _check_choices(mode, self_calibration, robot_limits)
    settings = settings or RolloutSettings()
    if mode in MODEL_MODES:
        model = locate_policy(model)
        threads = threads or (1 if workers > 1 else None)
    common = EpisodeJob(
        "", seed, mode, str(model), settings, threads, runtime, steps, "", self_calibration, robot_limits
    )
    jobs = [
        replace(common, task=task, seed=seed + index, condition=condition)
        for task in tasks
        for condition in conditions
        for index in range(episodes)
    ]
    head = _head(common, episodes, workers, conditions)
    rows: list[dict] = []
    for row in _progress(jobs, workers, quiet):
        rows.append(row)
        rows.sort(key=lambda row: (tasks.index(row["task"]), conditions.index(row["condition"]), row["seed"]))
        if json_path is not None:
            write_result(Path(json_path), cell_result(head, rows))
    result = cell_result(head, rows)
    if not quiet:
        print_table(result)
    return result


def _check_choices(mode: str, self_calibration: str, robot_limits: str) -> None:
    """ValueError for a choice that does not exist or does not go with the mode."""
    check_choice("self_calibration", self_calibration, SELF_CALIBRATION)
    check_choice("robot_limits", robot_limits, ROBOT_LIMITS)
    if self_calibration != "off" and mode != "policy":
        raise ValueError(f"self_calibration is {self_calibration!r} and mode {mode!r}; use it with mode policy")


def _head(job: EpisodeJob, episodes: int, workers: int, conditions: list[str]) -> dict:
    """The settings of a result; job: what all its episodes have in common."""
    with_model = job.mode in MODEL_MODES
    return {
        "mode": job.mode,
        "model": Path(job.model).name if with_model else None,
        "seed": job.seed,
        "episodes": episodes,
        "conditions": conditions,
        **asdict(job.settings),
        "workers": workers,
        "threads": job.threads,
        "runtime": job.runtime if with_model else None,
        "steps": job.steps,
        "self_calibration": job.self_calibration,
        "robot_limits": job.robot_limits,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }


def _progress(jobs: list[EpisodeJob], workers: int, quiet: bool) -> Iterator[dict]:
    """Rows as they come, with a progress bar unless quiet."""
    with success_bar(jobs[0].mode, len(jobs), quiet) as advance:
        done: dict[str, list[bool]] = {}
        for row in in_workers(run_job, jobs, workers):
            name = row["task"] if row["condition"] == NOMINAL.name else f"{row['task']} {row['condition']}"
            done.setdefault(name, []).append(row["success"])
            advance("  ".join(f"{name} {sum(done[name])}/{len(done[name])}" for name in list(done)[-3:]))
            yield row
