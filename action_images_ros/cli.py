"""The command line `action-images`: a table of commands, each of which imports what it needs when it is called.

What a user can mend (a wrong path, a value out of range) ends with one line on stderr and exit code 2.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import cli_data, cli_label, cli_scale, cli_training, cli_wan

app = typer.Typer(help="Action Images on ROS 2: one video model as policy, simulator and labeller of a robot arm.",
                  no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
benchmark = typer.Typer(help="Measure parts of the system.", no_args_is_help=True)
app.add_typer(benchmark, name="benchmark")
cli_training.add_to(app, benchmark)

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
CORES = os.cpu_count() or 1
Seed = Annotated[int, typer.Option(help="First seed.")]
Workers = Annotated[int, typer.Option(help="Processes.")]


@app.command()
def encode(source: Annotated[Path, typer.Argument(help="npz: actions [T,7] (xyz, Euler, openness), K, E, size")],
           target: Annotated[Path, typer.Argument(help="npz to write: uv [V,T,3,2], images [V,T,H,W,3] u8")]) -> None:
    """Draw actions as action images."""
    from .codec.files import encode_file

    encode_file(source, target)


@app.command()
def decode(source: Annotated[Path, typer.Argument(help="npz: images [V,T,H,W,3], K, E")],
           target: Annotated[Path, typer.Argument(help="npz to write: poses, openness, covariance, valid")]) -> None:
    """Read poses from action images."""
    from .codec.files import decode_file

    decode_file(source, target)


@app.command()
def collect(directory: Annotated[Path, typer.Argument(help="Folder to write to; seeds already in it are skipped.")],
            tasks: Annotated[str, typer.Option(help="all, or names separated by commas.")] = "all",
            episodes: Annotated[int, typer.Option(help="Attempts over all tasks.")] = 300,
            seed: Seed = 1_000_000, workers: Workers = CORES,
            size: Annotated[int, typer.Option(help="Height and width of the stored images, px.")] = 96,
            cameras: Annotated[int, typer.Option(help="Cameras rendered, 2..4.")] = 3,
            perturbed: Annotated[float, typer.Option(help="Share with perturbed starts and pushes.")] = 1 / 3,
            corrections: Annotated[str, typer.Option(help="Model (name or folder) that leads the arm first; the expert "
                                                          "goes on from there. What it does itself is left out.",
                                                     metavar="MODEL")] = "") -> None:
    """Write demonstrations of the scripted experts in the simulated cell."""
    from .cell.collect import collect as run

    record = None
    if corrections:
        from .evaluation.corrections import Corrections
        from .paths import models_path

        record = Corrections(str(models_path(corrections)))
    result = run(directory, _tasks(tasks), episodes, seed, workers=workers, size=size, cameras=cameras,
                 perturbed_fraction=perturbed, record=record)
    typer.echo(f"{result.written} episodes written to {directory}, {result.skipped} there already, "
               f"{len(result.failed)} failed")


@app.command()
def evaluate(model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
             tasks: Annotated[str | None, typer.Option(help="all, or names separated by commas; default: all, with "
                                                       "--condition reach_target, push_button and lift_block.")] = None,
             episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 50,
             seed: Seed = 0, json: Json = None, workers: Workers = 1,
             mode: Annotated[str, typer.Option(help="Closed loop: policy, blind (images of another seed), replay "
                                               "(the expert's poses), replay-codec. On held-out episodes: joint, "
                                               "world, label, label-unknown (first pose not given), video.")] = "",
             replay: Annotated[bool, typer.Option("--replay", help="--mode replay")] = False,
             replay_codec: Annotated[bool, typer.Option("--replay-codec", help="--mode replay-codec")] = False,
             blind: Annotated[bool, typer.Option("--blind", help="--mode blind")] = False,
             condition: Annotated[str, typer.Option(help="Closed loop, beside nominal: all, or names separated by "
                                                    "commas (docs/transfer.md).")] = "",
             execute_steps: Annotated[int, typer.Option(help="Frames executed per chunk.")] = 4,
             latency: Annotated[float, typer.Option(help="Simulated seconds from observation to chunk.")] = 0.0,
             time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0,
             threads: Annotated[int | None, typer.Option(help="CPU threads of the model.")] = None,
             runtime: Annotated[str, typer.Option(help="Closed loop: torch, torch-bf16, onnx or onnx-int8.")] = "torch",
             steps: Annotated[int, typer.Option(help="Sampling steps per chunk.")] = 1,
             data: Annotated[Path | None, typer.Option(help="Held-out: folder of episodes; else made.")] = None,
             sheets: Annotated[Path | None, typer.Option(help="Held-out: folder for contact sheets.")] = None,
             batch: Annotated[int, typer.Option(help="Held-out: windows per call of the model.")] = 8,
             corrupt: Annotated[str, typer.Option(help="label and label-unknown: a table over recordings made worse, "
                                                  "such as 'drop=0.1; blur=5; cameras; no-pose'.")] = "",
             ) -> None:
    """Success rates in the closed loop, without ROS; or every mode of the model on held-out episodes."""
    flags = (("replay", replay), ("replay-codec", replay_codec), ("blind", blind))
    chosen = [f"--mode {mode}"] * bool(mode) + [f"--{name}" for name, on in flags if on]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} exclude each other; choose one")
    mode = mode or next((name for name, on in flags if on), "policy")
    from .evaluation.contenders import OPEN_MODES
    from .evaluation.evaluate import MODES
    from .evaluation.evaluate import evaluate as run

    conditions = _conditions(condition)
    if tasks is None:
        tasks = "reach_target,push_button,lift_block" if conditions else "all"
    if mode not in (*MODES, *OPEN_MODES):
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join((*MODES, *OPEN_MODES))}")
    held_out = {"data": (data, None), "sheets": (sheets, None), "batch": (batch, 8)}
    closed = {"workers": (workers, 1), "execute-steps": (execute_steps, 4), "latency": (latency, 0.0),
              "time-limit": (time_limit, 15.0), "runtime": (runtime, "torch"), "condition": (condition, "")}
    for name, (value, default) in (closed if mode in OPEN_MODES else held_out).items():
        if value != default:
            raise ValueError(f"--{name} is {value}, which mode {mode!r} does not use; leave it out")
    if corrupt:
        if mode not in ("label", "label-unknown"):
            raise ValueError(f"--corrupt goes with --mode label or label-unknown, mode is {mode!r}")
        for name, given in (("sheets", sheets is not None), ("batch", batch != 8)):
            if given:
                raise ValueError(f"--{name} goes without --corrupt; leave one out")
        cli_label.label_quality(model, _tasks(tasks or "all"), episodes, seed, corrupt, data=data, steps=steps,
                                threads=threads, json=json, known_pose="no" if mode == "label-unknown" else "auto")
        return
    if mode in OPEN_MODES:
        from .evaluation.open_loop import evaluate_mode

        evaluate_mode(model, mode, _tasks(tasks), episodes, seed, data=data, steps=steps, batch=batch,
                      json_path=json, sheets=sheets, threads=threads)
        return
    from .evaluation.rollout import RolloutSettings

    run(model, _tasks(tasks), episodes, seed, mode=mode, json_path=json, workers=workers,
        settings=RolloutSettings(execute_steps, latency, time_limit), threads=threads, runtime=runtime, steps=steps,
        conditions=conditions)


@app.command()
def export(model: Annotated[str, typer.Argument(help="Name in models/ or folder.")],
           out: Annotated[Path | None, typer.Option(help="Folder to write to; default: the model's.")] = None,
           views: Annotated[str, typer.Option(help="Numbers of cameras, separated by commas; a file each.")] = "2",
           video: Annotated[bool, typer.Option("--video", help="The predicted video too.")] = False,
           int8: Annotated[bool, typer.Option("--int8", help="A quantised version too.")] = False,
           observations: Annotated[int, typer.Option(help="Observations to compare with torch on.")] = 9,
           json: Json = None) -> None:
    """Write the model as ONNX, for the runtimes onnx and onnx-int8, and compare it with torch."""
    from .evaluation.export import export_model

    rows = export_model(model, out=out, views=_numbers("views", views), video=video, int8=int8,
                        observations=observations, progress=lambda line: typer.echo(f"  {line}", err=True))
    shown = {"file": "file", "megabytes": "MB", "decoded": "frames", "position_mm_median": "mm",
             "position_mm_max": "max mm", "rotation_deg_median": "deg", "rotation_deg_max": "max deg",
             "levels_max": "max level", "verdicts_differ": "valid in one"}
    _show([{title: row[key] for key, title in shown.items()} for row in rows])
    _write(json, rows)


@app.command()
def compare(first: Annotated[Path, typer.Argument(help="File of evaluate --json.")],
            second: Annotated[Path, typer.Argument(help="Another, of the same seeds.")], json: Json = None) -> None:
    """Two evaluations against each other, seed by seed, with McNemar's exact test."""
    from .evaluation.pairs import compare_files

    rows = compare_files(first, second)
    _show([{"condition": row["condition"], "task": row["task"], "episodes": row["episodes"], first.stem: row["before"],
            second.stem: row["after"], f"only {first.stem}": row["lost"], f"only {second.stem}": row["won"],
            "p": row["p"]} for row in rows])
    _write(json, rows)


