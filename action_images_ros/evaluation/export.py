"""Exporting a model: graphs are written aside, compared with torch, and only then put beside the weights."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..paths import models_path
from ..policy.card import CARD, ModelCard
from ..policy.observation import Observation
from ..policy.protocol import Policy
from ..progress import Progress, silent
from ..safe_files import whole_file
from ..world_model.canvas import build_canvas
from ..world_model.onnx.files import export_name
from ..world_model.schedule import noise
from .parity import POSITION_LIMIT_M, Parity, compare, expert_observations

__all__ = ["MAX_VIEWS", "export_model"]

MAX_VIEWS = 4
"""Cameras of the simulated cell, in which the exports are checked."""
CALIBRATION = 24


def export_model(
    model: str | os.PathLike,
    *,
    out: Path | None = None,
    views: Sequence[int] = (2,),
    video: bool = False,
    int8: bool = False,
    observations: int = 9,
    threads: int = 1,
    progress: Progress = silent,
) -> list[dict]:
    """Write policy_<views>views.onnx (and world_.. with `video`, .._int8.onnx with `int8`) into the model's folder.

    out: another folder, which gets a copy of the model card and can then be loaded alone. observations: of the cell,
    on which every file is compared with torch. Returns one row per file: file, megabytes, and the figures of Parity.
    Raises ValueError, and leaves no file behind, where poses decoded from a float export are more than 1 mm away.
    """
    folder = Path(models_path(model))
    card = ModelCard.load(folder)
    target = Path(out) if out is not None else folder
    _check_places(folder, card, views, target)
    from ..policy.registry import load_policy

    torch_model = load_policy(folder, threads=threads)
    rows = []
    with TemporaryDirectory(prefix="action-images-export-") as name:
        work = Path(name)
        card.save(work)
        for count in sorted(set(views)):
            seen = expert_observations(observations, card.image_size, count)
            for mode in ("policy", "world") if video else ("policy",):
                progress(f"{export_name(mode, count)}: exporting")
                rows.append(_export_compared(folder, work, mode, count, torch_model, seen, threads))
            if int8:
                progress(f"{export_name('policy', count, True)}: calibrating on {CALIBRATION} observations")
                _quantise(work, card, count)
                parity = compare(torch_model, load_policy(work, runtime="onnx-int8", threads=threads), seen)
                rows.append(_row(work / export_name("policy", count, True), parity))
        target.mkdir(parents=True, exist_ok=True)
        for file in work.glob("*.onnx"):
            with whole_file(target / file.name) as part:
                shutil.copyfile(file, part)
        if not (target / CARD).is_file():
            card.save(target)
    return rows


def _check_places(folder: Path, card: ModelCard, views: Sequence[int], target: Path) -> None:
    """ValueError where the cell lacks so many cameras or the target folder cannot take the export."""
    for count in views:
        if not 2 <= count <= MAX_VIEWS:
            raise ValueError(
                f"views is {count}; give 2 to {MAX_VIEWS}, the cameras of the cell in which exports are checked"
            )
    if (target / CARD).is_file() and target.resolve() != folder.resolve() and ModelCard.load(target) != card:
        raise ValueError(f"out is {target}, which holds another model; give a new folder")
    nearest = next(place for place in (target, *target.resolve().parents) if place.exists())
    if not os.access(nearest, os.W_OK):
        raise ValueError(f"{nearest} cannot be written to; give another folder with --out")


def _export_compared(
    folder: Path, work: Path, mode: str, views: int, torch_model: Policy, seen: list[Observation], threads: int
) -> dict:
    """Export one graph into `work`; its row. ValueError where its poses are not those of torch."""
    from ..policy.registry import load_policy
    from ..world_model.onnx.export import export_graph

    export_graph(folder, work, mode, views)
    exported = load_policy(work, runtime="onnx", threads=threads)
    parity = compare(torch_model, exported, seen, video=mode == "world")
    if not parity.same and mode == "policy":
        raise ValueError(
            f"the export of {folder} for {views} views does not compute what torch does: poses are up "
            f"to {parity.position_mm_max:.2f} mm apart, {POSITION_LIMIT_M * 1e3:g} mm are allowed, and "
            f"pictures up to {parity.levels_max} levels; nothing was written, please report the "
            "versions of torch, onnx and onnxruntime"
        )
    return _row(work / export_name(mode, views), parity)


def _quantise(work: Path, card: ModelCard, views: int) -> None:
    from ..world_model.onnx.int8 import quantise_graph
    from ..world_model.onnx.model import OnnxWorldModel

    model, canvas = OnnxWorldModel(work), build_canvas("policy", views, card.frames)
    feeds = (
        model.inputs(seen) | {"noised": noise(canvas, card.image_size, [index]), "level": np.array(1, np.float32)}
        for index, seen in enumerate(expert_observations(CALIBRATION, card.image_size, views, seed=7_100_000))
    )
    quantise_graph(work / export_name("policy", views), work / export_name("policy", views, True), feeds)


def _row(file: Path, parity: Parity) -> dict:
    return {"file": file.name, "megabytes": round(file.stat().st_size / 1e6, 2), **parity.row()}
