"""The commands that label many recordings and size a labelling cluster."""

from __future__ import annotations

import sys
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import app
from .options import options_from_dataclasses
from .shared import Json, ModelThreads, _lines, _number, _write

if TYPE_CHECKING:
    from ..labelling.offline import LabelOptions
    from ..scale.archive import Workers
    from ..scale.many import Summary

__all__ = ["WorkerOptions", "is_many", "label_many_bags"]


@dataclass(frozen=True)
class WorkerOptions:
    """The workers that label many recordings."""

    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes or Ray workers for many recordings; default: 1 process, or as many as the cluster holds."
        ),
    ] = None
    ray: Annotated[
        str, typer.Option(help="Ray cluster: HOST:PORT, ray://HOST:PORT or auto; local starts one for this run.")
    ] = ""
    ray_cpus: Annotated[float, typer.Option(help="Processors of each Ray worker.")] = 1.0
    ray_gpus: Annotated[float, typer.Option(help="GPUs of each Ray worker; fractions such as 0.5 are allowed.")] = 0.0
    retries: Annotated[int, typer.Option(help="Retries of a recording after a transient error.")] = 2
    threads: ModelThreads = None

    def many(self) -> Workers:
        """The same for `scale.archive`."""
        from ..scale.archive import Workers

        return Workers(self.ray, self.workers, self.ray_cpus, self.ray_gpus, self.threads, self.retries)


_MOST_ROWS = 50


def is_many(bags: list[Path], workers: int | None, ray: str) -> bool:
    """Return whether a job manifest is needed: a folder or list of recordings, or several workers."""
    from ..scale.bags import is_one

    return bool(ray) or workers is not None or any(bag.exists() and not is_one(bag) for bag in bags)


def label_many_bags(
    bags: list[Path], output: Path, model: str, options: LabelOptions, workers: Workers, report: Path | None = None
) -> None:
    """Label them with a progress bar and a table; exit code 1 when some failed. workers: `scale.archive.Workers`."""
    from json import loads

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from ..scale.archive import label_archive

    columns = (
        TextColumn("label"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("failed {task.fields[failed]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None, failed=0)

        def show(done: int, failed: int, total: int, note: str) -> None:
            if ": " in note:
                console.print(f"  {note}", markup=False, highlight=False, soft_wrap=True)
            bar.update(task, completed=done + failed, total=total, failed=failed, description=note.split(":")[0])

        summary = label_archive(bags, output, model, options, workers, progress=show)
    reports = {entry.name: loads((output / entry.report).read_text()) for entry in summary.done if entry.report}
    _table(summary, reports)
    frames = sum(r.get("frames", 0) for r in reports.values())
    recorded = sum(r.get("recorded_seconds", 0.0) for r in reports.values())
    resumed = f", {summary.resumed} of them before" if summary.resumed else ""
    typer.echo(
        f"{len(summary.done)} recordings labelled in {output}{resumed}; {len(summary.failed)} failed, "
        f"{summary.retried} tries repeated; {frames} frames, {recorded / 3600:.3g} h"
    )
    _write(report, {**summary.to_dict(), "reports": reports})
    if summary.failed:
        typer.echo(
            f"action-images: {len(summary.failed)} recordings could not be labelled (above, and in "
            f"{output / 'summary.json'}); the same command tries them again",
            err=True,
        )
        sys.exit(1)


def _table(summary: Summary, reports: dict[str, dict[str, Any]]) -> None:
    """All recordings, or of a large archive those that failed."""
    shown = summary.entries if len(summary.entries) <= _MOST_ROWS else summary.failed[:_MOST_ROWS]
    if shown:
        _lines(
            [
                {
                    "recording": e.name,
                    "state": e.state,
                    "tries": e.attempts,
                    "worker": e.worker,
                    "s": _number(e.seconds),
                    **_figures(reports.get(e.name, {})),
                    "error": e.error,
                }
                for e in shown
            ]
        )
    if len(shown) < len(summary.failed):
        typer.echo(f"  .. and {len(summary.failed) - len(shown)} more that failed")


def _figures(report: dict[str, Any]) -> dict[str, str]:
    return {
        "frames": str(report.get("frames", "")),
        "labelled": str(report.get("labelled", "")),
        "mm": _number(report.get("position_mm_median")),
        "deg": _number(report.get("rotation_deg_median")),
        "frames/s": _number(report.get("frames_per_second")),
    }


@dataclass(frozen=True)
class ArchiveOptions:
    """The recordings of an archive."""

    hours: Annotated[float, typer.Option(help="Hours of recordings.")] = 10_000.0
    cameras: Annotated[int, typer.Option(help="Cameras.")] = 2
    rate: Annotated[float, typer.Option(help="Images per second and camera in the recordings.")] = 30.0
    height: Annotated[int, typer.Option(help="Height of the recorded images, px.")] = 480
    width: Annotated[int, typer.Option(help="Width of the recorded images, px.")] = 640


@app.command("size")
@options_from_dataclasses
def _size(
    archive: ArchiveOptions,
    frames_per_second: Annotated[
        float | None,
        typer.Option(help="Frames per second of one worker, from a report with the same number of cameras."),
    ] = None,
    days: Annotated[float, typer.Option(help="Days available.")] = 7.0,
    workers: Annotated[int | None, typer.Option(help="Number of workers, instead of --days.")] = None,
    json: Json = None,
) -> None:
    """Estimate workers, hours and storage to label an archive (docs/sizing.md)."""
    from ..scale.sizing import Archive, Rates, rows, size

    rates = Rates() if frames_per_second is None else Rates(pictures_per_second=frames_per_second * archive.cameras)
    result = size(Archive(*astuple(archive)), rates, days=days, workers=workers)
    _lines(rows(result))
    _write(json, result)
