"""`make demo`: the whole loop in the simulated cell, three instructions one after another, a film of it.

Runs in a ROS_DOMAIN_ID of its own with discovery on this machine only. The exit code says whether the graph worked
(chunks arrived, the arm moved by them, the film was written); whether the tasks were done is reported beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ..graph.client import GraphClient, GraphError
from ..graph.options import GraphOptions
from ..graph.session import Session
from ..paths import models_path
from ..policy.card import ModelCard
from .film import contact_sheet, film_frames, write_animation, write_film
from .live_page import live_page
from .report import write_report
from .scene_recorder import Recorder, SceneRecord
from .trials import Trial, run_trial

__all__ = ["SCENES", "demo"]

SCENES: tuple[tuple[str, int], ...] = (("reach_target", 20001), ("lift_block", 20001), ("place_in_box", 20001))
"""Task and seed of each scene; seeds that training never uses."""
LEAST_WAY = 0.01
"""Metres that the tool must travel in a scene to count as moved."""


def demo(
    out: str | Path = "out",
    *,
    model: str = "nano",
    policy: str = "model",
    scenes: Sequence[tuple[str, int]] = SCENES,
    limit_seconds: float = 20.0,
    speed: float = 1.0,
    console: Console | None = None,
    live: bool = False,
) -> int:
    """Run the demo; 0 when the graph worked in every scene, else 1. Prints what happens.

    limit_seconds: simulated time per scene; speed: simulated seconds per second; live: opens
    the live page in a browser. Raises ValueError on wrong arguments.
    """
    _refuse_oracle(policy)
    console = console or Console(highlight=False)
    out = Path(out)
    facts = ModelCard.load(models_path(model))
    begun = time.monotonic()
    session = Session(
        GraphOptions(model=model, overrides={"cell": {"real_time_factor": speed}}),
        log=out / "demo.log",
        write=lambda name, line: _warn(console, name, line),
    )
    console.print(
        f"starting {', '.join(s.node.name for s in session.specs)}; ROS_DOMAIN_ID {session.domain}, this "
        f"machine only; every line of the nodes is in {out / 'demo.log'}"
    )
    played: list[tuple[Trial, SceneRecord]] = []
    worked = True
    try:
        with ExitStack() as stack:
            client = stack.enter_context(session)
            if live:
                page = live_page("cell", _cameras(client), "base", session.environment, browser=True)
                stack.enter_context(page)
            console.print(f"all nodes active after {time.monotonic() - begun:.0f} s")
            recorder = Recorder(client, _cameras(client))
            for task, seed in scenes:
                played.append(_play(client, recorder, console, task, seed, limit_seconds))
    except GraphError as error:
        console.print(f"[red]the graph failed:[/] {error}")
        worked = False
    except KeyboardInterrupt:
        console.print("stopped by Ctrl-C")
        worked = False
    unclean = {name: code for name, code in session.exit_codes.items() if code != 0}
    if unclean and worked:
        console.print(f"[red]nodes did not stop cleanly:[/] {unclean}")
        worked = False
    worked = _judge(played, console, len(scenes)) and worked
    _write(played, out, facts.dt, model, console)
    console.print(
        f"{'the graph worked' if worked else '[red]the graph did not work[/]'}; "
        f"{time.monotonic() - begun:.0f} s altogether"
    )
    return 0 if worked else 1


def _refuse_oracle(policy: str) -> None:
    if policy != "model":
        raise ValueError(
            f"policy is {policy!r}; the demo shows the model only. The oracle encodes the scripted expert "
            "and predicts nothing; test the graph with it by: action-images up --policy oracle"
        )


def _warn(console: Console, name: str, line: str) -> None:
    if "[ERROR]" in line or "[FATAL]" in line or "Traceback" in line:
        console.print(f"  {name}: {line.split(']: ', 1)[-1]}", style="dim", markup=False)


def _cameras(client: GraphClient) -> list[str]:
    """The policy's cameras, once the cell shows them."""
    status = client.wait_for("the cell's status", lambda: client.status, 20.0)
    return status["cameras"][:2]


def _play(
    client: GraphClient, recorder: Recorder, console: Console, task: str, seed: int, limit_seconds: float
) -> tuple[Trial, SceneRecord]:
    """One scene; prints a line per chunk as it comes."""
    told: set[int] = set()

    def tell() -> None:
        for stamp, (valid, frames, sigma) in sorted(recorder.confidences().items()):
            if stamp not in told:
                told.add(stamp)
                seconds = client.value("policy", "chunk_seconds") or "?"
                console.print(
                    f"  chunk {len(told):2d}: computed in {seconds} s, {valid} of {frames} frames valid, "
                    f"position +-{sigma:.1f} mm, arm {client.value('arm_command', 'state') or '?'}"
                )

    recorder.begin()
    trial = run_trial(
        client,
        task,
        seed,
        limit_seconds=limit_seconds,
        watch=tell,
        announce=lambda words: console.print(f'[bold]{task}: "{words}"[/]'),
    )
    record = recorder.end(trial.began_ns)
    console.print(
        f"  {'[green]done[/]' if trial.success else '[yellow]not done[/]'} after {trial.cell_seconds:.1f} "
        f"simulated seconds; {trial.chunks} chunks executed, the tool moved {100 * record.travelled():.0f} cm"
    )
    return trial, record


def _judge(played: Sequence[tuple[Trial, SceneRecord]], console: Console, expected: int) -> bool:
    """Whether chunks arrived and the arm moved in every scene; prints the table."""
    table = Table("instruction", "success", "simulated s", "chunks", "executed", "path, cm", "speed x real time")
    good = len(played) == expected
    for trial, record in played:
        table.add_row(
            trial.instruction,
            "yes" if trial.success else "no",
            f"{trial.cell_seconds:.1f}",
            str(len(record.chunks)),
            str(trial.chunks),
            f"{100 * record.travelled():.0f}",
            f"{trial.real_time_factor:.2f}",
        )
        good = good and bool(record.chunks) and trial.chunks > 0 and record.travelled() > LEAST_WAY
    console.print(table)
    return good


def _write(played: Sequence[tuple[Trial, SceneRecord]], out: Path, dt: float, model: str, console: Console) -> None:
    shown = [(trial, record) for trial, record in played if record.pictures]
    if not shown:
        return

    def frames() -> Iterator[np.ndarray]:
        return chain.from_iterable(
            film_frames(record, trial.instruction, dt, "done" if trial.success else "not done")
            for trial, record in shown
        )

    count = write_film(out / "demo.mp4", frames())
    write_animation(out / "demo.webp", frames())
    console.print(f"{out / 'demo.mp4'}: {count} frames, 10 per simulated second; {out / 'demo.webp'}: the same, small")
    report = write_report(out / "demo.html", shown, model)
    console.print(f"{report}: strips, paths and timings in one file")
    if any(record.chunks for _, record in shown):
        contact_sheet(out / "demo_contact_sheet.png", [(trial.instruction, record) for trial, record in shown])
        console.print(f"{out / 'demo_contact_sheet.png'}")
