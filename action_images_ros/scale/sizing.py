"""Cost of labelling an archive: a simulation of workers that process bags and sometimes die."""

from __future__ import annotations

import heapq
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["Archive", "Rates", "Run", "rows", "simulate", "size"]


@dataclass(frozen=True)
class Archive:
    """The recordings. rate: pictures per second and camera. height, width: px. bag_minutes: mean length of a bag."""

    hours: float = 10_000.0
    cameras: int = 2
    rate: float = 30.0
    height: int = 480
    width: int = 640
    bag_minutes: float = 10.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0 or not math.isfinite(value):
                raise ValueError(f"{name} is {value}; give a number above 0")


@dataclass(frozen=True)
class Rates:
    """Measured (docs/sizing.md): pictures_per_second that one worker labels, all in all (frames, `dt` apart, times
    cameras); jpeg_bytes_per_pixel of a recorded picture; label_bytes_per_frame, and label_bytes_per_picture of each
    camera in it; worker_gib of memory. Assumed: that time goes with the number of pictures; dt between frames;
    hours_between_deaths of a worker; restart_seconds until another has loaded the model; spread of the bags' lengths
    (sigma of their logarithm).
    """

    pictures_per_second: float = 47.6
    jpeg_bytes_per_pixel: float = 0.18
    label_bytes_per_frame: float = 1500.0
    label_bytes_per_picture: float = 60_700.0
    worker_gib: float = 1.2
    dt: float = 0.2
    hours_between_deaths: float = 500.0
    restart_seconds: float = 120.0
    spread: float = 0.5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0 or not math.isfinite(value):
                raise ValueError(f"{name} is {value}; give a number above 0")


@dataclass(frozen=True)
class Run:
    """A simulated run. hours until the last bag; deaths of workers; lost_hours of worker time; busy: share of worker
    time that went into labels that count."""

    hours: float
    deaths: int
    lost_hours: float
    busy: float


def simulate(bag_seconds: np.ndarray, workers: int, rates: Rates = Rates(), seed: int = 0) -> Run:
    """`workers` take one bag after the other, each as soon as it is free. bag_seconds: [N], s of work per bag.

    Workers die at random (exponential) and lose what they had of the bag (although a try after that takes up finished
    windows: so this is the worst case); the bag goes to the end of the list, another worker comes
    `restart_seconds` later.
    """
    random = np.random.default_rng(seed)
    free = [0.0] * workers  # when each is free, a heap
    waiting = list(reversed(bag_seconds.tolist()))
    late: list[float] = []  # bags of workers that died
    life = rates.hours_between_deaths * 3600
    end = lost = 0.0
    deaths = 0
    while waiting or late:
        work = waiting.pop() if waiting else late.pop(0)
        begin = heapq.heappop(free)
        death = random.exponential(life)
        if death < work:
            deaths += 1
            lost += death + rates.restart_seconds
            late.append(work)
            if deaths > 100 * len(bag_seconds):
                raise ValueError(
                    f"hours_between_deaths is {rates.hours_between_deaths}; workers die faster than they "
                    "finish a bag: give shorter bags"
                )
            heapq.heappush(free, begin + death + rates.restart_seconds)
        else:
            heapq.heappush(free, begin + work)
            end = max(end, begin + work)
    return Run(end / 3600, deaths, lost / 3600, float(bag_seconds.sum() / (end * workers)))


def size(
    archive: Archive = Archive(),
    rates: Rates = Rates(),
    *,
    days: float = 7.0,
    workers: int | None = None,
) -> dict[str, Any]:
    """Workers for `days`, or the time that `workers` take; storage in TB (10^12 bytes), traffic in MB/s.

    The bags' lengths are lognormal with the archive's mean. Storage: the recordings as raw and as jpeg pictures, and
    the labels; labelled recordings hold the original too. Traffic: a recording is read twice and written once.
    """
    if days <= 0 or (workers is not None and workers < 1):
        raise ValueError(f"days is {days} and workers {workers}; give numbers above 0")
    count = max(1, round(archive.hours * 60 / archive.bag_minutes))
    lengths = np.random.default_rng(1).lognormal(0.0, rates.spread, count)
    seconds = lengths * (archive.hours * 3600 / lengths.sum())
    work = seconds / rates.dt * archive.cameras / rates.pictures_per_second
    chosen = workers or max(1, math.ceil(work.sum() / (days * 86400)))
    run = simulate(work, chosen, rates)
    while workers is None and run.hours > days * 24:
        longest = work.max() / 3600
        if longest > days * 24:
            raise ValueError(
                f"days is {days:g}, but the longest bag alone takes one worker {longest:.3g} h; give more "
                "days, or cut the recordings"
            )
        chosen += max(1, math.ceil(0.01 * chosen))
        run = simulate(work, chosen, rates)
    frames = archive.hours * 3600 / rates.dt
    pictures = archive.hours * 3600 * archive.rate * archive.cameras
    raw = pictures * archive.height * archive.width * 3
    jpeg = pictures * archive.height * archive.width * rates.jpeg_bytes_per_pixel
    labels = frames * (rates.label_bytes_per_frame + archive.cameras * rates.label_bytes_per_picture)
    traffic = {
        name: 3 * (total + labels / 3) / (run.hours * 3600) / 1e6 for name, total in (("raw", raw), ("jpeg", jpeg))
    }
    return {
        "archive": asdict(archive),
        "rates": asdict(rates),
        "bags": count,
        "frames": frames,
        "workers": chosen,
        "worker_hours": work.sum() / 3600,
        "run": asdict(run),
        "days": run.hours / 24,
        "memory_gib": chosen * rates.worker_gib,
        "raw_tb": raw / 1e12,
        "jpeg_tb": jpeg / 1e12,
        "labels_tb": labels / 1e12,
        "raw_mb_per_s": traffic["raw"],
        "jpeg_mb_per_s": traffic["jpeg"],
    }


def rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """The result of `size` as rows of a table."""
    run = result["run"]
    shown = [
        ("recordings", f"{result['archive']['hours']:,.0f} h in {result['bags']:,} bags"),
        ("frames to label", f"{result['frames'] / 1e6:,.4g} million"),
        ("work", f"{result['worker_hours']:,.0f} worker hours"),
        ("workers", f"{result['workers']:,}"),
        ("time", f"{result['days']:.3g} days"),
        ("workers that die", f"{run['deaths']:,} ({run['lost_hours']:,.3g} h lost; busy {run['busy']:.1%})"),
        ("memory of all workers", f"{result['memory_gib']:,.0f} GiB"),
        ("labels", f"{result['labels_tb']:,.3g} TB"),
        ("recordings, jpeg", f"{result['jpeg_tb']:,.3g} TB; traffic {result['jpeg_mb_per_s']:,.3g} MB/s"),
        ("recordings, raw", f"{result['raw_tb']:,.3g} TB; traffic {result['raw_mb_per_s']:,.3g} MB/s"),
    ]
    return [{"what": what, "figure": figure} for what, figure in shown]
