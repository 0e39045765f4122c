"""What a chunk costs: seconds per stage and memory of each runtime, every row measured in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import platform
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..evaluation.export import export_model
from ..evaluation.parity import expert_observations
from ..paths import models_path
from ..policy.card import CARD, CONFIG, WEIGHTS, ModelCard
from ..policy.observation import Observation
from ..policy.protocol import Sampled
from ..policy.registry import RUNTIMES, load_policy
from ..progress import Progress, silent

__all__ = ["BACKENDS", "STAGES", "copy_model", "measure", "model_table"]

BACKENDS = tuple(f"{runtime}:{threads}" for runtime in RUNTIMES for threads in (1, 2))
STAGES = ("text", "encode", "denoise", "paint", "lift")
WARM_UP = 3


def model_table(
    model: str | os.PathLike = "nano",
    *,
    recipe: Path | None = None,
    backends: Sequence[str] = (),
    steps: Sequence[int] = (1,),
    views: int = 2,
    chunks: int = 20,
    success: int = 0,
    tasks: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = silent,
) -> dict:
    """Returns {"what", "machine", "rows"}, one row per backend and number of sampling steps.

    recipe: measure this configuration with random weights instead of `model`. backends: "runtime:threads", default
    BACKENDS. success: add the success rate of that runtime over so many episodes of each of `tasks`, from `seed`; one
    measurement for all its numbers of threads. Everything is exported anew, into a temporary folder. Raises ValueError
    for arguments that cannot be.
    """
    wanted = [_parsed(backend) for backend in backends or BACKENDS]
    for name, value, low in (("chunks", chunks, 1), ("success", success, 0), *(("steps", n, 1) for n in steps)):
        if value < low:
            raise ValueError(f"{name} is {value}; give {low} or more")
    if recipe is not None and success:
        raise ValueError(f"success is {success}; random weights have none: leave it out with a recipe")
    with TemporaryDirectory(prefix="action-images-benchmark-") as name:
        folder = Path(name)
        what = copy_model(models_path(model), folder) if recipe is None else _random(recipe, folder)
        card = ModelCard.load(folder)
        if any(runtime.startswith("onnx") for runtime, _ in wanted):
            progress("exporting")
            export_model(folder, views=(views,), int8=any(runtime == "onnx-int8" for runtime, _ in wanted))
        seen = expert_observations(5, card.image_size, views)
        rows, rates = [], {}
        for count in steps:
            for runtime, threads in wanted:
                progress(f"{runtime}, {threads} threads, {count} steps")
                row = _in_a_process(folder, runtime, threads, seen, count, chunks)
                if success:
                    if (runtime, count) not in rates:
                        rates[runtime, count] = _success(folder, runtime, count, tasks, success, seed)
                    row |= rates[runtime, count]
                rows.append(row)
    height, width = card.image_size
    return {
        "what": f"{what}, {views} views of {height}x{width} px, {card.frames} frames",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "rows": rows,
    }


def measure(
    folder: Path, runtime: str, threads: int, observations: Sequence[Observation], steps: int = 1, chunks: int = 20
) -> dict:
    """One row, measured in this process: median seconds of every stage, of chunks their median and 95th percentile,
    and resident megabytes after the last. The first few chunks are left out. "lift" is decoding to poses."""
    from ..policy.decoding import chunk_from_prediction

    model = load_policy(folder, runtime=runtime, threads=threads, views=len(observations[0].images))
    if isinstance(model, Sampled):
        model = model.with_steps(steps)
    stages: list[dict[str, float]] = []
    totals: list[float] = []
    for index in range(WARM_UP + chunks):
        begin = time.perf_counter()
        prediction = model.predict(observations[index % len(observations)], seed=index)
        painted = time.perf_counter()
        chunk_from_prediction(prediction, np.eye(3))
        end = time.perf_counter()
        totals.append(end - begin)
        stages.append({"paint": 0.0, **prediction.stage_seconds, "lift": end - painted})
    stages, totals = stages[WARM_UP:], totals[WARM_UP:]
    return {
        "runtime": runtime,
        "threads": threads,
        "steps": steps,
        **{stage: float(np.median([row[stage] for row in stages])) for stage in STAGES},
        "total": float(np.median(totals)),
        "p95": float(np.percentile(totals, 95)),
        "megabytes": _resident_mb(),
    }


def _in_a_process(*arguments) -> dict:
    """`measure` in a fresh process, so that no runtime sees the memory or the threads of another."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def _success(folder: Path, runtime: str, steps: int, tasks: Sequence[str], episodes: int, seed: int) -> dict:
    from ..evaluation.closed_loop import evaluate

    summary = evaluate(folder, list(tasks), episodes, seed, runtime=runtime, steps=steps, threads=1, quiet=True)[
        "summary"
    ]
    return {row["task"]: f"{row['successes']}/{row['episodes']}" for row in summary}


def _parsed(backend: str) -> tuple[str, int]:
    runtime, _, threads = backend.partition(":")
    if runtime not in RUNTIMES or not threads.isdigit() or int(threads) < 1:
        raise ValueError(
            f"backend is {backend!r}; give runtime:threads, such as onnx:1, with a runtime of {', '.join(RUNTIMES)}"
        )
    return runtime, int(threads)


def copy_model(source: Path, folder: Path) -> str:
    """Copies a model without what was exported of it; returns a description. Raises FileNotFoundError."""
    name = ModelCard.load(source).name
    for file in (CARD, CONFIG, WEIGHTS):
        if not (source / file).is_file():
            raise FileNotFoundError(f"{source} has no {file}: give a folder written by `action-images train`")
        shutil.copyfile(source / file, folder / file)
    return f"model {name}"


def _random(recipe: Path, folder: Path) -> str:
    from ..training.config import TrainConfig

    config = TrainConfig.load(recipe)
    from ..world_model.nano.checkpoints import save_random_model  # torch, once the recipe is known to be one

    save_random_model(folder, config.model, ModelCard(recipe.stem, config.image_size, config.frames, config.dt))
    return f"{recipe} with RANDOM weights (speed only)"


def _resident_mb() -> float:
    """Resident memory of this process in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
