"""One episode in the closed loop without ROS: observe, get a chunk, execute the first part of it, observe again.

The chunk goes through the same ChunkExecutor as in the `arm_command` node; time is the cell's simulated time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..cell.cell import Cell
from ..control.chunk import Chunk
from ..control.chunk_check import LimitExceeded
from ..control.executor import ChunkExecutor, ChunkRejected
from ..control.states import EXECUTING
from ..environments.protocol import Environment

__all__ = ["Rollout", "RolloutSettings", "Source", "roll_out"]


@dataclass(frozen=True)
class RolloutSettings:
    """execute_steps: frames of a chunk executed before the next observation. latency_seconds: simulated time between
    an observation and its chunk; meanwhile the last chunk is executed on. time_limit: simulated seconds."""

    execute_steps: int = 4
    latency_seconds: float = 0.0
    time_limit: float = 15.0

    def __post_init__(self) -> None:
        if self.execute_steps < 1:
            raise ValueError(f"execute_steps is {self.execute_steps}; execute at least 1 frame of each chunk")
        if not (np.isfinite(self.latency_seconds) and self.latency_seconds >= 0):
            raise ValueError(f"latency_seconds is {self.latency_seconds}; give 0 or more")
        if not (np.isfinite(self.time_limit) and self.time_limit > 0):
            raise ValueError(f"time_limit is {self.time_limit}; give seconds, more than 0")


@dataclass
class Rollout:
    """Outcome of an episode.

    seconds: simulated; steps: control ticks; wrong_object: the policy manipulated a different object first; limited:
    chunks rejected by the robot check; slowed: accepted chunks that it slowed down; last_reason: of the last rejection.
    """

    success: bool = False
    wrong_object: bool = False
    seconds: float = 0.0
    steps: int = 0
    chunks: int = 0
    rejected: int = 0
    limited: int = 0
    slowed: int = 0
    hold_seconds: float = 0.0
    last_reason: str = ""


class Source(Protocol):
    """Source of chunks. dt: seconds between frames; seconds: wall time of each chunk; hold: the reason where None was
    returned, and the arm must not move."""

    dt: float
    seconds: list[float]
    hold: str

    def __call__(self, cell: Any, /) -> Chunk | None:
        """Chunk of the present observation, or None."""

    def moved(self, pose: np.ndarray, openness: float, seconds: float) -> None:
        """Called with every command sent to the cell."""


def roll_out(
    cell: Cell | Environment,
    source: Source,
    executor: ChunkExecutor,
    settings: RolloutSettings,
    on_tick: Callable[[Any], None] | None = None,
) -> Rollout:
    """Run until success or the time limit. `executor` is fresh, `on_tick` is called with the cell."""
    result = Rollout()
    period = cell.control_period
    executor.enable()
    target = np.array(cell.tcp_pose)
    while executor.settling:  # the arm is held and watched before its episode begins, as after enabling a real one
        command = executor.command(cell.time_ns, cell.tcp_pose)
        target = target if command.pose is None else command.pose
        cell.step(target, cell.commanded_openness, period)
    begin_ns = cell.time_ns
    limit_ns = begin_ns + round(settings.time_limit * 1e9)
    interval_ns = round(settings.execute_steps * source.dt * 1e9)
    observe_ns = begin_ns
    waiting: Chunk | None = None
    while cell.time_ns < limit_ns and not cell.success():
        now_ns = cell.time_ns
        command = executor.command(now_ns, cell.tcp_pose)
        if waiting is None and now_ns >= observe_ns:
            waiting = source(cell)
            result.chunks += 1
            observe_ns = now_ns + interval_ns
            if waiting is None:
                result.rejected += 1
                result.last_reason = source.hold
                executor.hold(source.hold)
        if waiting is not None and now_ns >= waiting.stamp_ns + settings.latency_seconds * 1e9:
            try:
                executor.add(waiting, now_ns, _joints(cell, executor))
            except ChunkRejected as refusal:
                result.rejected += 1
                result.limited += isinstance(refusal, LimitExceeded)
                result.last_reason = refusal.reason
            waiting = None
        openness = cell.commanded_openness if command.openness is None else command.openness
        target = target if command.pose is None else command.pose  # after a fault the arm stays where it was braked
        cell.step(target, openness, period)
        if cell.time_ns == now_ns:  # the environment's own steps are over
            break
        source.moved(target, openness, period)
        result.steps += 1
        if command.state != EXECUTING:
            result.hold_seconds += period
        if on_tick is not None:
            on_tick(cell)
    result.slowed = executor.slowed
    result.success = bool(cell.success())
    result.wrong_object = bool(cell.took_wrong_object())
    result.seconds = (cell.time_ns - begin_ns) * 1e-9
    return result


def _joints(cell: Any, executor: ChunkExecutor) -> np.ndarray | None:
    """Positions of the joints that the executor's check asks for."""
    if executor.check is None or not executor.check.joints:
        return None
    positions = dict(zip(cell.joint_names, cell.joint_positions, strict=True))
    return np.array([positions[name] for name in executor.check.joints])
