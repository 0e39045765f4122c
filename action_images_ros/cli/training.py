"""The commands that train a model: train, collect and export."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from . import environments
from .app import app
from .options import options_from_dataclasses
from .shared import CORES, Env, Json, Seed, Workers, _numbers, _refuse_others, _show, _tasks, _write

Recipe = Annotated[Path, typer.Argument(help="Recipe, for example config/training/nano.yaml.")]
Folders = Annotated[list[Path], typer.Option("--data", help="Folder of episodes (action-images collect); repeatable.")]
Shares = Annotated[str, typer.Option("--share", help="Share of each folder, such as 0.7,0.3; empty: by size.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads of torch.")]


@dataclass(frozen=True)
class RunOptions:
    """How a training process runs, and what overrides the recipe."""

    resume: Annotated[bool, typer.Option("--resume", help="Resume from the run's checkpoint.")] = False
    minutes: Annotated[float | None, typer.Option(help="Stop after this time, with a checkpoint.")] = None
    init: Annotated[Path | None, typer.Option(help="Model folder, or name in models/, to start from.")] = None
    threads: Threads = None
    workers: Annotated[int | None, typer.Option(help="Loading processes of each training process.")] = None
    steps: Annotated[int | None, typer.Option(help="Training steps; overrides the recipe.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Windows per step; overrides the recipe.")] = None
    accumulate: Annotated[int | None, typer.Option(help="Micro-batches per process; overrides the recipe.")] = None


@app.command()
@options_from_dataclasses
def train(
    config: Recipe,
    data: Folders,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    share: Shares = "",
    *,
    options: RunOptions,
) -> None:
    """Train a world model; `accelerate launch -m action_images_ros.cli train ..` on several processes."""
    from contextlib import nullcontext

    from ..safe_files import FolderLock

    first = int(os.environ.get("RANK", 0)) == 0  # the others of the same training write nothing
    lock = FolderLock(out.parent, f"train to {out.name}", name=f".{out.name}.lock") if first else nullcontext()
    with lock:
        from ..training.train import train as run

        folder = run(config, data, out, shares=_shares(share), **asdict(options))
    if int(os.environ.get("RANK", 0)) == 0:
        typer.echo(f"model: {folder}")


def _shares(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")] if text.strip() else None
    except ValueError:
        raise ValueError(f"share is {text!r}; give numbers separated by commas, such as 0.7,0.3") from None


@dataclass(frozen=True)
class SceneOptions:
    """What is recorded of which environment."""

    size: Annotated[int, typer.Option(help="Height and width of the stored images, px.")] = 96
    cameras: Annotated[int, typer.Option(help="Cell: cameras rendered, 2..4.")] = 3
    perturbed: Annotated[float, typer.Option(help="Cell: share with perturbed starts and pushes.")] = 1 / 3
    env: Env = "cell"
    corrections: Annotated[
        str,
        typer.Option(
            help="DAgger corrections: model (name or folder) that moves the arm first; the expert "
            "continues from there. The model's own motion is not recorded.",
            metavar="MODEL",
        ),
    ] = ""


@app.command()
@options_from_dataclasses
def collect(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; seeds already in it are skipped.")],
    tasks: Annotated[
        str, typer.Option(help="all, or names separated by commas; of a benchmark also its groups.")
    ] = "all",
    episodes: Annotated[
        int | None, typer.Option(help="Attempts over all tasks (300); with --env a benchmark of each task (50).")
    ] = None,
    seed: Seed = 1_000_000,
    workers: Workers = CORES,
    *,
    scene: SceneOptions,
) -> None:
    """Record demonstrations of the scripted experts, in the simulated cell or a benchmark."""
    if scene.env != environments.CELL:
        cell_only = {"cameras": (scene.cameras, 3), "perturbed": (scene.perturbed, 1 / 3)}
        _refuse_others(cell_only, f"--env {scene.env}")
        environments.collect_env(
            directory,
            scene.env,
            tasks,
            50 if episodes is None else episodes,
            seed,
            workers=workers,
            size=scene.size,
            corrections=scene.corrections,
        )
        return
    from ..cell.collect import collect as run

    record = None
    if scene.corrections:
        from ..evaluation.corrections import Corrections
        from ..paths import models_path

        record = Corrections(str(models_path(scene.corrections)))
    result = run(
        directory,
        _tasks(tasks),
        300 if episodes is None else episodes,
        seed,
        workers=workers,
        size=scene.size,
        cameras=scene.cameras,
        perturbed_fraction=scene.perturbed,
        record=record,
    )
    typer.echo(
        f"{result.written} episodes written to {directory}, {result.skipped} there already, {len(result.failed)} failed"
    )


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="Name in models/ or folder.")],
    out: Annotated[Path | None, typer.Option(help="Output folder; default: the model's folder.")] = None,
    views: Annotated[str, typer.Option(help="Numbers of cameras, separated by commas; one file each.")] = "2",
    video: Annotated[bool, typer.Option("--video", help="Export the predicted video too.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Export a quantised version too.")] = False,
    observations: Annotated[int, typer.Option(help="Observations for the comparison with torch.")] = 9,
    json: Json = None,
) -> None:
    """Export the model to ONNX, for the runtimes onnx and onnx-int8, and compare it with torch."""
    from ..evaluation.export import export_model

    rows = export_model(
        model,
        out=out,
        views=_numbers("views", views),
        video=video,
        int8=int8,
        observations=observations,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    shown = {
        "file": "file",
        "megabytes": "MB",
        "decoded": "frames",
        "position_mm_median": "mm",
        "position_mm_max": "max mm",
        "rotation_deg_median": "deg",
        "rotation_deg_max": "max deg",
        "levels_max": "max level",
        "verdicts_differ": "valid in one",
    }
    _show([{title: row[key] for key, title in shown.items()} for row in rows])
    _write(json, rows)
