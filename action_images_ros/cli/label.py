"""The commands that label and make recordings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .app import app
from .archive import Ray, RayCpus, RayGpus, Retries, Workers, is_many, label_many_bags
from .data import (
    Calibration,
    Cameras,
    Extrinsics,
    ImageTolerance,
    Instruction,
    LogTime,
    Namespace,
    PoseTolerance,
    Robot,
    _options,
)
from .shared import _lines, _names, _pair

__all__ = ["label_quality"]


@app.command("label")
def _label(
    bags: Annotated[
        list[Path],
        typer.Argument(help="Recordings (rosbag2: MCAP or sqlite3), folders of them, or .txt or .jsonl lists."),
    ],
    output: Annotated[
        Path, typer.Option(help="Recording to create; for several inputs: the folder to create them in.")
    ],
    model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
    known_pose: Annotated[
        str,
        typer.Option(help="Condition each window on the measured first pose: auto (where recorded), yes or no."),
    ] = "auto",
    instruction: Instruction = "",
    robot: Robot = "",
    cameras: Cameras = "",
    namespace: Namespace = None,
    calibration: Calibration = None,
    extrinsics: Extrinsics = "auto",
    log_time: LogTime = False,
    image_tolerance: ImageTolerance = 0.05,
    pose_tolerance: PoseTolerance = 0.1,
    stride: Annotated[
        int | None, typer.Option(help="Frames between the starts of windows; default: half a window.")
    ] = None,
    hold: Annotated[
        int, typer.Option(help="Maximum gap: consecutive frames without an image that are bridged (and not labelled).")
    ] = 2,
    batch: Annotated[int | None, typer.Option(help="Windows per call of the model.")] = None,
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the sampler noise.")] = 0,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the model.")] = None,
    prefix: Annotated[str, typer.Option(help="Prefix of the label topics.")] = "label",
    compression: Annotated[str, typer.Option(help="Compression of the output: empty or zstd.")] = "",
    corrupt: Annotated[
        str, typer.Option(help="Corrupt the recording first, to measure robustness: drop=SHARE,blur=PX,seed=N.")
    ] = "",
    json: Annotated[Path | None, typer.Option("--json", help="Write all reports to this file.")] = None,
    workers: Workers = None,
    ray: Ray = "",
    ray_cpus: RayCpus = 1.0,
    ray_gpus: RayGpus = 0.0,
    retries: Retries = 2,
) -> None:
    """Label recordings with the motion of the arm; an interrupted run resumes when called again."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from ..labelling.corrupt import Corruption
    from ..labelling.offline import LabelOptions
    from ..labelling.several import label_bags
    from .shared import _write

    given = _options(
        robot=robot,
        cameras=tuple(_names(cameras)),
        namespace=namespace,
        instruction_text=instruction,
        calibration_file="" if calibration is None else str(calibration),
        extrinsics=extrinsics,
        log_time=log_time,
        image_tolerance=image_tolerance,
        pose_tolerance=pose_tolerance,
    )
    options = LabelOptions(
        robot=robot,
        setup=given.setup,
        known_pose=known_pose,
        stride=stride,
        batch=batch,
        hold=hold,
        steps=steps,
        seed=seed,
        prefix=prefix,
        compression=compression,
        corruption=Corruption.parse(corrupt),
    )
    if is_many(bags, workers, ray):
        from ..scale.archive import Workers

        label_many_bags(bags, output, model, options, Workers(ray, workers, ray_cpus, ray_gpus, threads, retries), json)
        return
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
        reports, failed = label_bags(
            bags,
            output,
            model,
            options,
            threads=threads,
            progress=lambda name, share, doing: bar.update(task, completed=share, description=f"{name}: {doing}"),
        )
    if reports:
        _lines(
            [
                {
                    "recording": Path(r["output"]).name,
                    "frames": r["frames"],
                    "labelled": r["labelled"],
                    "known pose": f"{r['windows_with_known_pose']}/{r['windows']}",
                    "mm (p95)": _pair(r, "position_mm"),
                    "deg (p95)": _pair(r, "rotation_deg"),
                    "open %": _number(r["openness_right"], 100),
                    "J@4": _number(r["jaccard_4px"]),
                    "frames/s": _number(r["frames_per_second"]),
                    "x real time": _number(r["times_real_time"]),
                }
                for r in reports
            ]
        )
    for report in reports:
        for reason, count in report["without_label"].items():
            typer.echo(f"  {Path(report['output']).name}: {count} frames without a label: {reason}")
    for path, error in failed.items():
        typer.echo(f"action-images: {path}: {error}" if str(path) not in error else f"action-images: {error}", err=True)
    _write(json, {"reports": reports, "failed": failed})
    if failed:
        sys.exit(2 if len(bags) == 1 else 1)


def label_quality(
    model: str,
    tasks: list[str],
    episodes: int,
    seed: int,
    corrupt: str,
    *,
    data: Path | None,
    steps: int,
    threads: int | None,
    json: Path | None,
    known_pose: str,
) -> None:
    """Print the table of `evaluate --mode label --corrupt`, over corrupted recordings."""
    from ..benchmarks.label_robustness import parse_cases, quality
    from .shared import _write

    result = quality(
        model,
        tasks,
        episodes,
        seed,
        parse_cases(corrupt, known_pose),
        data=data,
        steps=steps,
        threads=threads,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    _lines(
        [
            {
                "case": r["case"],
                "episodes": r["episodes"],
                "frames": r["frames"],
                "labelled %": _number(r["labelled"] / max(r["frames"], 1), 100),
                "mm (p95)": _pair(r, "position_mm"),
                "deg (p95)": _pair(r, "rotation_deg"),
                "open %": _number(r["openness_right"], 100),
                "track px": _number(r["track_px"]),
                "J@4": _number(r["jaccard_4px"]),
                "AJ": _number(r["average_jaccard"]),
            }
            for r in result["rows"]
        ]
    )
    _write(json, result)


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


def _number(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else f"{scale * value:.3g}"
