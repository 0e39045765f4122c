"""Write demonstrations of a benchmark's experts, or DAgger corrections of a model, as a folder of episodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..cell.collect import Collected, keep_episode, run_jobs
from ..data.episode import load_episodes
from .demonstrate import demonstrate
from .in_view import ViewCheck, check_views, require_in_view
from .protocol import Environment
from .registry import TRAINING_SEEDS_FROM, Benchmark, find_benchmark
from .rooms import Rooms

__all__ = ["collect_benchmark"]


@dataclass(frozen=True)
class _Job:
    directory: str
    benchmark: str
    task: str
    seed: int
    size: int
    lead: Callable[[Environment, Benchmark], bool] | None


_rooms = Rooms()


def _record(job: _Job) -> dict:
    benchmark = find_benchmark(job.benchmark)
    environment = _rooms.environment(benchmark, job.task, (job.size, job.size))
    lead = job.lead
    before = None if lead is None else lambda led: lead(led, benchmark)
    return keep_episode(job.directory, demonstrate(environment, job.seed, dt=benchmark.dt_s, before=before))


def collect_benchmark(
    directory: str | Path,
    name: str,
    tasks: str = "all",
    episodes: int = 50,
    seed: int = TRAINING_SEEDS_FROM,
    *,
    workers: int = 1,
    size: int = 96,
    lead: Callable[[Environment, Benchmark], bool] | None = None,
    console: Console | None = None,
) -> tuple[Collected, list[ViewCheck]]:
    """Attempt the seeds `seed` .. `seed + episodes - 1` of EACH task; seeds in the folder's index are skipped.

    name: of the benchmark. tasks: as `Benchmark.select` reads them. size: height and width of the images, px. lead:
    brings the environment where the expert is to begin, unrecorded, and says whether there is anything to record (see
    `evaluation.benchmark_corrections`). Then the three points of every recorded pose are checked against every view.
    Raises ValueError for bad arguments and where a view holds less than 99 % of a task's frames.
    """
    benchmark = find_benchmark(name)
    chosen = benchmark.select(tasks)
    for key, value, low in (("episodes", episodes, 1), ("workers", workers, 1), ("size", size, 16)):
        if value < low:
            raise ValueError(f"{key} is {value}; give a number of at least {low}")
    if seed < TRAINING_SEEDS_FROM:
        raise ValueError(f"seed is {seed}; seeds below {TRAINING_SEEDS_FROM} are for evaluation: give a larger one")
    jobs = [_Job(str(directory), name, task, seed + i, size, lead) for task in chosen for i in range(episodes)]
    try:
        result = run_jobs(directory, jobs, _record, workers, console)
    finally:
        _rooms.close()
    checks = check_views([e for e in load_episodes(directory) if e.task in chosen])
    require_in_view(checks)
    return result, checks
