"""The commands under `action-images benchmark` that measure codec, models, labels and data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from .app import benchmark
from .options import options_from_dataclasses
from .shared import (
    Json,
    Model,
    ModelThreads,
    Seed,
    Tasks,
    _lines,
    _names,
    _numbers,
    _pair,
    _scaled,
    _settings,
    _show,
    _tasks,
    _write,
)
from .training import Folders, Recipe, Shares, Threads, _shares


@benchmark.command("decoder")
def benchmark_decoder(
    frames: Annotated[int, typer.Option(help="Frames generated per row.")] = 500, seed: Seed = 0, json: Json = None
) -> None:
    """Compare the decoder with the Cramer-Rao bound and with the published decoding."""
    from ..benchmarks.decoder import decoder_table

    rows = decoder_table(frames, seed, progress=lambda kind: typer.echo(f"  {kind}", err=True))
    shown = {
        "kind": "kind",
        "position_mm_median": "mm",
        "position_mm_p95": "p95",
        "position_mm_median_ratio": "/bound",
        "rotation_deg_median": "deg",
        "rotation_deg_median_ratio": "/bound ",
        "nees": "NEES",
        "openness_right": "open",
        "valid": "valid",
        "published_position_mm_median": "pub. mm",
        "published_axis_deg_median": "pub. deg",
        "ms_per_frame": "ms",
    }
    _show([{title: row.get(key, "") for key, title in shown.items()} for row in rows])
    _write(json, rows)


@dataclass(frozen=True)
class RuntimeOptions:
    """Which runtimes are measured, and over how much."""

    backends: Annotated[
        str, typer.Option(help="runtime:threads, separated by commas; empty: all runtimes with 1 and 2 threads.")
    ] = ""
    steps: Annotated[str, typer.Option(help="Sampling steps, separated by commas.")] = "1"
    views: Annotated[int, typer.Option(help="Cameras.")] = 2
    chunks: Annotated[int, typer.Option(help="Chunks measured per row.")] = 20


@benchmark.command("model")
@options_from_dataclasses
def benchmark_model(
    model: Model = "nano",
    random: Annotated[
        Path | None,
        typer.Option(help="Measure a recipe such as config/training/nano.yaml with random weights instead."),
    ] = None,
    success: Annotated[int, typer.Option(help="Add success rates over this number of episodes per task; 0: none.")] = 0,
    tasks: Annotated[str, typer.Option(help="Tasks of --success: all, or names separated by commas.")] = "all",
    seed: Seed = 0,
    json: Json = None,
    *,
    runtimes: RuntimeOptions,
) -> None:
    """Measure seconds per chunk and stage, and memory, of every runtime, each in its own process."""
    from ..benchmarks.runtimes import model_table

    result = model_table(
        model,
        recipe=random,
        backends=_names(runtimes.backends),
        steps=_numbers("steps", runtimes.steps),
        views=runtimes.views,
        chunks=runtimes.chunks,
        success=success,
        tasks=_tasks(tasks),
        seed=seed,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    typer.echo(result["what"])
    _show(result["rows"])
    _write(json, result)


@dataclass(frozen=True)
class RobustnessOptions:
    """Which corruptions are measured, on which episodes."""

    corrupt: Annotated[
        str, typer.Option(help="Cases beside the clean one, such as 'drop=0.1; blur=5; cameras; no-pose'.")
    ] = "drop=0.1; blur=5; cameras; no-pose"
    known_pose: Annotated[
        str, typer.Option(help="Condition each window on the measured first pose: auto (where recorded), yes or no.")
    ] = "auto"
    data: Annotated[Path | None, typer.Option(help="Folder of episodes; default: generated.")] = None
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 1
    threads: ModelThreads = None


@benchmark.command("label-robustness")
@options_from_dataclasses
def benchmark_label_robustness(
    model: Model = "nano",
    tasks: Tasks = "all",
    episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 20,
    seed: Seed = 0,
    json: Json = None,
    *,
    options: RobustnessOptions,
) -> None:
    """Measure the labels of corrupted recordings (docs/labelling.md)."""
    from ..benchmarks.label_robustness import parse_cases, quality

    result = quality(
        model,
        _tasks(tasks),
        episodes,
        seed,
        parse_cases(options.corrupt, options.known_pose),
        data=options.data,
        steps=options.steps,
        threads=options.threads,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    _lines(
        [
            {
                "case": r["case"],
                "episodes": r["episodes"],
                "frames": r["frames"],
                "labelled %": _scaled(r["labelled"] / max(r["frames"], 1), 100),
                "mm (p95)": _pair(r, "position_mm"),
                "deg (p95)": _pair(r, "rotation_deg"),
                "open %": _scaled(r["openness_right"], 100),
                "track px": _scaled(r["track_px"]),
                "J@4": _scaled(r["jaccard_4px"]),
                "AJ": _scaled(r["average_jaccard"]),
            }
            for r in result["rows"]
        ]
    )
    _write(json, result)


@benchmark.command("ablation")
def benchmark_ablation(
    model: Model = "nano",
    tasks: Tasks = "all",
    episodes: Annotated[int, typer.Option(help="Demonstrations per task.")] = 4,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure the time gained and the accuracy lost by each optimisation."""
    from ..benchmarks.ablation import ablation_table

    result = ablation_table(
        model,
        tasks=_tasks(tasks),
        episodes=episodes,
        threads=threads,
        seed=seed,
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    typer.echo(result["what"])
    _show(result["rows"])
    _write(json, result)


@benchmark.command("loader")
def benchmark_loader(
    config: Recipe,
    data: Folders,
    share: Shares = "",
    workers: Annotated[str, typer.Option(help="Numbers of loading processes, separated by commas.")] = "0,1,2",
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.")] = 10.0,
    threads: Threads = None,
    json: Json = None,
) -> None:
    """Compare batches per second of the loader with steps per second of the model."""
    from ..benchmarks.loader import measure

    rows = measure(
        config,
        data,
        shares=_shares(share),
        workers=[int(n) for n in workers.split(",")],
        seconds=seconds,
        threads=threads,
        progress=lambda text: typer.echo(f"  {text}", err=True),
    )
    _show(rows)
    _write(json, rows)


@benchmark.command("recordings")
def benchmark_recordings(
    recording: Annotated[
        Path | None, typer.Argument(help="Recording, or folder of them; default: a synthetic one.")
    ] = None,
    gigabytes: Annotated[float, typer.Option(help="Size of the synthetic recording, GB.")] = 0.5,
    robot: Annotated[str, typer.Option(help="Name or file of config/robots; recordings in /cell: cell.")] = "",
    json: Json = None,
) -> None:
    """Measure seconds per GB and memory of reading, inspecting and converting recordings."""
    from ..benchmarks.recordings import measure_recordings

    result = measure_recordings(
        gigabytes, recording, robot=robot, progress=lambda text: typer.echo(f"  {text}", err=True)
    )
    _show(result["rows"])
    _write(json, result)


@benchmark.command("pipeline")
def benchmark_pipeline(
    model: Annotated[str, typer.Option(help="Model folder of the wan backend; empty: random weights.")] = "",
    random: Annotated[
        str, typer.Option(help="Configuration of the random weights: auto (5b with a GPU), 5b or tiny.")
    ] = "auto",
    stages: Annotated[
        bool, typer.Option("--stages", help="One row per optimisation, not only the first and the last.")
    ] = False,
    repeats: Annotated[int, typer.Option(help="Chunks measured per row.")] = 3,
    change: Annotated[list[str] | None, typer.Option("--set", help="setting=value, as in settings.json.")] = None,
    json: Json = None,
) -> None:
    """Measure the 5 B model's published protocol and the fast settings, stage by stage."""
    from ..benchmarks.wan_pipeline import STAGES, pipeline_table

    result = pipeline_table(
        model or None,
        size=random,
        all_stages=stages,
        repeats=repeats,
        changes=_settings(change or []),
        progress=lambda line: typer.echo(f"  {line}", err=True),
    )
    typer.echo(f"{result['what']}; {result['device']}")
    shown = ("name", "frames", "steps", *STAGES, "step", "first", "all", "first_ratio", "all_ratio")
    _show([{key: row[key] for key in shown} for row in result["rows"]])
    _write(json, result)


@benchmark.command("video-agreement")
def benchmark_video_agreement(
    model: Model = "nano",
    tasks: Annotated[str, typer.Option(help="Tasks: all, or names separated by commas.")] = (
        "reach_target,lift_block,place_in_box"
    ),
    count: Annotated[int, typer.Option(help="Chunks; a third of them is spoilt.", min=3)] = 200,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure how well certainty and agreement of video and action foresee wrong chunks (area under the ROC)."""
    from ..benchmarks.video_agreement import measure, summarise
    from ..policy.registry import load_policy

    rows = []
    for row in measure(load_policy(model, threads=1, video=True), _tasks(tasks), count, seed=seed):
        rows.append(row)
        typer.echo(f"  {len(rows)} of {count}", err=True)
    result = summarise(rows)
    _show([result])
    _write(json, {**result, "rows": rows})
