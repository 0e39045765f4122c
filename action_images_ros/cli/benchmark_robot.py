"""The commands under `action-images benchmark` that measure the path to the robot: checks, messages, safety."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .app import benchmark
from .shared import Json, Model, Seed, _height_and_width, _numbers, _show, _write


@benchmark.command("robot")
def benchmark_robot(
    frames: Annotated[str, typer.Option(help="Frames of a chunk, separated by commas.")] = "9,17,25",
    chunks: Annotated[int, typer.Option(help="Chunks measured per row.")] = 200,
    description: Annotated[str, typer.Option(help="MJCF or URDF of another arm than the cell's.")] = "",
    tool: Annotated[str, typer.Option(help="Its site, body or link of the TCP.")] = "",
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure how long a chunk is checked against the arm's joints, links and keep-outs."""
    from ..benchmarks.robot_check import robot_check_table

    rows = robot_check_table(
        _numbers("frames", frames),
        chunks,
        seed,
        description=description,
        tool=tool,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    _show(rows)
    _write(json, rows)


@benchmark.command("ros")
def benchmark_ros(
    model: Model = "nano",
    policy: Annotated[str, typer.Option(help="model, or oracle (tests only).")] = "model",
    chunks: Annotated[int, typer.Option(help="Chunks executed; 0: transport only.")] = 20,
    rate: Annotated[float, typer.Option(help="Images per second of the transport measurement.")] = 30.0,
    size: Annotated[str, typer.Option(help="Image size of the transport measurement, HxW.")] = "480x640",
    seconds: Annotated[float, typer.Option(help="Seconds of the transport measurement.")] = 5.0,
    log: Annotated[Path | None, typer.Option(help="File for the log of the nodes.")] = None,
    json: Json = None,
) -> None:
    """Measure message transport, and the age of commands since the image stamp in the live graph of the cell."""
    from ..benchmarks.ros_latency import live_ages, transport

    rows = [transport(rate, _height_and_width(size, "480x640"), seconds)]
    result = {"transport": rows[0]}
    if chunks > 0:
        live = result["live"] = live_ages(model, policy=policy, chunks=chunks, log=log)
        rows += live["rows"]
        typer.echo(
            f"{live['policy']} {live['model']}, cell at {live['real_time_factor']:.2f} x real time (ages "
            f"are simulated time); {live['stages']}"
        )
    _show(rows)
    _write(json, result)


@benchmark.command("pictures")
def benchmark_pictures(
    episodes: Annotated[int, typer.Option(help="Nominal episodes of the cell.", min=0)] = 1000,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Count nominal episodes whose pictures are doubted; the cost of a picture of 640x480."""
    from ..benchmarks.picture_health import false_alarms, picture_cost_ms

    result = false_alarms(episodes, seed, progress=lambda line: typer.echo(f"  {line}", err=True))
    result["picture_ms"] = round(picture_cost_ms(), 3)
    _show([{key: value for key, value in result.items() if key != "doubts"}])
    for name, doubts in result["doubts"].items():
        typer.echo(f"  {name}: {doubts[0]}")
    _write(json, result)
    raise typer.Exit(1 if result["doubted"] else 0)


@benchmark.command("safety")
def benchmark_safety(
    ticks: Annotated[int, typer.Option(help="Commands asked for.", min=1)] = 1_000_000,
    seconds: Annotated[float | None, typer.Option(help="Stop after this many seconds; default: never.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Attack the command executor with random clocks, poses and chunks; report violations and the worst motion."""
    from ..benchmarks.safety import SafetyResult, run_safety

    reported = 0

    def progress(result: SafetyResult) -> None:
        nonlocal reported
        if result.ticks - reported >= 10_000:
            reported = result.ticks
            typer.echo(f"  {result.ticks} ticks, {sum(result.violations.values())} violations", err=True)
            if json is not None:
                _write(json, result.row())

    result = run_safety(ticks, seed, progress=progress, seconds=seconds or float("inf"))
    _show([{"limit": name, "worst share": round(share, 4)} for name, share in sorted(result.worst.items())])
    row = result.row()
    typer.echo(
        f"{result.ticks} ticks, {result.poses} poses, {result.accepted} chunks accepted, {row['violations']} violations"
    )
    for example in result.examples:
        typer.echo(f"  {example}")
    _write(json, row)
    raise typer.Exit(1 if result.violations else 0)
