"""The commands that measure success: evaluate, evaluate-open-loop and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from . import environments
from .app import app
from .options import options_from_dataclasses
from .shared import (
    Env,
    Json,
    Model,
    ModelThreads,
    Seed,
    Tasks,
    Workers,
    _conditions,
    _refuse_others,
    _seconds,
    _show,
    _tasks,
    _write,
)

OPEN_LOOP = "evaluate-open-loop"
ROBUSTNESS = "benchmark label-robustness"


@dataclass(frozen=True)
class LoopOptions:
    """What runs in the closed loop, and under which conditions."""

    mode: Annotated[
        str,
        typer.Option(
            help="policy, blind (images of another seed), replay (the expert's poses) or replay-codec (the same "
            "through 8-bit action images); default: policy."
        ),
    ] = ""
    replay: Annotated[bool, typer.Option("--replay", help="--mode replay")] = False
    replay_codec: Annotated[bool, typer.Option("--replay-codec", help="--mode replay-codec")] = False
    blind: Annotated[bool, typer.Option("--blind", help="--mode blind")] = False
    condition: Annotated[
        str, typer.Option(help="Conditions beside nominal: all, or names separated by commas (docs/transfer.md).")
    ] = ""
    self_calibration: Annotated[
        str,
        typer.Option(
            help="off, before (cameras calibrated by a motion before each episode) or online (corrected while the arm "
            "works); docs/calibration.md."
        ),
    ] = "off"
    robot_limits: Annotated[
        str, typer.Option(help="on: chunks are checked against the arm's model (docs/robot_model.md), or off.")
    ] = "on"
    execute_steps: Annotated[int, typer.Option(help="Frames executed per chunk.")] = 4
    latency: Annotated[float, typer.Option(help="Simulated seconds from observation to chunk.")] = 0.0
    time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0
    threads: ModelThreads = None
    runtime: Annotated[str, typer.Option(help="torch, torch-bf16, onnx or onnx-int8.")] = "torch"
    steps: Annotated[int, typer.Option(help="Sampling steps per chunk.")] = 1
    env: Env = "cell"
    latencies: Annotated[
        str, typer.Option(help="Success over injected latency too, such as 0,0.2,0.4,0.8,1.2 (simulated s).")
    ] = ""
    sheets: Annotated[Path | None, typer.Option(help="Benchmarks: folder for contact sheets.")] = None
    figures: Annotated[Path | None, typer.Option(help="Folder for figures.")] = None

    def chosen_mode(self) -> str:
        """The mode by --mode or by its flag; ValueError for two of them and for one of another command."""
        from ..evaluation.baselines import OPEN_MODES
        from ..evaluation.modes import MODES

        flags = [
            name
            for name, given in (("replay", self.replay), ("replay-codec", self.replay_codec), ("blind", self.blind))
            if given
        ]
        given = [f"--mode {self.mode}"] * bool(self.mode) + [f"--{name}" for name in flags]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; choose one")
        mode = self.mode or next(iter(flags), "policy")
        if mode in OPEN_MODES:
            raise ValueError(f"mode is {mode!r}; use action-images {OPEN_LOOP} --mode {mode}")
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; choose one of {', '.join(MODES)}")
        return mode

    def check(self, mode: str) -> None:
        """Raise ValueError for options that the environment does not use."""
        if self.env == environments.CELL:
            _refuse_others({"sheets": (self.sheets, None)}, f"mode {mode!r}")
        else:
            _refuse_others(
                {
                    "condition": (self.condition, ""),
                    "self-calibration": (self.self_calibration, "off"),
                    "robot-limits": (self.robot_limits, "on"),
                },
                f"--env {self.env}",
            )


@dataclass(frozen=True)
class MovedOptions:
    """Options of the commands that were once modes of `evaluate`: refused with the name of the command."""

    data: Annotated[Path | None, typer.Option(hidden=True)] = None
    batch: Annotated[int | None, typer.Option(hidden=True)] = None
    corrupt: Annotated[str, typer.Option(hidden=True)] = ""

    def refuse(self, mode: str) -> None:
        """Raise ValueError for the first that was given."""
        for name, value, command in (
            ("corrupt", self.corrupt, ROBUSTNESS),
            ("data", self.data, OPEN_LOOP),
            ("batch", self.batch, OPEN_LOOP),
        ):
            if value:
                extra = " --known-pose no" if command == ROBUSTNESS and mode == "label-unknown" else ""
                raise ValueError(f"--{name} is {value}; use action-images {command}{extra}")


@app.command()
@options_from_dataclasses
def evaluate(
    model: Model = "nano",
    tasks: Annotated[
        str | None,
        typer.Option(
            help="all, or names separated by commas; default: all, with "
            "--condition reach_target, push_button and lift_block."
        ),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 50,
    seed: Seed = 0,
    json: Json = None,
    workers: Workers = 1,
    *,
    loop: LoopOptions,
    moved: MovedOptions,
) -> None:
    """Measure success in the closed loop, without ROS."""
    moved.refuse(loop.mode)
    mode = loop.chosen_mode()
    loop.check(mode)
    from ..evaluation.rollout import RolloutSettings

    conditions = _conditions(loop.condition)
    if tasks is None:
        tasks = "reach_target,push_button,lift_block" if conditions else "all"
    environments.closed_loop(
        loop.env,
        model,
        tasks,
        episodes,
        seed,
        settings=RolloutSettings(loop.execute_steps, loop.latency, loop.time_limit),
        mode=mode,
        latencies=_seconds("latencies", loop.latencies),
        sheets=loop.sheets,
        figures=loop.figures,
        json=json,
        workers=workers,
        threads=loop.threads,
        runtime=loop.runtime,
        steps=loop.steps,
        conditions=conditions,
        self_calibration=loop.self_calibration,
        robot_limits=loop.robot_limits,
    )


@dataclass(frozen=True)
class OpenLoopOptions:
    """How the windows are made and predicted."""

    data: Annotated[Path | None, typer.Option(help="Folder of episodes; default: generated.")] = None
    sheets: Annotated[Path | None, typer.Option(help="Folder for contact sheets.")] = None
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 1
    batch: Annotated[int, typer.Option(help="Windows per call of the model.")] = 8
    threads: ModelThreads = None


@app.command(OPEN_LOOP)
@options_from_dataclasses
def evaluate_open_loop(
    mode: Annotated[
        str, typer.Option(help="joint, world, label, label-unknown (first pose not given) or video.")
    ] = "joint",
    model: Model = "nano",
    tasks: Tasks = "all",
    episodes: Annotated[int, typer.Option(help="Episodes per task.")] = 50,
    seed: Seed = 0,
    json: Json = None,
    *,
    options: OpenLoopOptions,
) -> None:
    """Compare what a mode of the model predicts with held-out episodes."""
    from ..evaluation.baselines import OPEN_MODES
    from ..evaluation.modes import MODES

    if mode in MODES:
        raise ValueError(f"mode is {mode!r}; use action-images evaluate --mode {mode}")
    if mode not in OPEN_MODES:
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join(OPEN_MODES)}")
    from ..evaluation.open_loop import evaluate_mode

    evaluate_mode(
        model,
        mode,
        _tasks(tasks),
        episodes,
        seed,
        data=options.data,
        steps=options.steps,
        batch=options.batch,
        json_path=json,
        sheets=options.sheets,
        threads=options.threads,
    )


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="JSON file of evaluate.")],
    second: Annotated[Path, typer.Argument(help="JSON file of another evaluation on the same seeds.")],
    json: Json = None,
) -> None:
    """Compare two evaluations seed by seed, with McNemar's exact test."""
    from ..metrics.paired import compare_files

    rows = compare_files(first, second)
    _show(
        [
            {
                "condition": row["condition"],
                "task": row["task"],
                "episodes": row["episodes"],
                first.stem: row["before"],
                second.stem: row["after"],
                f"only {first.stem}": row["lost"],
                f"only {second.stem}": row["won"],
                "p": row["p"],
            }
            for row in rows
        ]
    )
    _write(json, rows)
