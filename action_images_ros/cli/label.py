"""The commands that label and make recordings."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import app
from .archive import WorkerOptions, is_many, label_many_bags
from .options import RecordingOptions, options_from_dataclasses
from .shared import Model, _lines, _names, _pair, _scaled, _write

if TYPE_CHECKING:
    from ..labelling.offline import LabelOptions


@dataclass(frozen=True)
class WindowOptions:
    """How windows are cut, labelled and written."""

    known_pose: Annotated[
        str,
        typer.Option(help="Condition each window on the measured first pose: auto (where recorded), yes or no."),
    ] = "auto"
    stride: Annotated[
        int | None, typer.Option(help="Frames between the starts of windows; default: half a window.")
    ] = None
    max_gap: Annotated[
        int,
        typer.Option(
            "--max-gap", "--hold", help="Consecutive frames without an image that are bridged (not labelled)."
        ),
    ] = 2
    batch: Annotated[int | None, typer.Option(help="Windows per call of the model.")] = None
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 1
    seed: Annotated[int, typer.Option(help="Seed of the sampler noise.")] = 0
    prefix: Annotated[str, typer.Option(help="Prefix of the label topics.")] = "label"
    compression: Annotated[str, typer.Option(help="Compression of the output: empty or zstd.")] = ""
    corrupt: Annotated[
        str, typer.Option(help="Corrupt the recording first, to measure robustness: drop=SHARE,blur=PX,seed=N.")
    ] = ""


def _label_options(recording: RecordingOptions, windows: WindowOptions) -> LabelOptions:
    from ..labelling.corrupt import Corruption
    from ..labelling.offline import LabelOptions

    values = asdict(windows)
    corruption = Corruption.parse(values.pop("corrupt"))
    return LabelOptions(robot=recording.robot, setup=recording.setup(), corruption=corruption, **values)


@app.command("label")
@options_from_dataclasses
def _label(
    bags: Annotated[
        list[Path],
        typer.Argument(help="Recordings (rosbag2: MCAP or sqlite3), folders of them, or .txt or .jsonl lists."),
    ],
    output: Annotated[
        Path, typer.Option(help="Recording to create; for several inputs: the folder to create them in.")
    ],
    model: Model = "nano",
    json: Annotated[Path | None, typer.Option("--json", help="Write all reports to this file.")] = None,
    *,
    recording: RecordingOptions,
    windows: WindowOptions,
    workers: WorkerOptions,
) -> None:
    """Label recordings with the motion of the arm; an interrupted run resumes when called again."""
    options = _label_options(recording, windows)
    if is_many(bags, workers.workers, workers.ray):
        label_many_bags(bags, output, model, options, workers.many(), json)
        return
    reports, failed = _label_in_turn(bags, output, model, options, workers.threads)
    if reports:
        _lines([_report_row(report) for report in reports])
    for report in reports:
        for reason, count in report["without_label"].items():
            typer.echo(f"  {Path(report['output']).name}: {count} frames without a label: {reason}")
    for path, error in failed.items():
        typer.echo(f"action-images: {path}: {error}" if str(path) not in error else f"action-images: {error}", err=True)
    _write(json, {"reports": reports, "failed": failed})
    if failed:
        sys.exit(2 if len(bags) == 1 else 1)


def _label_in_turn(
    bags: list[Path], output: Path, model: str, options: LabelOptions, threads: int | None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The reports, and the error of each recording that could not be labelled."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from ..labelling.batch import label_bags

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("label", total=1.0)
        return label_bags(
            bags,
            output,
            model,
            options,
            threads=threads,
            progress=lambda name, share, doing: bar.update(task, completed=share, description=f"{name}: {doing}"),
        )


def _report_row(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "recording": Path(report["output"]).name,
        "frames": report["frames"],
        "labelled": report["labelled"],
        "known pose": f"{report['windows_with_known_pose']}/{report['windows']}",
        "mm (p95)": _pair(report, "position_mm"),
        "deg (p95)": _pair(report, "rotation_deg"),
        "open %": _scaled(report["openness_right"], 100),
        "J@4": _scaled(report["jaccard_4px"]),
        "frames/s": _scaled(report["frames_per_second"]),
        "x real time": _scaled(report["times_real_time"]),
    }


@app.command("record")
def _record(
    output: Annotated[Path, typer.Argument(help="Recording to create.")],
    namespace: Annotated[str, typer.Option(help="Namespace of the graph; empty on a robot.")] = "cell",
    topics: Annotated[
        str, typer.Option(help="Topics separated by commas; default: all of the graph's table and TF.")
    ] = "",
    seconds: Annotated[float | None, typer.Option(help="Stop after this time; default: Ctrl-C.")] = None,
    wait: Annotated[float, typer.Option(help="Time for topics to appear, s.")] = 10.0,
    compression: Annotated[str, typer.Option(help="Compression: empty or zstd.")] = "",
) -> None:
    """Record the running ROS graph; Ctrl-C ends it."""
    from ..apps.bag_recorder import RecordError, record

    try:
        raise typer.Exit(
            record(
                output,
                namespace=namespace,
                topics=tuple(_names(topics)),
                seconds=seconds,
                patience=wait,
                compression=compression,
                say=typer.echo,
            )
        )
    except RecordError as error:
        typer.echo(f"action-images: {error}", err=True)
        raise typer.Exit(2) from None
