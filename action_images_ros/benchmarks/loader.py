"""Does the loader keep up? Steps per second that it makes batches for, beside those of the model alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..progress import Progress, silent
from ..training.batches import BatchMaker
from ..training.config import TrainConfig
from ..training.loader import load_batches
from ..training.mixture import load_mixture
from ..training.processes import Processes
from ..training.train import make_makers
from ..training.trainer import Trainer

_WARM_UP = 2


def measure(
    config: str | Path | TrainConfig,
    data: Sequence[str | Path],
    *,
    shares: Sequence[float] | None = None,
    workers: Sequence[int] = (0, 1, 2),
    seconds: float = 10.0,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[dict]:
    """One row per part measured: {"part", "steps_per_second", "samples_per_second", "device"}.

    The loader alone with each number of processes (0: in this process), then the model alone, on batches made before:
    each mode's seconds per step, weighted by its share in the recipe, the time for unpacking included.
    """
    recipe = config if isinstance(config, TrainConfig) else TrainConfig.load(config)
    processes = Processes()
    if threads:
        torch.set_num_threads(threads)
    if seconds <= 0:
        raise ValueError(f"seconds is {seconds}; give a positive time for each measurement")
    maker, _ = make_makers(load_mixture(data, shares, recipe.validation_fraction), recipe)
    rows = []
    for count in workers:
        progress(f"loader, {count} processes")
        rows.append(_row(f"loader, {count} processes", loader_rate(maker, count, seconds, processes), recipe, "cpu"))
    progress("model")
    rows.append(_row("model", model_rate(maker, seconds, processes), recipe, processes.description))
    return rows


def loader_rate(maker: BatchMaker, workers: int, seconds: float, processes: Processes) -> float:
    """Steps per second for which the loader makes batches; its start is not counted."""
    feed = load_batches(maker, 0, workers=workers, pin=processes.device.type == "cuda")
    for _ in range(max(1, 2 * workers)):  # what the processes have made ahead
        next(feed)
    begun, made = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds and next(feed, None) is not None:
        made += 1
    feed.close()
    return max(made, 1) / spent / maker.config.accumulate


def model_rate(maker: BatchMaker, seconds: float, processes: Processes) -> float:
    """Steps per second of the training alone; compilation is not counted."""
    recipe = maker.config
    trainer = Trainer(recipe, processes=processes)
    per_step, total = 0.0, sum(recipe.modes.values())
    for mode, share in recipe.modes.items():
        size = range(recipe.batch_size // recipe.accumulate)
        packed = replace(maker.make(0, size, modes={mode: 1.0}), windows=[])
        times: list[float] = []
        begun = time.perf_counter()
        while len(times) < _WARM_UP + 1 or time.perf_counter() - begun < seconds * share / total:
            before = time.perf_counter()
            trainer.advance([packed.unpack(processes.device) for _ in range(recipe.accumulate)])  # ends with a sync
            times.append(time.perf_counter() - before)
        timed = times[_WARM_UP:]
        per_step += share / total * sum(timed) / len(timed)
    return 1 / per_step


def _row(part: str, rate: float, recipe: TrainConfig, device: str) -> dict:
    return {"part": part, "steps_per_second": rate, "samples_per_second": rate * recipe.batch_size, "device": device}
