"""The chunk that is followed, the one that waits to take its place, and when the way through one ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .chunk import Chunk
from .motion_limits import Motion
from .pacing import Tick
from .settings import ExecutorSettings, Limits
from .splice import ChunkPath

__all__ = ["Following"]


class Following:
    """path: the way through the present chunk; pending: a chunk that takes its place at the next step; newest_ns: the
    stamp of the last chunk taken over; rejoin: the path is left until the arm is at rest, after late commands."""

    def __init__(self) -> None:
        self.path: ChunkPath | None = None
        self.pending: Chunk | None = None
        self.newest_ns: int | None = None
        self.rejoin = False

    @property
    def executing(self) -> bool:
        """Whether the arm moves along a chunk."""
        return self.path is not None and not self.rejoin

    @property
    def busy(self) -> bool:
        """Whether there is a chunk at all."""
        return self.path is not None or self.pending is not None

    @property
    def stamp_ns(self) -> int | None:
        """Stamp of the chunk that is executed; None while none is."""
        return self.path.chunk.stamp_ns if self.path is not None and not self.rejoin else None

    def refusal(self, chunk: Chunk) -> str:
        """Why a chunk may not take over by its stamp; empty when it may."""
        if self.newest_ns is None or chunk.stamp_ns > self.newest_ns:
            return ""
        return f"its stamp {chunk.stamp_ns} is not newer than the present chunk's {self.newest_ns}"

    def offer(self, chunk: Chunk) -> None:
        """Let a chunk take over at the next step."""
        self.newest_ns, self.pending = chunk.stamp_ns, chunk

    def drop(self) -> None:
        """Give up what is followed and what waits."""
        self.path = self.pending = None

    def forget_before(self, time_ns: int) -> None:
        """Drop a waiting chunk that was observed before ROS time time_ns."""
        if self.pending is not None and self.pending.stamp_ns < time_ns:
            self.pending = None

    def resume(self, motion: Motion, tick: Tick, limits: Limits) -> None:
        """After late commands: go on along the same chunk once the arm is at rest."""
        if self.rejoin and not tick.late_s and motion.at_rest:
            self.rejoin = False
            if self.path is not None:
                self.path = self.path.rejoined(motion, tick.time_ns, limits)

    def splice(self, motion: Motion, tick: Tick, limits: Limits, settings: ExecutorSettings, period_s: float) -> Motion:
        """Go over to the waiting chunk; the motion that it begins with."""
        assert self.pending is not None
        motion = replace(motion, wanted=None, aim=None)
        before_ns = tick.time_ns - round(period_s * 1e9)  # the motion is that of the tick before
        self.path = ChunkPath(
            self.pending,
            motion,
            before_ns,
            limits,
            settings.splice_seconds,
            settings.alignment,
            settings.max_lead_seconds,
        )
        self.pending = None
        return motion

    def ended(self, time_ns: int, settings: ExecutorSettings) -> str:
        """Why the present chunk is not followed any further at ROS time time_ns; empty: it is."""
        if self.path is None:
            return ""
        if self.path.finished(time_ns):
            return "the chunk is used up"
        if time_ns - self.path.chunk.stamp_ns > settings.max_execution_age * 1e9:
            return f"the chunk is stale (max_execution_age {settings.max_execution_age:g} s)"
        return ""

    def at(self, time_ns: int) -> tuple[np.ndarray, float]:
        """Wanted pose `[7]` and openness at ROS time time_ns, of an executor that executes."""
        assert self.path is not None
        return self.path.at(time_ns)
