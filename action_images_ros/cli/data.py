"""The commands on recordings and datasets: convert and inspect."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import app
from .options import RecordingOptions, SegmentOptions, options_from_dataclasses, reader_options
from .shared import Report, _lines, _number, _write

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..data.episode import Episode


def _image_size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        height, width = (int(part) for part in text.lower().split("x")) if "x" in text.lower() else (int(text),) * 2
    except ValueError:
        raise ValueError(f"size is {text!r}; give HEIGHTxWIDTH in pixels, for example 96x96") from None
    return height, width


@dataclass(frozen=True)
class WriteOptions:
    """What is written of which segments."""

    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the images; default: unchanged.")] = ""
    min_frames: Annotated[int, typer.Option(help="Skip segments of a recording with fewer frames.")] = 5
    max_seconds: Annotated[float, typer.Option(help="Skip segments of a recording longer than this, s.")] = 300.0
    success: Annotated[
        bool | None, typer.Option("--success/--failed", help="Override the outcome that the source tells.")
    ] = None
    images: Annotated[str, typer.Option(help="Image encoding of written recordings: raw, png or jpeg.")] = "raw"
    crf: Annotated[int, typer.Option(help="Quality of written videos (H.264), 0 best, 51 worst.")] = 18
    renumber: Annotated[bool, typer.Option("--renumber", help="Renumber the episodes: seeds 0, 1, ..")] = False


@app.command("convert")
@options_from_dataclasses
def _convert(
    source: Annotated[Path, typer.Argument(help="Recording(s), LeRobot dataset, RLBench layout or training cache.")],
    target: Annotated[Path, typer.Argument(help="Folder to create.")],
    to: Annotated[str, typer.Option(help="cache, lerobot, rlbench or rosbag2.")] = "cache",
    json: Report = None,
    *,
    recording: RecordingOptions,
    segments: SegmentOptions,
    written: WriteOptions,
) -> None:
    """Convert recordings and datasets; the format of SOURCE is recognised, an interrupted conversion resumes."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ..data.convert import convert

    options = reader_options(recording, segments, **(asdict(written) | {"size": _image_size(written.size)}))
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
@options_from_dataclasses
def _inspect(
    path: Annotated[Path, typer.Argument(help="Recording(s), LeRobot dataset, RLBench layout or training cache.")],
    out: Annotated[Path | None, typer.Option(help="Folder for images with the projected tool points.")] = None,
    html: Annotated[Path | None, typer.Option(help="Page to write: images, rates, gaps, units, verdicts.")] = None,
    json: Report = None,
    episodes: Annotated[int, typer.Option(help="Number of recordings or episodes to inspect.")] = 3,
    model: Annotated[
        str, typer.Option(help="Model (name in models/ or folder) that reads the gripper and judges the cameras by it.")
    ] = "",
    *,
    recording: RecordingOptions,
    segments: SegmentOptions,
) -> None:
    """Inspect recordings and datasets: topics, rates, gaps, drift, and the projection of the tool onto the gripper.

    Exit code 0: nothing is wrong; 1: there are problems; 2: nothing could be read.
    """
    from ..data.inspect import inspect

    options = reader_options(recording, segments)
    report = inspect(path, options, out=out, html=html, episodes=episodes, judge=_camera_judge(model))
    typer.echo(
        f"{path}: {report['format']}, {report['items']} {'recordings' if report['format'] == 'rosbag2' else 'episodes'}"
    )
    for entry in report["recordings"]:
        typer.echo(f"\n{entry['recording']}: {entry['seconds']:.1f} s, {entry['messages']} messages")
        _lines([_topic_row(topic) for topic in entry["topics"]])
    if report["episodes"]:
        typer.echo("")
        _lines([_camera_row(episode, camera) for episode in report["episodes"] for camera in episode["cameras"]])
    for problem in report["problems"]:
        typer.echo(f"  problem: {problem}")
    for note in report["notes"]:
        typer.echo(f"  note: {note}")
    if out is not None and report["episodes"]:
        typer.echo(f"pictures: {', '.join(e['picture'] for e in report['episodes'])}")
    if html is not None:
        typer.echo(f"page: {html}")
    _write(json, report)
    if report["problems"]:
        sys.exit(1 if report["readable"] else 2)


def _camera_judge(model: str) -> Callable[[Episode], list[str]] | None:
    """What judges cameras by the gripper in their pictures; None without a model."""
    if not model:
        return None
    from ..labelling.calibrate import camera_judge
    from ..paths import models_path
    from ..policy.protocol import Labels, require
    from ..policy.registry import load_policy

    return camera_judge(require(load_policy(str(models_path(model))), Labels, "judge cameras"))


def _topic_row(topic: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": topic["name"],
        "type": topic["type"].rpartition("/")[2],
        "count": topic["count"],
        "Hz": _number(topic["rate_hz"]),
        "gaps": topic["gap_count"],
        "longest s": _number(topic["gaps"][0][1] if topic["gaps"] else None),
        "delay s": _number(topic["delay"]),
        "drift ppm": _number(topic["drift_ppm"]),
    }


def _camera_row(episode: dict[str, Any], camera: dict[str, Any]) -> dict[str, Any]:
    return {
        "episode": episode["name"],
        "instruction": episode["instruction"],
        "frames": episode["frames"],
        "dt": episode["dt"],
        "path m": _number(episode["path_m"]),
        "camera": camera["camera"],
        "px": "x".join(map(str, episode["size"])),
        "in view": _number(camera["in_view"]),
        "motion at tool": _number(camera["motion_ratio"]),
    }
