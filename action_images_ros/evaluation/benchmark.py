"""Success on a benchmark: rows, Wilson intervals per task and group, LeRobot's result keys, contact sheets."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from ..cell.workers import in_workers
from ..environments.registry import Benchmark, check_seeds, find_benchmark
from ..environments.rooms import Rooms
from ..metrics.intervals import wilson
from ..metrics.operation import operation_figures
from .benchmark_episodes import Watch, run_benchmark_episode
from .modes import MODEL_MODES, check_arguments, loaded_policy
from .results import success_bar, write_result
from .rollout import RolloutSettings

__all__ = ["benchmark_result", "evaluate_benchmark", "summarise"]

SHEET_EPISODES, SHEET_INTERVAL_S = 3, 0.5
"""Contact sheets show so many episodes per task, a picture every so many simulated seconds."""


@dataclass(frozen=True)
class _Job:
    benchmark: str
    task: str
    seed: int
    mode: str
    model: str
    settings: RolloutSettings
    threads: int | None
    runtime: str
    steps: int | None
    sheet: str


_rooms = Rooms()


def _run(job: _Job) -> dict[str, Any]:
    model = loaded_policy(job.model, job.runtime, job.threads) if job.mode in MODEL_MODES else None
    watch = Watch(SHEET_INTERVAL_S if job.sheet else 0.0)
    row = run_benchmark_episode(
        find_benchmark(job.benchmark),
        _rooms,
        job.task,
        job.seed,
        job.mode,
        job.settings,
        model=model,
        steps=job.steps,
        watch=watch,
    )
    if job.sheet:
        _write_strip(Path(job.sheet), watch.pictures, row["success"])
    return row


def evaluate_benchmark(
    name: str,
    model: str | os.PathLike[str],
    tasks: str = "all",
    episodes: int = 10,
    seed: int = 0,
    *,
    mode: str = "policy",
    json_path: str | os.PathLike[str] | None = None,
    workers: int = 1,
    settings: RolloutSettings | None = None,
    threads: int | None = None,
    runtime: str = "torch",
    steps: int | None = None,
    sheets: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Run the seeds `seed`, `seed + 1`, .. of each task; returns settings, summary, LeRobot's keys and rows.

    name: of the benchmark. model: name or folder, unused by the replays. tasks: 'all', groups, tasks, GROUP:INDEX.
    mode: one of `modes.MODES`. settings: execution; a time limit beyond the benchmark's is cut. sheets: folder for
    contact sheets, a PNG per episode. The file at json_path is rewritten after every episode. Raises ValueError and
    FileNotFoundError for arguments that cannot be, BenchmarkNotInstalledError where the benchmark is missing.
    """
    benchmark = find_benchmark(name)
    chosen = benchmark.select(tasks)
    check_arguments(mode, runtime, episodes=episodes, seed=seed, workers=workers, steps=1 if steps is None else steps)
    settings = settings or RolloutSettings()
    settings = replace(settings, time_limit=min(settings.time_limit, benchmark.time_limit_s))
    if mode in MODEL_MODES:
        model = _checked_model(benchmark, str(model), seed, episodes)
    else:
        check_seeds(seed, episodes)
    threads = threads or (1 if workers > 1 else None)
    job = _Job(name, "", 0, mode, str(model), settings, threads, runtime, steps, "")
    jobs = [
        replace(
            job,
            task=task,
            seed=s,
            sheet=str(sheets / f"{task}_{s}.png") if sheets and s < seed + SHEET_EPISODES else "",
        )
        for task in chosen
        for s in range(seed, seed + episodes)
    ]
    head = _head(job, chosen, seed, episodes, workers)
    rows: list[dict[str, Any]] = []
    begun = time.monotonic()
    for row in _progress(jobs, workers, quiet):
        rows.append(row)
        rows.sort(key=lambda row: (chosen.index(row["task"]), row["seed"]))
        if json_path is not None:
            write_result(Path(json_path), benchmark_result(head, rows, time.monotonic() - begun))
    _rooms.close()
    result = benchmark_result(head, rows, time.monotonic() - begun)
    if not quiet:
        print_table(result)
    return result


def _head(job: _Job, chosen: list[str], seed: int, episodes: int, workers: int) -> dict[str, Any]:
    """The settings of a result; job: of any of its episodes."""
    return {
        "benchmark": job.benchmark,
        "mode": job.mode,
        "model": Path(job.model).name if job.mode in MODEL_MODES else None,
        "tasks": chosen,
        "seed": seed,
        "episodes": episodes,
        **asdict(job.settings),
        "workers": workers,
        "threads": job.threads,
        "runtime": job.runtime,
        "steps": job.steps,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }


def _checked_model(benchmark: Benchmark, model: str, seed: int, episodes: int) -> str:
    """Its folder; ValueError where its dt or the seeds it was trained on do not suit."""
    from ..policy.card import ModelCard
    from ..policy.registry import locate_policy

    folder = locate_policy(model)
    card = ModelCard.load(Path(folder))
    benchmark.check_dt(card.name, card.dt)
    check_seeds(seed, episodes, [span for source in card.data.get("sources", []) for span in source.get("seeds", [])])
    return folder


