"""The commands on recordings and datasets: convert and inspect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .app import app
from .shared import _lines, _names, _number

Robot = Annotated[str, typer.Option(help="Name or file of config/robots; recordings in /cell: cell.")]
Cameras = Annotated[str, typer.Option(help="Cameras of a recording, NAME or NAME=TOPIC, separated by commas.")]
Namespace = Annotated[str | None, typer.Option(help="Namespace of a recording's topics; default: found.")]
Instruction = Annotated[str, typer.Option(help="Instruction for recordings without one.")]
Calibration = Annotated[Path | None, typer.Option(help="YAML file with camera poses, for recordings without them.")]
Extrinsics = Annotated[str, typer.Option(help="Camera poses from auto, tf, topic or file.")]
LogTime = Annotated[bool, typer.Option("--log-time", help="Use the recording time instead of header stamps.")]
Dt = Annotated[float | None, typer.Option(help="Seconds between frames of recordings; default 0.2.")]
ImageTolerance = Annotated[float, typer.Option(help="Tolerance between a frame and the images of other cameras, s.")]
PoseTolerance = Annotated[
    float, typer.Option(help="Tolerance between a frame and the poses it is interpolated from, s.")
]
Gaps = Annotated[str, typer.Option(help="Segments with a gap: refuse, split or join.")]


def _options(**given: Any):
    """Options of the readers; the names of BagSetup's fields go to its part."""
    from dataclasses import fields

    from ..data.format import Options
    from ..data.rosbag2.topics import BagSetup

    setup = {field.name for field in fields(BagSetup)}
    given = {name: value for name, value in given.items() if value not in (None, "", ())}
    return Options(
        setup={name: value for name, value in given.items() if name in setup},
        **{name: value for name, value in given.items() if name not in setup},
    )


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        height, width = (int(part) for part in text.lower().split("x")) if "x" in text.lower() else (int(text),) * 2
    except ValueError:
        raise ValueError(f"size is {text!r}; give HEIGHTxWIDTH in pixels, for example 96x96") from None
    return height, width


