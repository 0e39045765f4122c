"""Limits of the executor under random adversarial inputs; every command is checked against the ones before.

What is checked of each commanded pose: a finite unit pose inside the workspace; speed, acceleration and jerk, as finite
differences over control periods, within the limits; the first one where the arm is measured; the last one at rest;
rest until a chunk is executed; no motion while stopped; a fault lasts until the arm is enabled again. No call but a
refusal of a chunk may raise.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..control.executor import ChunkExecutor, ChunkRejected, Command
from ..control.quaternion import turn_between
from ..control.settings import ExecutorSettings, Limits
from ..control.states import DISABLED, EXECUTING, FAULTED, STOPPED
from .adversary import Clock, Perception, random_chunk, random_limits, random_pose

__all__ = ["SafetyResult", "Witness", "run_safety"]

Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-5  # relative; the law itself checks with 1e-6
_STILL = 1e-12  # m, rad: rounding
_EPISODE_TICKS = 1500
_NAMES = ("speed", "acceleration", "jerk")
_KEPT = 20  # descriptions of violations


@dataclass
class SafetyResult:
    """ticks: calls of `command`; poses: commands that were checked; worst: largest share of a limit, by its name;
    violations: how many of each kind, with the first descriptions in `examples`; states: ticks in each."""

    ticks: int = 0
    poses: int = 0
    accepted: int = 0
    rejected: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    worst: dict[str, float] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)

    def violated(self, kind: str, what: str) -> None:
        """Count a violation."""
        self.violations[kind] += 1
        if len(self.examples) < _KEPT:
            self.examples.append(f"{kind}: {what}")

    def row(self) -> dict[str, object]:
        """As plain values, for JSON."""
        return {
            "ticks": self.ticks,
            "poses": self.poses,
            "chunks_accepted": self.accepted,
            "chunks_rejected": self.rejected,
            "violations": sum(self.violations.values()),
            "violations_by_kind": dict(self.violations),
            "examples": self.examples,
            "worst_share_of_limit": {name: round(share, 6) for name, share in sorted(self.worst.items())},
            "states": dict(self.states),
        }


class Witness:
    """Sees every command of one executor and judges it against those before."""

    def __init__(self, limits: Limits, period_s: float, result: SafetyResult, where: str = "") -> None:
        self._limits, self._period, self._result, self._where = limits, period_s, result, where
        self._last: Array | None = None
        self._steps = np.zeros((2, 6))
        self._before = DISABLED
        self.enabled_since_fault = True
        self.may_move = False
        self._bounds = [
            (getattr(limits, f"max_linear_{name}"), getattr(limits, f"max_angular_{name}")) for name in _NAMES
        ]

    def see(self, command: Command, measured: Array | None) -> None:
        """Judge a command; measured: what the executor was given with this tick, where it is a pose."""
        self._result.ticks += 1
        self._result.states[command.state] += 1
        if self._before == FAULTED and command.state not in (FAULTED, DISABLED) and not self.enabled_since_fault:
            self._wrong("fault", f"left for {command.state} without being enabled")
        self._before = command.state
        if command.state == FAULTED:
            self.enabled_since_fault = False
        if command.openness not in (None, 0.0, 1.0):
            self._wrong("gripper", f"openness {command.openness}")
        if command.pose is None:
            if self._last is not None and np.abs(self._steps[-1]).max() > _STILL:
                self._wrong("end", f"the commands end in motion, last step {self._steps[-1]}")
            self._last, self._steps = None, np.zeros((2, 6))
            return
        self._judge(np.asarray(command.pose), command, measured)

    def _judge(self, pose: Array, command: Command, measured: Array | None) -> None:
        self._result.poses += 1
        if pose.shape != (7,) or not np.isfinite(pose).all() or abs(np.linalg.norm(pose[3:]) - 1) > 1e-6:
            self._wrong("pose", f"{pose}")
            return
        if not self._limits.contains(pose[:3]):
            self._wrong("workspace", f"{pose[:3]}")
        if self._last is None:
            far = measured is None or np.abs(pose[:3] - measured[:3]).max() > 1e-9
            if far:
                self._wrong("begin", f"at {pose[:3]}, measured {measured}")
            self._last = pose
            return
        step = np.concatenate([pose[:3] - self._last[:3], turn_between(self._last[3:], pose[3:])])
        if not command.fresh:
            if np.abs(step).max() > _STILL:
                self._wrong("repeat", f"a repeated command moved by {step}")
            return
        self._last = pose
        self._measure(np.concatenate([self._steps, step[None]]))
        resting, self._steps = np.abs(self._steps).max() <= _STILL, np.stack([self._steps[1], step])
        if resting and np.abs(step).max() > _STILL and command.state != EXECUTING:
            self._wrong("unasked", f"from rest by {step} in the state {command.state}")
        if command.state == STOPPED and resting and np.abs(step).max() > _STILL:
            self._wrong("stopped", f"by {step}")

    def _measure(self, steps: Array) -> None:
        for order, (name, bounds) in enumerate(zip(_NAMES, self._bounds, strict=True), start=1):
            change = (steps if order == 1 else np.diff(steps, n=order - 1, axis=0))[-1]
            for kind, part, bound in (("linear", change[:3], bounds[0]), ("angular", change[3:], bounds[1])):
                share = float(np.linalg.norm(part)) / self._period**order / bound
                key = f"{kind}_{name}"
                self._result.worst[key] = max(self._result.worst.get(key, 0.0), share)
                if share > 1 + _TOLERANCE:
                    self._wrong(key, f"{share:.6f} of the limit")

    def _wrong(self, kind: str, what: str) -> None:
        self._result.violated(kind, f"{what} ({self._where}, tick {self._result.ticks})")


def run_safety(
    ticks: int = 1_000_000,
    seed: int = 0,
    *,
    progress: Callable[[SafetyResult], None] = lambda _: None,
    seconds: float = float("inf"),
) -> SafetyResult:
    """Episodes of random adversaries until `ticks` commands were asked for, or `seconds` of wall time have passed.

    Raises ValueError for a number of ticks below 1.
    """
    if ticks < 1:
        raise ValueError(f"ticks is {ticks}; give 1 or more")
    result, episode, begin = SafetyResult(), 0, time.monotonic()
    while result.ticks < ticks and time.monotonic() - begin < seconds:
        _episode(result, np.random.default_rng([seed, episode]), min(_EPISODE_TICKS, ticks - result.ticks), episode)
        episode += 1
        progress(result)
    return result


def _episode(result: SafetyResult, rng: np.random.Generator, ticks: int, episode: int) -> None:
    limits, period = random_limits(rng), float(rng.choice([0.002, 0.01, 0.01, 0.01, 0.02, 0.04]))
    clock, eyes = Clock(rng, period), Perception(rng)
    settings = ExecutorSettings(alignment=str(rng.choice(["nearest", "stamp"])))
    executor = ChunkExecutor(limits, period_s=period, settings=settings, steady_clock=lambda: clock.steady_s)
    witness = Witness(limits, period, result, f"episode {episode}")
    true = random_pose(rng, limits)
    earlier: list[Any] = []
    lag = float(rng.choice([1.0, 0.3, 0.05]))  # share of the way to its command that the arm goes per tick
    for _ in range(ticks):
        clock.tick()
        measured, stamp_ns = eyes.look(true, clock.now_ns)
        try:
            _operate(executor, witness, rng)
            if rng.random() < 0.08:
                _offer(executor, random_chunk(rng, true, clock.now_ns, limits, earlier), clock.now_ns, result)
            command = executor.command(clock.now_ns, measured, stamp_ns)
        except Exception as error:
            result.ticks += 1
            result.violated("exception", f"{error!r} (episode {episode}, tick {result.ticks})")
            return
        witness.see(command, measured)
        if command.pose is not None:
            true = true + lag * (command.pose - true) if lag < 1 else command.pose.copy()
            true[3:] = command.pose[3:]
        elif rng.random() < 0.002:
            true = random_pose(rng, limits)  # moved by hand


def _operate(executor: ChunkExecutor, witness: Witness, rng: np.random.Generator) -> None:
    """What people and the rest of the node call between two ticks."""
    if not executor.enabled and rng.random() < 0.1:
        executor.enable()
        witness.enabled_since_fault = True
    chance = rng.random()
    if chance < 0.001:
        executor.disable()
    elif chance < 0.002:
        executor.stop()
    elif chance < 0.003:
        executor.enable()
        witness.enabled_since_fault = True
    elif chance < 0.0035:
        executor.fail("a node is lost")
    elif chance < 0.004:
        executor.hold("a doubt")


def _offer(executor: ChunkExecutor, chunk: object, now_ns: int, result: SafetyResult) -> None:
    try:
        executor.add(chunk, now_ns)  # type: ignore[arg-type]
        result.accepted += 1
    except ChunkRejected:
        result.rejected += 1
