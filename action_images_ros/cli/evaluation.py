"""The commands that measure success: evaluate and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import environments
from .app import app
from .label import label_quality
from .shared import Env, Json, Seed, Workers, _conditions, _refuse_others, _seconds, _show, _tasks, _write


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Name in models/ or folder.")] = "nano",
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
    mode: Annotated[
        str,
        typer.Option(
            help="Closed loop: policy, blind (images of another seed), replay "
            "(the expert's poses), replay-codec. On held-out episodes: joint, "
            "world, label, label-unknown (first pose not given), video."
        ),
    ] = "",
    replay: Annotated[bool, typer.Option("--replay", help="--mode replay")] = False,
    replay_codec: Annotated[bool, typer.Option("--replay-codec", help="--mode replay-codec")] = False,
    blind: Annotated[bool, typer.Option("--blind", help="--mode blind")] = False,
    condition: Annotated[
        str, typer.Option(help="Closed loop, beside nominal: all, or names separated by commas (docs/transfer.md).")
    ] = "",
    self_calibration: Annotated[
        str,
        typer.Option(
            help="Closed loop: off, before (cameras calibrated by a motion before each episode) or online (corrected "
            "while the arm works); docs/calibration.md."
        ),
    ] = "off",
    execute_steps: Annotated[int, typer.Option(help="Frames executed per chunk.")] = 4,
    latency: Annotated[float, typer.Option(help="Simulated seconds from observation to chunk.")] = 0.0,
    time_limit: Annotated[float, typer.Option(help="Simulated seconds per episode.")] = 15.0,
    threads: Annotated[int | None, typer.Option(help="CPU threads of the model.")] = None,
    runtime: Annotated[str, typer.Option(help="Closed loop: torch, torch-bf16, onnx or onnx-int8.")] = "torch",
    steps: Annotated[int, typer.Option(help="Sampling steps per chunk.")] = 1,
    data: Annotated[Path | None, typer.Option(help="Held-out: folder of episodes; default: generated.")] = None,
    sheets: Annotated[Path | None, typer.Option(help="Held-out and benchmarks: folder for contact sheets.")] = None,
    batch: Annotated[int, typer.Option(help="Held-out: windows per call of the model.")] = 8,
    corrupt: Annotated[
        str,
        typer.Option(
            help="label and label-unknown: a table over corrupted recordings, "
            "such as 'drop=0.1; blur=5; cameras; no-pose'."
        ),
    ] = "",
    env: Env = "cell",
    latencies: Annotated[
        str,
        typer.Option(help="Closed loop: success over injected latency too, such as 0,0.2,0.4,0.8,1.2 (simulated s)."),
    ] = "",
    figures: Annotated[Path | None, typer.Option(help="Closed loop: folder for figures.")] = None,
) -> None:
    """Measure success in the closed loop, without ROS, or a mode of the model on held-out episodes."""
    flags = (("replay", replay), ("replay-codec", replay_codec), ("blind", blind))
    chosen = [f"--mode {mode}"] * bool(mode) + [f"--{name}" for name, on in flags if on]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} exclude each other; choose one")
    mode = mode or next((name for name, on in flags if on), "policy")
    from ..evaluation.baselines import OPEN_MODES
    from ..evaluation.closed_loop import MODES

    conditions = _conditions(condition)
    if tasks is None:
        tasks = "reach_target,push_button,lift_block" if conditions else "all"
    if mode not in (*MODES, *OPEN_MODES):
        raise ValueError(f"mode is {mode!r}; choose one of {', '.join((*MODES, *OPEN_MODES))}")
    held_out = {"data": (data, None), "sheets": (sheets, None), "batch": (batch, 8)}
    if env != environments.CELL:
        if mode in OPEN_MODES:
            raise ValueError(f"mode is {mode!r} with --env {env}; collect episodes and give them with --data")
        held_out.pop("sheets")
        _refuse_others({"condition": (condition, ""), "self-calibration": (self_calibration, "off")}, f"--env {env}")
    closed = {
        "env": (env, "cell"),
        "latencies": (latencies, ""),
        "figures": (figures, None),
        "workers": (workers, 1),
        "execute-steps": (execute_steps, 4),
        "latency": (latency, 0.0),
        "time-limit": (time_limit, 15.0),
        "runtime": (runtime, "torch"),
        "condition": (condition, ""),
        "self-calibration": (self_calibration, "off"),
    }
    _refuse_others(closed if mode in OPEN_MODES else held_out, f"mode {mode!r}")
    if corrupt:
        if mode not in ("label", "label-unknown"):
            raise ValueError(f"--corrupt goes with --mode label or label-unknown, mode is {mode!r}")
        for name, given in (("sheets", sheets is not None), ("batch", batch != 8)):
            if given:
                raise ValueError(f"--{name} goes without --corrupt; leave one out")
        label_quality(
            model,
            _tasks(tasks or "all"),
            episodes,
            seed,
            corrupt,
            data=data,
            steps=steps,
            threads=threads,
            json=json,
            known_pose="no" if mode == "label-unknown" else "auto",
        )
        return
    if mode in OPEN_MODES:
        from ..evaluation.open_loop import evaluate_mode

        evaluate_mode(
            model,
            mode,
            _tasks(tasks),
            episodes,
            seed,
            data=data,
            steps=steps,
            batch=batch,
            json_path=json,
            sheets=sheets,
            threads=threads,
        )
        return
    from ..evaluation.rollout import RolloutSettings

    environments.closed_loop(
        env,
        model,
        tasks,
        episodes,
        seed,
        settings=RolloutSettings(execute_steps, latency, time_limit),
        mode=mode,
        latencies=_seconds("latencies", latencies),
        sheets=sheets,
        figures=figures,
        json=json,
        workers=workers,
        threads=threads,
        runtime=runtime,
        steps=steps,
        conditions=conditions,
        self_calibration=self_calibration,
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