@app.command("convert")
def _convert(
    source: Annotated[Path, typer.Argument(help="Recording(s), LeRobot dataset, RLBench layout or training cache.")],
    target: Annotated[Path, typer.Argument(help="Folder to create.")],
    to: Annotated[str, typer.Option(help="cache, lerobot, rlbench or rosbag2.")] = "cache",
    robot: Robot = "",
    cameras: Cameras = "",
    namespace: Namespace = None,
    instruction: Instruction = "",
    calibration: Calibration = None,
    extrinsics: Extrinsics = "auto",
    log_time: LogTime = False,
    dt: Dt = None,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the images; default: unchanged.")] = "",
    image_tolerance: ImageTolerance = 0.05,
    pose_tolerance: PoseTolerance = 0.1,
    gaps: Gaps = "refuse",
    min_frames: Annotated[int, typer.Option(help="Skip segments of a recording with fewer frames.")] = 5,
    max_seconds: Annotated[float, typer.Option(help="Skip segments of a recording longer than this, s.")] = 300.0,
    success: Annotated[
        bool | None, typer.Option("--success/--failed", help="Override the outcome stored in a recording.")
    ] = None,
    images: Annotated[str, typer.Option(help="Image encoding of written recordings: raw, png or jpeg.")] = "raw",
    crf: Annotated[int, typer.Option(help="Quality of written videos (H.264), 0 best, 51 worst.")] = 18,
    renumber: Annotated[bool, typer.Option("--renumber", help="Renumber the episodes: seeds 0, 1, ..")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
) -> None:
    """Convert recordings and datasets; the format of SOURCE is recognised, an interrupted conversion resumes."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ..data.convert import convert
    from .shared import _write

    options = _options(
        robot=robot,
        cameras=tuple(_names(cameras)),
        namespace=namespace,
        instruction_text=instruction,
        calibration_file="" if calibration is None else str(calibration),
        extrinsics=extrinsics,
        log_time=log_time,
        dt=dt,
        size=_size(size),
        image_tolerance=image_tolerance,
        pose_tolerance=pose_tolerance,
        gaps=gaps,
        min_frames=min_frames,
        max_seconds=max_seconds,
        success=success,
        images=images,
        crf=crf,
        renumber=renumber,
    )
    columns = (
        TextColumn("convert"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        result = convert(
            source,
            target,
            to,
            options,
            progress=lambda done, total, name: bar.update(task, completed=done, total=total, description=name),
        )
    for item in result.items:
        for text in item["notes"]:
            typer.echo(f"  note: {item['item']}: {text}", err=True)
        for text in item["lost"]:
            typer.echo(f"  left out: {item['item']}: {text}", err=True)
    resumed = f"; {result.resumed} items were done already" if result.resumed else ""
    typer.echo(
        f"{result.episodes} episodes in {target} ({result.source_format} to {result.target_format}); "
        f"{len(result.lost)} left out{resumed}"
    )
    _write(json, {**asdict(result), "target": str(target), "episodes": result.episodes})
    if result.lost:
        sys.exit(1)


@app.command("inspect")
def _inspect(
    path: Annotated[Path, typer.Argument(help="Recording(s), LeRobot dataset, RLBench layout or training cache.")],
    out: Annotated[Path | None, typer.Option(help="Folder for images with the projected tool points.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    episodes: Annotated[int, typer.Option(help="Number of recordings or episodes to inspect.")] = 3,
    robot: Robot = "",
    cameras: Cameras = "",
    namespace: Namespace = None,
    instruction: Instruction = "",
    calibration: Calibration = None,
    extrinsics: Extrinsics = "auto",
    log_time: LogTime = False,
    dt: Dt = None,
    image_tolerance: ImageTolerance = 0.05,
    pose_tolerance: PoseTolerance = 0.1,
    gaps: Gaps = "refuse",
) -> None:
    """Inspect recordings and datasets: topics, rates, gaps, drift, and the projection of the tool onto the gripper."""
    from ..data.inspect import inspect
    from .shared import _write

    options = _options(
        robot=robot,
        cameras=tuple(_names(cameras)),
        namespace=namespace,
        instruction_text=instruction,
        calibration_file="" if calibration is None else str(calibration),
        extrinsics=extrinsics,
        log_time=log_time,
        dt=dt,
        image_tolerance=image_tolerance,
        pose_tolerance=pose_tolerance,
        gaps=gaps,
    )
    report = inspect(path, options, out=out, episodes=episodes)
    typer.echo(
        f"{path}: {report['format']}, {report['items']} {'recordings' if report['format'] == 'rosbag2' else 'episodes'}"
    )
    for recording in report["recordings"]:
        typer.echo(f"\n{recording['recording']}: {recording['seconds']:.1f} s, {recording['messages']} messages")
        _lines(
            [
                {
                    "topic": t["name"],
                    "type": t["type"].rpartition("/")[2],
                    "count": t["count"],
                    "Hz": _number(t["rate_hz"]),
                    "gaps": t["gap_count"],
                    "longest s": _number(t["gaps"][0][1] if t["gaps"] else None),
                    "delay s": _number(t["delay"]),
                    "drift ppm": _number(t["drift_ppm"]),
                }
                for t in recording["topics"]
            ]
        )
    if report["episodes"]:
        typer.echo("")
        _lines(
            [
                {
                    "episode": e["name"],
                    "instruction": e["instruction"],
                    "frames": e["frames"],
                    "dt": e["dt"],
                    "path m": _number(e["path_m"]),
                    "camera": c["camera"],
                    "px": "x".join(map(str, e["size"])),
                    "in view": _number(c["in_view"]),
                    "motion at tool": _number(c["motion_ratio"]),
                }
                for e in report["episodes"]
                for c in e["cameras"]
            ]
        )
    for problem in report["problems"]:
        typer.echo(f"  problem: {problem}")
    if out is not None and report["episodes"]:
        typer.echo(f"pictures: {', '.join(e['picture'] for e in report['episodes'])}")
    _write(json, report)
