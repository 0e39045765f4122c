"""Open-loop evaluation: the modes of the world model on held-out episodes, window by window, with baselines."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data.episode import Episode, load_episodes
from ..metrics.actions import mean_pose
from ..metrics.features import FeatureDistance
from ..paths import models_path
from .baselines import OPEN_MODES, Estimate, conditioning_frames, constant_estimate, estimates
from .held_out import HeldOutWindow, made_episodes, recorded_episodes, windows_of
from .modes import check_choice, check_counts
from .results import write_result
from .scores import Scored, score_actions, score_video, summarise, true_frames
from .sheets import write_sheet

__all__ = ["evaluate_mode", "judge"]

PER_SHEET = 2
"""Windows of each task on its contact sheet: the first in which the arm travels far."""


def evaluate_mode(
    model: str | os.PathLike = "nano",
    mode: str = "joint",
    tasks: list[str] | None = None,
    episodes: int = 50,
    seed: int = 0,
    *,
    data: str | os.PathLike | None = None,
    steps: int = 1,
    batch: int = 8,
    json_path: str | os.PathLike | None = None,
    sheets: str | os.PathLike | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> dict:
    """Evaluate one of OPEN_MODES; returns {"settings", "summary", "rows"}, rows one per window and method.

    data: folder of episodes (selection: `held_out.recorded_episodes`); None: demonstrations of the expert, generated
    for the seeds from ``seed`` on. episodes: maximum number per task. steps: sampling
    steps. batch: windows per call of the model. sheets: folder for contact sheets. json_path is written
    at the end. Raises ValueError and FileNotFoundError for wrong arguments.
    """
    from ..cell.tasks.registry import TASKS, find_task

    check_choice("mode", mode, OPEN_MODES)
    check_counts(episodes=episodes, seed=seed, steps=steps, batch=batch)
    tasks = [find_task(task).name for task in (TASKS if tasks is None else tasks)]
    model = models_path(model)
    if data is not None:
        load_episodes(Path(data), limit=1)  # the same refusal, before torch takes its time
    from ..policy.registry import load_policy

    world_model = load_policy(model, threads=threads)
    card = world_model.card
    source: Iterable[Episode]
    if data is None:
        source, total = made_episodes(tasks, seed, episodes, card.dt, card.image_size), episodes * len(tasks)
    else:
        source = recorded_episodes(Path(data), tasks, episodes, card.recipe.get("validation_fraction", 0.03))
        total = len(source)
    source = _shown(source, total, mode, quiet)
    result = judge(world_model, mode, source, tasks, steps=steps, batch=batch, sheets=sheets)
    result["settings"] = {
        "mode": mode,
        "model": Path(model).name,
        "data": None if data is None else Path(data).name,
        "seed": seed if data is None else None,
        **result["settings"],
        "steps": steps,
        "batch": batch,
        "threads": threads,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    if json_path is not None:
        write_result(Path(json_path), result)
    if not quiet:
        _print_table(result)
    return result


def judge(model, mode: str, episodes, tasks: list[str], *, steps: int = 1, batch: int = 8, sheets=None) -> dict:
    """Score a model (it has ``card`` and ``generate``) on episodes; see `evaluate_mode`."""
    card = model.card
    distance = FeatureDistance() if mode in ("joint", "world", "video") else None
    scored: list[Scored] = []
    poses: list[HeldOutWindow] = []  # without their images
    shown: dict[str, list[tuple[HeldOutWindow, Estimate]]] = {}
    seconds, used, skipped = 0.0, 0, 0

    def windows() -> Iterator[HeldOutWindow]:
        nonlocal used, skipped
        for episode in episodes:
            found = windows_of(episode, card.frames, card.dt, card.image_size)
            used, skipped = used + bool(found), skipped + (not found)
            yield from found

    for group in _batches(windows(), batch):
        seeds = [_noise_seed(window) for window in group]
        answers, spent = estimates(model, group, mode, seeds, steps)
        seconds += spent
        for window, answer in zip(group, answers, strict=True):
            features = None if distance is None else distance.features(true_frames(window))
            scored += [_score(window, by, estimate, mode, features, distance) for by, estimate in answer.items()]
            poses.append(replace(window, images=window.images[:, :0]))
            if sheets is not None and window.far and len(shown.setdefault(window.task, [])) < PER_SHEET:
                shown[window.task].append((window, answer["model"]))
    if not scored:
        raise ValueError(f"no episode holds a whole window of {card.frames} frames; give longer ones")
    if mode == "label-unknown":
        constant = mean_pose(np.concatenate([w.poses for w in poses]), np.concatenate([w.openness for w in poses]))
        scored += [_score(w, "mean pose", constant_estimate(*constant, w), mode, None, None) for w in poses]
    for task, pairs in shown.items():
        write_sheet(Path(sheets) / f"{mode}_{task}.png", pairs)
    settings = {
        "episodes": used,
        "windows": len(poses),
        "frames": card.frames,
        "shorter_episodes_left_out": skipped,
        "model_seconds_per_window": round(seconds / len(poses), 4),
    }
    return {"settings": settings, "summary": summarise(scored, tasks), "rows": [s.row() for s in scored]}


def _score(window: HeldOutWindow, by: str, estimate: Estimate, mode: str, features, distance) -> Scored:
    values: dict[str, Any] = {}
    if estimate.video is not None:
        values |= score_video(window, estimate.video, features, distance)
    if estimate.actions is not None:
        values |= score_actions(estimate.judged_on or window, estimate, conditioning_frames(mode))
    return Scored(window.task, window.seed, window.start, window.far, by, values)


def _batches(windows: Iterator[HeldOutWindow], size: int) -> Iterator[list[HeldOutWindow]]:
    group: list[HeldOutWindow] = []
    for window in windows:
        group.append(window)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _noise_seed(window: HeldOutWindow) -> int:
    """The same noise for a window whatever else is evaluated."""
    return window.seed * 1000 + window.start


def _shown(episodes, total: int, mode: str, quiet: bool) -> Iterator[Episode]:
    """The episodes, with a progress bar unless quiet."""
    from rich.console import Console
    from rich.progress import track

    yield from track(episodes, description=mode, total=total, console=Console(stderr=True), disable=quiet)


VIDEO_COLUMNS = {
    "psnr": ("PSNR dB", 1),
    "moving_psnr": ("moving dB", 1),
    "ssim": ("SSIM", 3),
    "features": ("features", 3),
    "seams_16px": ("seams 16", 2),
    "seams_4px": ("seams 4", 2),
}
ACTION_COLUMNS = {
    "position_mm": ("mm", 1),
    "position_mm_mean": ("mean", 1),
    "position_mm_p95": ("p95", 1),
    "rotation_deg": ("deg", 1),
    "rotation_deg_mean": ("mean", 1),
    "rotation_deg_p95": ("p95", 1),
    "openness": ("open %", 1),
    "valid": ("valid %", 1),
    "track_px": ("track px", 2),
    "jaccard_4px": ("J@4", 3),
    "average_jaccard": ("AJ", 3),
}


def _print_table(result: dict) -> None:
    """One table of the videos, one of the actions; intervals stand below the figures they belong to."""
    from rich.console import Console
    from rich.table import Table

    console, head = Console(), result["settings"]
    if not console.is_terminal:
        console = Console(width=150)
    title = (
        f"{head['mode']} {head['model']}: {head['windows']} windows of {head['episodes']} episodes, "
        f"{head['model_seconds_per_window']:.3f} s per window"
    )
    for columns in (VIDEO_COLUMNS, ACTION_COLUMNS):
        summary = [row for row in result["summary"] if any(name in row for name in columns)]
        if not summary:
            continue
        table = Table("", "by", *(heading for heading, _ in columns.values()), title=title)
        group = None
        for row in summary:
            if group not in (None, row["group"]):
                table.add_section()
            name, group = "" if group == row["group"] else row["group"], row["group"]
            table.add_row(name, row["by"], *(_cell(row, key, *form) for key, form in columns.items()))
        console.print(table)


def _cell(row: dict, name: str, heading: str, digits: int) -> str:
    if row.get(name) is None:
        return "-"
    scale = 100 if heading.endswith("%") else 1
    text = f"{row[name] * scale:.{digits}f}"
    if row.get(f"{name}_low") is not None:
        text += f"\n{row[f'{name}_low'] * scale:.{digits}f}..{row[f'{name}_high'] * scale:.{digits}f}"
    return text
