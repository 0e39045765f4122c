"""Runs faults one after the other against one live graph, reset in between, and measures what becomes of the arm."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ...graph.client import GraphClient, GraphError
from ...graph.options import GraphOptions
from ...graph.session import Session
from .bench import Bench
from .faults import GOES_ON, HELD, REFUSED, Fault
from .tap import CELL_REMAPS, Tap

__all__ = ["Outcome", "run_campaign"]

_TASK, _SEED, _MOVED_M = "lift_block", 0, 0.03  # one scene: other cameras would be a fault of their own
_REST_S, _REST_M = 0.3, 0.002  # at rest: no further than that in so long
_WATCH_S = 1.5  # of faults that need stop nothing
_WORKSPACE_MARGIN_M = 0.01
_STOP_MS = 50.0
_PATIENCE_S = 60.0  # until the arm is on its way, on a busy machine


@dataclass(frozen=True)
class Outcome:
    """What became of one fault. moved_mm: farthest way of the true tool from where it was when the fault began;
    hold_s: seconds until it came to rest for good, None where it went on; told: what the user was told."""

    fault: str
    group: str
    expect: str
    good: bool
    state: str
    moved_mm: float
    hold_s: float | None
    told: str
    stop_ms: float | None = None
    problem: str = ""


def run_campaign(
    faults: Sequence[Fault],
    *,
    model: str = "nano",
    log: Path | None = None,
    progress: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """One live graph in the cell with the scripted expert for a policy; every fault in motion. Raises GraphError where
    the graph itself cannot be started."""
    bench: Bench | None = None

    def write(name: str, line: str) -> None:
        if bench is not None:
            bench.hear(name, line)

    options = GraphOptions(
        policy="oracle",
        model=model,
        overrides={
            "cell": {"image_size": [96, 96], "nice": 0, "task": _TASK, "seed": _SEED},
            "policy": {"nice": 0},
            "view": {"nice": 0},
        },
        remaps={"cell": CELL_REMAPS},
    )
    outcomes = []
    session = Session(options, log=log, write=write, relay=Tap)
    with session as client:
        bench = Bench(session, client, session.relay)
        for row in faults:
            outcome = _one(bench, client, row)
            outcomes.append(outcome)
            progress(outcome)
    return outcomes


def _one(bench: Bench, client: GraphClient, row: Fault) -> Outcome:
    bench.stop_ms, bench.answer = None, ""
    try:
        _begin(bench, client, row)
    except GraphError as error:
        return Outcome(row.name, row.group, row.expect, False, "", 0.0, None, "", problem=str(error).split("\n")[0])
    place, begin = bench.tap.position(), time.monotonic()
    try:
        if row.when == "motion":
            _inject(bench, row)
        held = _watch(bench, row, begin)
        return _judge(bench, row, place, begin, held)
    except subprocess.SubprocessError as error:
        return Outcome(row.name, row.group, row.expect, False, "", 0.0, None, "", problem=f"not injected: {error}")
    finally:
        bench.tap.spoil.clear()
        if row.act is not None and row.group == "cameras and gripper":
            bench.again("camera_0/pose", lambda message: message)
        if row.undo is not None:
            row.undo(bench)  # GraphError where a process cannot be started again: the campaign ends there


def _begin(bench: Bench, client: GraphClient, row: Fault) -> None:
    """A new scene, the arm enabled and on its way; or, for a fault at enabling, the fault and then enabled."""
    bench.ask("disable")
    client.say("")
    scene = client.set_up(_TASK, _SEED)
    bench.wait(lambda: bench.tap.pose_ns > scene["time_ns"], _PATIENCE_S)
    start = bench.tap.position()
    client.say(scene["instruction"])
    if row.when == "enable":
        _inject(bench, row)
        time.sleep(0.3)
        bench.ask("enable")  # which may be refused
        return
    client.enable(True, patience_s=_PATIENCE_S)
    moved = lambda: np.linalg.norm(bench.tap.position() - start) > _MOVED_M  # noqa: E731
    if not bench.wait(moved, _PATIENCE_S):
        raise GraphError(f"the arm did not move before the fault: {client.state}{client.complaints()}")


def _inject(bench: Bench, row: Fault) -> None:
    for name, make in row.messages.items():
        bench.tap.spoil[name] = make()
    if row.act is not None:
        row.act(bench)


def _resting(bench: Bench) -> bool:
    times, places = bench.tap.track(time.monotonic() - _REST_S)
    return len(times) < 2 or float(np.ptp(places, axis=0).max()) < _REST_M


def _executing(bench: Bench) -> bool:
    return bench.client.state is not None and bench.client.state.state == "executing"


def _watch(bench: Bench, row: Fault, begin: float) -> bool:
    """Wait for the end that is expected; whether it came."""
    if row.expect != HELD:
        time.sleep(_WATCH_S)
        return row.expect == GOES_ON or bool(bench.wait(lambda: bench.refusal(begin, row.words), row.seconds))
    gone = row.name.startswith("arm_command")  # nobody says the state any more
    held = lambda: (  # noqa: E731
        time.monotonic() - begin > _REST_S and _resting(bench) and (gone or not _executing(bench))
    )
    if not bench.wait(held, row.seconds):
        return False
    time.sleep(0.3)
    return bool(bench.wait(held, row.seconds))  # messages that came late look like motion


def _judge(bench: Bench, row: Fault, place: np.ndarray, begin: float, held: bool) -> Outcome:
    times, places = bench.tap.track(begin)
    away = np.linalg.norm(places - place, axis=1) if len(places) else np.zeros(1)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1) if len(places) > 1 else np.zeros(0)
    moving = np.flatnonzero(steps > 1e-4)
    hold_s = (round(float(times[moving[-1] + 1] - begin), 2) if len(moving) else 0.0) if row.expect == HELD else None
    told = (bench.refusal(begin, row.words) if row.expect == REFUSED else "") or bench.told(begin)
    state = bench.client.state.state if bench.client.state is not None else ""
    good = held
    if row.expect != HELD:
        low = places[:, 2].min() if len(places) else 0.0
        good = state not in ("faulted", "stopped", "disabled") and low > -_WORKSPACE_MARGIN_M
        good = good and held
    if good and row.words and not re.search(row.words, told):
        return replace(
            _outcome(row, bench, state, away, hold_s, told), good=False, problem=f"told something else: {told}"
        )
    if row.group.startswith("stop under"):
        good = good and bench.stop_ms is not None and bench.stop_ms <= _STOP_MS
    return replace(_outcome(row, bench, state, away, hold_s, told), good=bool(good))


def _outcome(row: Fault, bench: Bench, state: str, away: np.ndarray, hold_s: float | None, told: str) -> Outcome:
    moved = round(1000 * float(away.max()), 1)
    return Outcome(row.name, row.group, row.expect, False, state, moved, hold_s, told, bench.stop_ms)


def as_row(outcome: Outcome) -> dict[str, object]:
    """As plain values, for JSON."""
    return asdict(outcome)
