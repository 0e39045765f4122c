"""Record demonstrations of the scripted experts, in parallel. `python -m action_images_ros.cell.collect --help`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..data.episode import Episode, append_index, read_index, save_episode
from ..safe_files import FolderLock, disk_errors, remove_leftovers
from .demonstrate import demonstrate
from .tasks.registry import TASKS, find_task
from .workers import in_workers

PERTURBED_FRACTION = 1 / 3


@dataclass
class Collected:
    """Result of a collection: episodes written, skipped (there already), failed attempts as (task, seed)."""

    written: int = 0
    skipped: int = 0
    failed: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    directory: str
    task: str
    seed: int
    size: int
    cameras: int
    perturbed: bool
    record: Callable[..., Episode]


def is_perturbed(seed: int, fraction: float) -> bool:
    """Whether the demonstration of this seed starts from a pushed state; the same in every run."""
    return bool(np.random.default_rng([seed, 0x9E3779B9]).random() < fraction)


def _record(job: _Job) -> dict:
    episode = job.record(job.task, job.seed, size=(job.size, job.size), cameras=job.cameras, perturbed=job.perturbed)
    return keep_episode(job.directory, episode)


def keep_episode(directory: str | Path, episode: Episode) -> dict:
    """Write a successful episode's file; returns its index line, of a failed one too."""
    row = {
        "file": None,
        "task": episode.task,
        "seed": episode.seed,
        "success": episode.success,
        "perturbed": episode.perturbed,
        "frames": episode.frames,
        "instruction": episode.instruction,
    }
    if episode.success:
        row["file"] = save_episode(directory, episode).name
    return row


def collect(
    directory: str | Path,
    tasks: list[str],
    episodes: int,
    seed: int,
    *,
    workers: int = 1,
    size: int = 96,
    cameras: int = 3,
    perturbed_fraction: float = PERTURBED_FRACTION,
    record: Callable[..., Episode] | None = None,
    console: Console | None = None,
) -> Collected:
    """Attempts `episodes` demonstrations with the seeds `seed`, `seed + 1`, ..; the tasks take turns.

    Seeds in the folder's index are skipped, so an interrupted collection resumes. An attempt in
    which the expert fails leaves a line in the index and no file. record: makes an episode, with the arguments of
    `demonstrate`, which is the default; it is sent to the workers. Raises ValueError for bad arguments.
    """
    for task in tasks:
        find_task(task)
    for name, value, low in (("episodes", episodes, 1), ("workers", workers, 1), ("seed", seed, 0), ("size", size, 16)):
        if value < low:
            raise ValueError(f"{name} is {value}; give a number of at least {low}")
    if not tasks:
        raise ValueError(f"tasks is empty; give some of {', '.join(TASKS)}")
    if not 0.0 <= perturbed_fraction <= 1.0:
        raise ValueError(f"perturbed_fraction is {perturbed_fraction}; give a share from 0 to 1")
    jobs = [
        _Job(
            str(directory),
            tasks[i % len(tasks)],
            seed + i,
            size,
            cameras,
            is_perturbed(seed + i, perturbed_fraction),
            record or demonstrate,
        )
        for i in range(episodes)
    ]
    return run_jobs(directory, jobs, _record, workers, console)


def run_jobs(
    directory: str | Path,
    jobs: Sequence[Any],
    record: Callable[[Any], dict],
    workers: int,
    console: Console | None = None,
) -> Collected:
    """`record(job)`, which returns the index line, for every job whose `task` and `seed` are not in the index yet."""
    directory = Path(directory)
    with disk_errors(directory), FolderLock(directory, "collect"):
        return _run_jobs(directory, jobs, record, workers, console)


def _run_jobs(
    directory: Path,
    jobs: Sequence[Any],
    record: Callable[[Any], dict],
    workers: int,
    console: Console | None,
) -> Collected:
    remove_leftovers(directory)
    done = {
        (row["task"], row["seed"])
        for row in read_index(directory)
        if row["file"] is None or (directory / row["file"]).exists()
    }
    todo = [job for job in jobs if (job.task, job.seed) not in done]
    result = Collected(skipped=len(jobs) - len(todo))
    if todo:
        _run(todo, record, workers, directory, result, console or Console(stderr=True))
    return result


def _run(
    todo: list[Any], record: Callable[[Any], dict], workers: int, directory: Path, result: Collected, console: Console
) -> None:
    columns = (
        TextColumn("collect"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("failed {task.fields[failed]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("collect", total=len(todo), failed=0)
        for row in in_workers(record, todo, workers):
            append_index(directory, row)
            if row["file"]:
                result.written += 1
            else:
                result.failed.append((row["task"], row["seed"]))
            progress.update(bar, advance=1, failed=len(result.failed))


def main(arguments: list[str] | None = None) -> int:
    """Command line of `collect`; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write demonstrations of the scripted experts.")
    parser.add_argument("directory", help="folder to write to; existing seeds in it are skipped")
    parser.add_argument("--tasks", default="all", help=f"'all' or names separated by commas: {', '.join(TASKS)}")
    parser.add_argument("--episodes", type=int, default=300, help="attempts over all tasks")
    parser.add_argument("--seed", type=int, default=1_000_000, help="first seed; evaluation uses seeds below 100000")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--size", type=int, default=96, help="height and width of the stored images")
    parser.add_argument("--cameras", type=int, default=3, help="2-4")
    parser.add_argument("--perturbed-fraction", type=float, default=PERTURBED_FRACTION)
    options = parser.parse_args(arguments)
    tasks = list(TASKS) if options.tasks == "all" else options.tasks.split(",")
    try:
        result = collect(
            options.directory,
            tasks,
            options.episodes,
            options.seed,
            workers=options.workers,
            size=options.size,
            cameras=options.cameras,
            perturbed_fraction=options.perturbed_fraction,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{result.written} episodes written, {result.skipped} there already, {len(result.failed)} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
