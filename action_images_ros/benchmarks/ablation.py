"""Time gained and accuracy lost by each optimisation of a chunk, on one model."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..codec.decode import DecodedActions, decode
from ..evaluation.export import export_model
from ..evaluation.held_out import HeldOutWindow, made_episodes, windows_of
from ..metrics.actions import action_errors
from ..paths import models_path
from ..policy.card import ModelCard
from ..policy.observation import Observation
from ..policy.registry import load_policy
from ..progress import Progress, silent
from .runtimes import copy_model

__all__ = ["STAGES", "Stage", "ablation_table"]


@dataclass(frozen=True)
class Stage:
    """One configuration: canvas (joint generates the video as well), sampling steps, runtime."""

    name: str
    canvas: str
    steps: int
    runtime: str = "torch"


STAGES = (
    Stage("joint canvas, 10 steps", "joint", 10),
    Stage("policy canvas, 10 steps", "policy", 10),
    Stage("4 steps", "policy", 4),
    Stage("2 steps", "policy", 2),
    Stage("1 step", "policy", 1),
    Stage("bfloat16", "policy", 1, "torch-bf16"),
    Stage("onnxruntime", "policy", 1, "onnx"),
    Stage("onnxruntime, int8", "policy", 1, "onnx-int8"),
)
"""Each adds to the one before; the last three are alternatives. The first stands for the published protocol."""


def ablation_table(
    model: str | os.PathLike = "nano",
    *,
    tasks: Sequence[str] = (),
    episodes: int = 4,
    seed: int = 0,
    threads: int = 1,
    stages: Sequence[Stage] = STAGES,
    progress: Progress = silent,
) -> dict:
    """Returns {"what", "machine", "rows"}, a row per stage, all on the same windows with the same noise.

    The windows are those of the expert's demonstrations of seeds `seed`, .. (`episodes` per task; empty: all tasks) in
    which the tool travels far; errors are of the predicted frames against what the expert did. "apart_mm" is how far,
    in the median, the poses are from the first row's. Raises ValueError and FileNotFoundError for bad arguments.
    """
    from ..cell.tasks.registry import TASKS, find_task

    tasks = list(tasks) or list(TASKS)
    for task in tasks:
        find_task(task)
    for name, value in (("episodes", episodes), ("threads", threads)):
        if value < 1:
            raise ValueError(f"{name} is {value}; give 1 or more")
    with TemporaryDirectory(prefix="action-images-benchmark-") as name:
        folder = Path(name)
        what = copy_model(models_path(model), folder)
        card = ModelCard.load(folder)
        progress("demonstrations")
        size = card.image_size
        windows = [
            w
            for episode in made_episodes(tasks, seed, episodes, card.dt, size)
            for w in windows_of(episode, card.frames, card.dt, size)
            if w.far
        ]
        if not windows:
            raise ValueError(f"no window of {episodes} episodes of {', '.join(tasks)} moves far; give more episodes")
        if any(stage.runtime.startswith("onnx") for stage in stages):
            progress("exporting")
            export_model(folder, int8=any(stage.runtime == "onnx-int8" for stage in stages))
        rows, first = [], None
        for stage in stages:
            progress(stage.name)
            answers, seconds = _answers(load_policy(folder, runtime=stage.runtime, threads=threads), windows, stage)
            first = first or (answers, seconds)
            rows.append(_row(stage, windows, answers, seconds, *first))
    return {
        "what": f"{what}: {len(windows)} windows of {', '.join(tasks)} from seed {seed}, {threads} thread(s)",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "rows": rows,
    }


def _answers(model, windows: list[HeldOutWindow], stage: Stage) -> tuple[list[DecodedActions], float]:
    """The decoded chunk of every window, and the median seconds of one, lifting included."""
    answers, seconds = [], []
    for index, window in enumerate(windows):
        begin = time.perf_counter()
        prediction = model.predict(_observation(window), mode=stage.canvas, seed=index, steps=stage.steps)
        answers.append(decode(prediction.action_images, prediction.K, prediction.world_from_camera))
        seconds.append(time.perf_counter() - begin)
    return answers, float(np.median(seconds))


def _observation(window: HeldOutWindow) -> Observation:
    return Observation(
        0,
        tuple(f"view_{v}" for v in range(len(window.K))),
        window.images[:, 0],
        window.K,
        window.world_from_camera,
        window.poses[0],
        float(window.openness[0]),
        window.instruction,
    )


def _row(stage: Stage, windows, answers, seconds: float, first_answers, first_seconds: float) -> dict:
    errors = [
        action_errors(answer, window.matrices, window.openness) for answer, window in zip(answers, windows, strict=True)
    ]
    values = {name: np.concatenate([e[name][1:] for e in errors]) for name in errors[0]}
    apart = [
        np.linalg.norm(a.poses[1:, :3] - b.poses[1:, :3], axis=1)[a.valid[1:] & b.valid[1:]]
        for a, b in zip(answers, first_answers, strict=True)
    ]
    return {
        "stage": stage.name,
        "seconds": round(seconds, 4),
        "faster": round(first_seconds / seconds, 1),
        "position_mm": _median(values["position_mm"]),
        "rotation_deg": _median(values["rotation_deg"]),
        "openness": round(float(values["openness"].mean()), 3),
        "valid": round(float(values["valid"].mean()), 3),
        "apart_mm": _median(np.concatenate(apart) * 1e3),
    }


def _median(values: np.ndarray) -> float | None:
    values = values[np.isfinite(values)]
    return round(float(np.median(values)), 2) if len(values) else None