def benchmark_result(head: dict[str, Any], rows: Sequence[dict[str, Any]], wall_s: float) -> dict[str, Any]:
    """Settings, one summary row per task, group and over all, operation figures, LeRobot's keys, rows."""
    limit = head["time_limit"]
    return {
        "settings": head,
        "summary": summarise(rows),
        "operation": operation_figures(rows, limit),
        **_lerobot_keys(rows, wall_s),
        "rows": list(rows),
    }


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Episodes, successes, rate and its 95 % Wilson interval of each task, then of each group and of all.

    A group's `mean_rate` is the mean over its tasks, as published tables give it; its interval counts episodes.
    """
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    summary = [_summary("task", task, [row for row in rows if row["task"] == task]) for task in tasks]
    groups = [group for group in dict.fromkeys(row["group"] for row in rows) if group]
    if len(tasks) > 1:
        summary += [_summary("group", group, [row for row in rows if row["group"] == group]) for group in groups]
        summary.append(_summary("all", "all", list(rows)))
    return summary


def _summary(level: str, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    successes = sum(row["success"] for row in rows)
    low, high = wilson(successes, len(rows))
    tasks = dict.fromkeys(row["task"] for row in rows)
    rates = [np.mean([row["success"] for row in rows if row["task"] == task]) for task in tasks]
    experts = [row["expert_succeeded"] for row in rows if "expert_succeeded" in row]
    return {
        "level": level,
        "task": name,
        "condition": "nominal",
        "tasks": len(tasks),
        "episodes": len(rows),
        "successes": successes,
        "rate": successes / len(rows),
        "mean_rate": float(np.mean(rates)),
        "low": round(low, 4),
        "high": round(high, 4),
        "median_seconds": median(row["seconds"] for row in rows),
        "median_chunk_seconds": median(row["chunk_seconds"] for row in rows),
    } | ({"expert_successes": sum(experts)} if experts else {})


def _lerobot_keys(rows: Sequence[dict[str, Any]], wall_s: float) -> dict[str, Any]:
    """`per_task`, `per_group` and `overall` as `lerobot-eval` writes them in eval_info.json."""
    per_task = [
        {
            "task_group": row["group"],
            "task_id": task,
            "metrics": {
                "sum_rewards": [r["sum_reward"] for r in rows if r["task"] == task],
                "max_rewards": [r["max_reward"] for r in rows if r["task"] == task],
                "successes": [r["success"] for r in rows if r["task"] == task],
                "video_paths": [],
            },
        }
        for task, row in {row["task"]: row for row in rows}.items()
    ]

    def aggregate(part: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {
            "avg_sum_reward": float(np.mean([r["sum_reward"] for r in part])),
            "avg_max_reward": float(np.mean([r["max_reward"] for r in part])),
            "pc_success": 100 * float(np.mean([r["success"] for r in part])),
            "n_episodes": len(part),
        }

    groups = dict.fromkeys(row["group"] for row in rows)
    return {
        "per_task": per_task,
        "per_group": {g: aggregate([r for r in rows if r["group"] == g]) for g in groups},
        "overall": aggregate(rows) | {"eval_s": round(wall_s, 2), "eval_ep_s": round(wall_s / len(rows), 3)},
    }


def _progress(jobs: list[_Job], workers: int, quiet: bool) -> Iterator[dict[str, Any]]:
    with success_bar(jobs[0].mode, len(jobs), quiet) as advance:
        done = wins = 0
        for row in in_workers(_run, jobs, workers):
            done, wins = done + 1, wins + row["success"]
            advance(f"{row['task']} {wins}/{done}")
            yield row


def _write_strip(path: Path, pictures: list[np.ndarray], success: bool) -> None:
    """Pictures `[V, H, W, 3]` of one episode side by side, views below each other, framed green or red."""
    if not pictures:
        return
    strip = np.concatenate([np.concatenate(list(views), axis=0) for views in pictures], axis=1)
    colour = (40, 160, 60) if success else (200, 40, 40)
    framed = cv2.copyMakeBorder(strip, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), framed[..., ::-1]):
        raise ValueError(f"sheets: {path} cannot be written; give a folder that can")


def print_table(result: dict[str, Any]) -> None:
    """The summary, to standard output."""
    from rich.console import Console
    from rich.table import Column, Table

    head = result["settings"]
    title = " ".join(
        filter(
            None,
            (
                head["benchmark"],
                head["mode"],
                head["model"],
                f"seeds {head['seed']}..{head['seed'] + head['episodes'] - 1}",
            ),
        )
    )
    table = Table(
        Column("task", no_wrap=True), "success", "mean rate", "95 % interval", "median s", "s per chunk", title=title
    )
    for row in result["summary"]:
        table.add_row(
            row["task"],
            f"{row['successes']}/{row['episodes']}",
            f"{100 * row['mean_rate']:.1f} %",
            f"{100 * row['low']:.0f}-{100 * row['high']:.0f} %",
            f"{row['median_seconds']:.2f}",
            f"{row['median_chunk_seconds']:.3f}",
        )
    Console().print(table)