@benchmark.command("decoder")
def benchmark_decoder(frames: Annotated[int, typer.Option(help="Generated frames per kind.")] = 500,
                      seed: Seed = 0, json: Json = None) -> None:
    """Accuracy of the decoder against its bound and against the published decoding."""
    from .evaluation.decoding import decoder_table

    rows = decoder_table(frames, seed, progress=lambda kind: typer.echo(f"  {kind}", err=True))
    shown = {"kind": "kind", "position_mm_median": "mm", "position_mm_p95": "p95", "position_mm_median_ratio": "/bound",
             "rotation_deg_median": "deg", "rotation_deg_median_ratio": "/bound ", "nees": "NEES",
             "openness_right": "open", "valid": "valid", "published_position_mm_median": "pub. mm",
             "published_axis_deg_median": "pub. deg", "ms_per_frame": "ms"}
    _show([{title: row.get(key, "") for key, title in shown.items()} for row in rows])
    _write(json, rows)


@benchmark.command("model")
def benchmark_model(model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
                    random: Annotated[Path | None, typer.Option(
                        help="Instead: a recipe such as config/training/nano.yaml, with random weights.")] = None,
                    backends: Annotated[str, typer.Option(help="runtime:threads, separated by commas; empty: all "
                                                               "runtimes with 1 and 2 threads.")] = "",
                    steps: Annotated[str, typer.Option(help="Sampling steps, separated by commas.")] = "1",
                    views: Annotated[int, typer.Option(help="Cameras.")] = 2,
                    chunks: Annotated[int, typer.Option(help="Chunks measured per row.")] = 20,
                    success: Annotated[int, typer.Option(help="Add success rates over so many episodes per task.")] = 0,
                    tasks: Annotated[str, typer.Option(help="For them: all, or names separated by commas.")] = "all",
                    seed: Seed = 0, json: Json = None) -> None:
    """Seconds per chunk and stage, and memory, of every runtime, each in a process of its own."""
    from .evaluation.speed import model_table

    result = model_table(model, recipe=random, backends=_names(backends), steps=_numbers("steps", steps), views=views,
                         chunks=chunks, success=success, tasks=_tasks(tasks), seed=seed,
                         progress=lambda line: typer.echo(f"  {line}", err=True))
    typer.echo(result["what"])
    _show(result["rows"])
    _write(json, result)


