"""The command line `action-images`: a table of commands, each of which imports what it needs when it is called.

What a user can mend (a wrong path, a value out of range) ends with one line on stderr and exit code 2.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from action_images_ros import cli_training

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
            perturbed: Annotated[float, typer.Option(help="Share with perturbed starts and pushes.")] = 1 / 3) -> None:
    """Write demonstrations of the scripted experts in the simulated cell."""
    from .cell.collect import collect as run

    result = run(directory, _tasks(tasks), episodes, seed, workers=workers, size=size, cameras=cameras,
                 perturbed_fraction=perturbed)
    typer.echo(f"{result.written} episodes written to {directory}, {result.skipped} there already, "
               f"{len(result.failed)} failed")


@app.command()
def evaluate(model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
             tasks: Annotated[str, typer.Option(help="all, or names separated by commas.")] = "all",
             episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 50,
             seed: Seed = 0, json: Json = None, workers: Workers = 1,
             replay: Annotated[bool, typer.Option("--replay", help="Ceiling: the expert's poses.")] = False,
             replay_codec: Annotated[bool, typer.Option("--replay-codec", help="Ceiling through the codec.")] = False,
             blind: Annotated[bool, typer.Option("--blind", help="Control: images of another seed.")] = False,
             execute_steps: Annotated[int, typer.Option(help="Frames executed per chunk.")] = 4,
             latency: Annotated[float, typer.Option(help="Simulated seconds from observation to chunk.")] = 0.0,
             time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0,
             threads: Annotated[int | None, typer.Option(help="CPU threads of the model.")] = None) -> None:
    """Success rates in the closed loop, without ROS."""
    from .evaluation.evaluate import evaluate as run
    from .evaluation.rollout import RolloutSettings

    chosen = [mode for mode, on in (("replay", replay), ("replay-codec", replay_codec), ("blind", blind)) if on]
    if len(chosen) > 1:
        raise ValueError(f"--{' and --'.join(chosen)} exclude each other; choose one")
    run(model, _tasks(tasks), episodes, seed, mode=chosen[0] if chosen else "policy", json_path=json, workers=workers,
        settings=RolloutSettings(execute_steps, latency, time_limit), threads=threads)


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


@app.command()
def up(model: Annotated[str, typer.Option(help="Name in models/ or folder; empty: of the parameter file.")] = "",
       robot: Annotated[str, typer.Option(help="cell, or a name or file of config/robots.")] = "cell",
       cameras: Annotated[str, typer.Option(help="Camera names separated by commas.")] = "",
       instruction: Annotated[str, typer.Option(help="What to do.")] = "",
       policy: Annotated[str, typer.Option(help="model, or oracle (cell only, for tests).")] = "model",
       params_file: Annotated[str, typer.Option(help="More parameters; they win.")] = "",
       namespace: Annotated[str | None, typer.Option(help="Of all nodes.")] = None,
       use_sim_time: Annotated[bool | None, typer.Option(help="Time from /clock; default: with the cell.")] = None,
       ) -> None:
    """Start the ROS graph without ros2 launch; Ctrl-C stops it."""
    from .ros.graph import GraphOptions
    from .ros.up import up as run

    raise typer.Exit(run(GraphOptions(robot=robot, model=model, cameras=tuple(_names(cameras)), policy=policy,
                                      instruction=instruction, params_file=params_file, namespace=namespace,
                                      use_sim_time=use_sim_time)))


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


def _tasks(text: str) -> list[str]:
    from .cell.tasks import TASKS, find_task

    names = list(TASKS) if text == "all" else _names(text)
    for name in names:
        find_task(name)
    if not names:
        raise ValueError(f"tasks is {text!r}; give all or some of {', '.join(TASKS)}")
    return names


def _show(rows: list[dict[str, Any]]) -> None:
    """Rows as a table: the columns of all rows in order of appearance, floats with three digits."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value)
                        for value in (row.get(column, "") for column in columns)))
    Console().print(table)


def _write(path: Path | None, content: Any) -> None:
    if path is not None:
        from json import dumps

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dumps(content, indent=1) + "\n")


def main() -> None:
    """Entry point: run the command; user errors become one line and exit code 2."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"action-images: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
