"""The commands of `action-images` that label recordings and make them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import cli_data, cli_scale

__all__ = ["label_quality", "register"]


def _label(
    bags: Annotated[list[Path], typer.Argument(help="Recordings (rosbag2: MCAP or sqlite3), folders of them, or .txt "
                                                    "or .jsonl lists.")],
    output: Annotated[Path, typer.Option(help="Recording to make; of several: folder to make them in, by name.")],
    model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
    known_pose: Annotated[str, typer.Option(help="Tell the model where the arm was at the begin of each window: auto "
                                                 "(where recorded), yes or no.")] = "auto",
    instruction: cli_data.Instruction = "", robot: cli_data.Robot = "", cameras: cli_data.Cameras = "",
    namespace: cli_data.Namespace = None, calibration: cli_data.Calibration = None,
    extrinsics: cli_data.Extrinsics = "auto", log_time: cli_data.LogTime = False,
    image_tolerance: cli_data.ImageTolerance = 0.05, pose_tolerance: cli_data.PoseTolerance = 0.1,
    stride: Annotated[int | None, typer.Option(help="Frames from window to window; default: half a window.")] = None,
    hold: Annotated[int, typer.Option(help="Frames in a row without a picture that are bridged, unlabelled.")] = 2,
    batch: Annotated[int | None, typer.Option(help="Windows per call of the model.")] = None,
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the model.")] = None,
    prefix: Annotated[str, typer.Option(help="Of the labels' topics.")] = "label",
    compression: Annotated[str, typer.Option(help="Of what is written: empty or zstd.")] = "",
    corrupt: Annotated[str, typer.Option(help="Make the recording worse first, to measure what that costs: "
                                              "drop=SHARE,blur=PX,seed=N.")] = "",
    json: Annotated[Path | None, typer.Option("--json", help="Write all reports to this file.")] = None,
    workers: cli_scale.Workers = None, ray: cli_scale.Ray = "", ray_cpus: cli_scale.RayCpus = 1.0,
    ray_gpus: cli_scale.RayGpus = 0.0, retries: cli_scale.Retries = 2,
) -> None:
    """Label recordings with what the arm does in them; an interrupted run goes on when called again."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from .cli import _write
    from .labelling.corrupt import Corruption
    from .labelling.offline import LabelOptions
    from .labelling.several import label_bags

    given = cli_data._options(
        robot=robot, cameras=cli_data._camera_list(cameras), namespace=namespace, instruction_text=instruction,
        calibration_file="" if calibration is None else str(calibration), extrinsics=extrinsics, log_time=log_time,
        image_tolerance=image_tolerance, pose_tolerance=pose_tolerance)
    options = LabelOptions(robot=robot, setup=given.setup, known_pose=known_pose, stride=stride, batch=batch, hold=hold,
                           steps=steps, seed=seed, prefix=prefix, compression=compression,
                           corruption=Corruption.parse(corrupt))
    if cli_scale.is_many(bags, workers, ray):
        from .scale.archive import Workers

        cli_scale.label_many_bags(bags, output, model, options,
                                  Workers(ray, workers, ray_cpus, ray_gpus, threads, retries), json)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
               TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("label", total=1.0)
        reports, failed = label_bags(
            bags, output, model, options, threads=threads,
            progress=lambda name, share, doing: bar.update(task, completed=share, description=f"{name}: {doing}"))
    if reports:
        cli_data._lines([{
            "recording": Path(r["output"]).name, "frames": r["frames"], "labelled": r["labelled"],
            "known pose": f"{r['windows_with_known_pose']}/{r['windows']}",
            "mm (p95)": _pair(r, "position_mm"), "deg (p95)": _pair(r, "rotation_deg"),
            "open %": _number(r["openness_right"], 100), "J@4": _number(r["jaccard_4px"]),
            "frames/s": _number(r["frames_per_second"]),
            "x real time": _number(r["times_real_time"])} for r in reports])
    for report in reports:
        for reason, count in report["without_label"].items():
            typer.echo(f"  {Path(report['output']).name}: {count} frames without a label: {reason}")
    for path, error in failed.items():
        typer.echo(f"action-images: {path}: {error}" if str(path) not in error else f"action-images: {error}", err=True)
    _write(json, {"reports": reports, "failed": failed})
    if failed:
        sys.exit(2 if len(bags) == 1 else 1)


def label_quality(model: str, tasks: list[str], episodes: int, seed: int, corrupt: str, *, data: Path | None,
                  steps: int, threads: int | None, json: Path | None, known_pose: str) -> None:
    """`evaluate --mode label --corrupt`: the table over recordings made worse."""
    from .cli import _show, _write
    from .evaluation.label_quality import parse_cases, quality

    result = quality(model, tasks, episodes, seed, parse_cases(corrupt, known_pose), data=data, steps=steps,
                     threads=threads, progress=lambda line: typer.echo(f"  {line}", err=True))
    _show([{"case": r["case"], "episodes": r["episodes"], "frames": r["frames"],
            "labelled %": _number(r["labelled"] / max(r["frames"], 1), 100), "mm (p95)": _pair(r, "position_mm"),
            "deg (p95)": _pair(r, "rotation_deg"), "open %": _number(r["openness_right"], 100),
            "track px": _number(r["track_px"]), "J@4": _number(r["jaccard_4px"]), "AJ": _number(r["average_jaccard"])}
           for r in result["rows"]])
    _write(json, result)


def _record(
    output: Annotated[Path, typer.Argument(help="Recording to make.")],
    namespace: Annotated[str, typer.Option(help="Of the graph; empty for a robot's.")] = "cell",
    topics: Annotated[str, typer.Option(help="Separated by commas; default: all of the graph's table and TF.")] = "",
    seconds: Annotated[float | None, typer.Option(help="End after this time; default: Ctrl-C.")] = None,
    wait: Annotated[float, typer.Option(help="How long topics may take to appear, s.")] = 10.0,
    compression: Annotated[str, typer.Option(help="Empty or zstd.")] = "",
) -> None:
    """Record the running ROS graph; Ctrl-C ends it."""
    from .ros.bag_recorder import RecordError, record

    try:
        raise typer.Exit(record(output, namespace=namespace, topics=cli_data._camera_list(topics), seconds=seconds,
                                patience=wait, compression=compression, say=typer.echo))
    except RecordError as error:
        typer.echo(f"action-images: {error}", err=True)
        raise typer.Exit(2) from None


def _pair(report: dict, name: str) -> str:
    """Median and 95th percentile."""
    if report[f"{name}_median"] is None:
        return "-"
    return f"{report[f'{name}_median']:.1f} ({report[f'{name}_p95']:.1f})"


def _number(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else f"{scale * value:.3g}"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("label")(_label)
    app.command("record")(_record)