@benchmark.command("levers")
def benchmark_levers(model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
                     tasks: Annotated[str, typer.Option(help="all, or names separated by commas.")] = "all",
                     episodes: Annotated[int, typer.Option(help="Demonstrations per task.")] = 4,
                     threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
                     seed: Seed = 0, json: Json = None) -> None:
    """What each way to a faster chunk gains in time and costs in the decoded poses."""
    from .evaluation.levers import lever_table

    result = lever_table(model, tasks=_tasks(tasks), episodes=episodes, threads=threads, seed=seed,
                         progress=lambda line: typer.echo(f"  {line}", err=True))
    typer.echo(result["what"])
    _show(result["rows"])
    _write(json, result)


@app.command("import-checkpoint")
def import_checkpoint(checkpoint: Annotated[Path, typer.Argument(help="The published .ckpt.")],
                      out: Annotated[Path, typer.Argument(help="Denoiser folder to write.")],
                      config: Annotated[Path | None, typer.Option(help="config.json of another denoiser.")] = None,
                      shard_gb: Annotated[float, typer.Option(help="Largest shard, GB (10^9 bytes).")] = 2.0,
                      overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace weights.")] = False) -> None:
    """Convert published 5 B weights to sharded safetensors."""
    from json import loads

    from .world_model.wan.import_checkpoint import import_checkpoint as run

    done = run(checkpoint, out, config=None if config is None else loads(config.read_text()), overwrite=overwrite,
               shard_bytes=round(shard_gb * 1e9), progress=lambda line: typer.echo(f"  {line}", err=True))
    typer.echo(f"{done.tensors} tensors, {done.parameters:,} parameters, {done.bytes / 1e9:.2f} GB in {done.shards} "
               f"file(s): {out}" + (f"; left out: {', '.join(done.ignored)}" if done.ignored else ""))


@app.command("verify-denoiser")
def verify_denoiser(file: Annotated[Path, typer.Argument(help="safetensors: weights.*, input.*, output.velocity.")],
                    tolerance: Annotated[float, typer.Option(help="Largest absolute error accepted.")] = 1e-4) -> None:
    """Compare the 5 B denoiser with the output of another implementation; exit code 1 above the tolerance."""
    from .world_model.wan.verify import verify_denoiser as run

    result = run(file)
    good = result.error <= tolerance
    typer.echo(f"largest absolute error {result.error:.3g} ({'within' if good else 'ABOVE'} {tolerance:g}), "
               f"largest value {result.scale:.3g}; {result.parameters:,} parameters, float32")
    raise typer.Exit(0 if good else 1)


@app.command()
def up(model: Annotated[str, typer.Option(help="Name in models/ or folder; empty: of the parameter file.")] = "",
       robot: Annotated[str, typer.Option(help="cell, or a name or file of config/robots.")] = "cell",
       cameras: Annotated[str, typer.Option(help="Camera names separated by commas.")] = "",
       instruction: Annotated[str, typer.Option(help="What to do.")] = "",
       policy: Annotated[str, typer.Option(help="model, or oracle (cell only, for tests).")] = "model",
       params_file: Annotated[str, typer.Option(help="More parameters; they win.")] = "",
       namespace: Annotated[str | None, typer.Option(help="Of all nodes.")] = None,
       use_sim_time: Annotated[bool | None, typer.Option(help="Time from /clock; default: with the cell.")] = None,
       label: Annotated[bool, typer.Option("--label", help="Label a recording that is replayed (docs/labelling.md), "
                                           "instead of controlling an arm.")] = False) -> None:
    """Start the ROS graph without ros2 launch; Ctrl-C stops it."""
    from .ros.graph import GraphOptions
    from .ros.up import up as run

    raise typer.Exit(run(GraphOptions(robot=robot, model=model, cameras=tuple(_names(cameras)), policy=policy,
                                      instruction=instruction, params_file=params_file, namespace=namespace,
                                      use_sim_time=use_sim_time, label=label)))


@app.command()
def demo(out: Annotated[Path, typer.Option(help="Folder for demo.mp4 and the contact sheet.")] = Path("out"),
         model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano") -> None:
    """The whole loop in the simulated cell: three instructions, a video, a contact sheet."""
    from .ros.demo import demo as run

    raise typer.Exit(run(out, model=model))


@app.command()
def trials(model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
           tasks: Annotated[str, typer.Option(help="all, or names separated by commas.")] = "all",
           episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 20,
           seed: Seed = 0, json: Json = None,
           time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0,
           policy: Annotated[str, typer.Option(help="model, or oracle (tests only).")] = "model",
           log: Annotated[Path | None, typer.Option(help="File for the lines of the nodes.")] = None) -> None:
    """Success rates through the live ROS graph in the simulated cell."""
    from .ros.trials import run_live

    raise typer.Exit(run_live(model, tasks=_tasks(tasks), episodes=episodes, seed=seed, policy=policy,
                              limit_seconds=time_limit, json_path=json, log=log))


@app.command()
def tell(action: Annotated[str, typer.Argument(help="say, enable, disable, approve, reject or stop.")],
         text: Annotated[str, typer.Argument(help="The instruction, for say.")] = "",
         namespace: Annotated[str, typer.Option(help="Of the graph; empty for a robot's.")] = "cell") -> None:
    """Talk to a running graph where there is no ros2 command."""
    from .ros.user import tell as run

    typer.echo(run(action, text, namespace))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(name: str, text: str) -> list[int]:
    try:
        numbers = [int(number) for number in _names(text)]
    except ValueError:
        numbers = []
    if not numbers:
        raise ValueError(f"{name} is {text!r}; give whole numbers separated by commas, such as 2,3")
    return numbers


def _tasks(text: str) -> list[str]:
    from .cell.tasks import TASKS, find_task

    names = list(TASKS) if text == "all" else _names(text)
    for name in names:
        find_task(name)
    if not names:
        raise ValueError(f"tasks is {text!r}; give all or some of {', '.join(TASKS)}")
    return names


def _conditions(text: str) -> list[str]:
    from .cell.conditions import CONDITIONS, find_condition

    return list(CONDITIONS) if text == "all" else [find_condition(name).name for name in _names(text)]


def _show(rows: list[dict[str, Any]]) -> None:
    """Rows as a table: the columns of all rows in order of appearance, floats with three digits."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value)
                        for value in (row.get(column, "") for column in columns)))
    Console(width=None if sys.stdout.isatty() else 140).print(table)   # a file has room for every column


def _write(path: Path | None, content: Any) -> None:
    if path is not None:
        from json import dumps

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dumps(content, indent=1) + "\n")


cli_data.register(app)
cli_wan.register(app, benchmark, _show, _write)
cli_label.register(app)
cli_scale.register(app)


def main() -> None:
    """Entry point: run the command; user errors become one line and exit code 2."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"action-images: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
