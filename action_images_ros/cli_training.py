"""The commands of `action-images` that train a model, and measure whether its loader keeps up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Recipe = Annotated[Path, typer.Argument(help="Recipe, for example config/training/nano.yaml.")]
Folders = Annotated[list[Path], typer.Option("--data", help="Folder of episodes (action-images collect); repeatable.")]
Shares = Annotated[str, typer.Option("--share", help="Share of each folder, such as 0.7,0.3; empty: by size.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Threads = Annotated[int | None, typer.Option(help="CPU threads of torch.")]
Init = Annotated[Path | None, typer.Option(help="Model folder, or name in models/, to start from.")]


def train(config: Recipe, data: Folders, out: Annotated[Path, typer.Option(help="Folder of the run.")],
          share: Shares = "",
          resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's checkpoint.")] = False,
          minutes: Annotated[float | None, typer.Option(help="Stop, with a checkpoint, after this time.")] = None,
          init: Init = None, threads: Threads = None,
          workers: Annotated[int | None, typer.Option(help="Loading processes of each training process.")] = None,
          steps: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
          batch_size: Annotated[int | None, typer.Option(help="Windows per step; instead of the recipe's.")] = None,
          accumulate: Annotated[int | None, typer.Option(help="Parts of a batch; instead of the recipe's.")] = None,
          ) -> None:
    """Train a world model; `accelerate launch -m action_images_ros.cli train ..` on several processes."""
    from .training.train import train as run

    folder = run(config, data, out, shares=_numbers(share), resume=resume, minutes=minutes, init=init, threads=threads,
                 workers=workers, steps=steps, batch_size=batch_size, accumulate=accumulate)
    if int(os.environ.get("RANK", 0)) == 0:
        typer.echo(f"model: {folder}")


def benchmark_loader(config: Recipe, data: Folders, share: Shares = "",
                     workers: Annotated[str, typer.Option(help="Numbers of loading processes to try.")] = "0,1,2",
                     seconds: Annotated[float, typer.Option(help="Time for each measurement.")] = 10.0,
                     threads: Threads = None, json: Json = None) -> None:
    """Batches per second of the loader beside steps per second of the model."""
    from .cli import _show, _write
    from .training.throughput import measure

    rows = measure(config, data, shares=_numbers(share), workers=[int(n) for n in workers.split(",")], seconds=seconds,
                   threads=threads, progress=lambda text: typer.echo(f"  {text}", err=True))
    _show(rows)
    _write(json, rows)


def add_to(app: typer.Typer, benchmark: typer.Typer) -> None:
    """Registers the commands."""
    app.command()(train)
    benchmark.command("loader")(benchmark_loader)


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")] if text.strip() else None
    except ValueError:
        raise ValueError(f"share is {text!r}; give numbers separated by commas, such as 0.7,0.3") from None
