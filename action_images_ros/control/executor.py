"""Executes chunks on one arm: accepts or refuses them, splices them without a jump, holds when in doubt.

The caller ticks `command(now_ns, current_pose)` at the control rate (50-100 Hz), also while disabled: that is how the
executor learns where the arm was when an observation was taken. Time is ROS time in nanoseconds, always given; only
the watch for a clock that stands still uses the steady clock.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..geometry.pose import interpolate
from .acceptance import AcceptanceRules, ChunkRejected, accepted_part, pose_distance
from .chunk import Chunk
from .gripper import GripperSwitch
from .limits import Limits, Motion
from .splice import ChunkPath

__all__ = ["ChunkExecutor", "ChunkRejected", "Command", "ExecutorSettings"]

EXECUTING, HOLD, DISABLED = "executing", "hold", "disabled"


@dataclass(frozen=True)
class ExecutorSettings:
    """How chunks are joined and watched. Times in seconds, lengths in metres, angles in radians."""

    splice_seconds: float = 0.3        # a new chunk is blended in over at least this time; shorter follows it sooner
    alignment: str = "nearest"         # "stamp": frame i at stamp + i dt, always; "nearest": see ChunkPath
    max_lead_seconds: float = 0.2      # "nearest" may start a chunk this far ahead of its own time
    max_gap_seconds: float = 0.1       # a longer pause between two ticks: hold for a tick and start again from rest
    max_tracking_error: float = 0.10   # the arm further than this from its command: hold where it is
    max_tracking_angle: float = 0.8    # the same for its orientation
    max_execution_age: float = 5.0     # since the observation: a chunk older than this is not executed any further
    clock_stall_seconds: float = 0.5   # steady time without progress of ROS time that counts as a stopped clock
    pose_history_seconds: float = 5.0  # how long past poses are remembered to judge a chunk's first frame

    def __post_init__(self) -> None:
        if self.alignment not in ("stamp", "nearest"):
            raise ValueError(f"alignment is {self.alignment!r}; choose stamp or nearest")
        for name in ("splice_seconds", "max_gap_seconds", "max_tracking_error", "max_tracking_angle",
                     "max_execution_age", "clock_stall_seconds", "pose_history_seconds"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; give a finite number above 0")
        if not (np.isfinite(self.max_lead_seconds) and self.max_lead_seconds >= 0):
            raise ValueError(f"max_lead_seconds is {self.max_lead_seconds}; give 0 or more")


@dataclass(frozen=True)
class Command:
    """What to send to the arm now.

    pose: `[7]` ROBOT tool in base, or None when nothing may be sent; openness: 0.0, 1.0 or None while no chunk has
    said anything about the gripper; gripper_changed: true on the tick on which openness changed; state: "executing",
    "hold" or "disabled"; reason: why not executing, or which limit holds the motion back.
    """

    pose: np.ndarray | None
    openness: float | None
    state: str
    reason: str = ""
    gripper_changed: bool = False
    chunk_stamp_ns: int | None = None


class ChunkExecutor:
    """Receding horizon execution of chunks within `limits`. Starts disabled; nothing moves before `enable()`."""

    def __init__(self, limits: Limits, splice_seconds: float | None = None, *,
                 settings: ExecutorSettings | None = None, rules: AcceptanceRules | None = None,
                 gripper: GripperSwitch | None = None, steady_clock: Callable[[], float] = time.monotonic) -> None:
        settings = settings or ExecutorSettings()
        if splice_seconds is not None:
            settings = ExecutorSettings(**{**settings.__dict__, "splice_seconds": splice_seconds})
        self.limits = limits
        self.settings = settings
        self.rules = rules or AcceptanceRules()
        self._gripper = gripper or GripperSwitch()
        self._steady_clock = steady_clock
        self._enabled = False
        self._history: deque[tuple[int, np.ndarray]] = deque()
        self._last_ns: int | None = None
        self._last_advance = steady_clock()
        self._forget()

    def _forget(self) -> None:
        self._motion: Motion | None = None
        self._path: ChunkPath | None = None
        self._pending: Chunk | None = None
        self._newest_ns: int | None = None
        self._stopped = False
        self._why = "no chunk yet"
        self._gripper.reset()

    @property
    def enabled(self) -> bool:
        """Whether commands are given at all."""
        return self._enabled

    def enable(self) -> None:
        """Allow motion. Starts at rest from the arm's present pose and waits for a chunk; also ends a `stop()`."""
        if not self._enabled or self._stopped:
            self._forget()
        self._enabled = True

    def disable(self) -> None:
        """Command nothing any more, from the next tick on."""
        self._enabled = False
        self._forget()

    def stop(self) -> None:
        """Brake to rest, hold there and refuse chunks until `enable()`. Not an emergency stop."""
        self.hold("stopped; enable to go on")
        self._stopped = True

    def hold(self, reason: str) -> None:
        """Give up the present chunk and brake to rest; the next good chunk is executed again."""
        self._path = self._pending = None
        if not self._stopped:
            self._why = reason

    def add(self, chunk: Chunk, now_ns: int) -> int:
        """Take a chunk over at the next tick; returns the number of frames that will be executed at most.

        Raises ChunkRejected with the reason when the chunk must not move the arm; the present chunk then goes on.
        """
        if not self._enabled:
            raise ChunkRejected("commands are disabled; enable first")
        if self._stopped:
            raise ChunkRejected("stopped; enable to go on")
        if self._newest_ns is not None and chunk.stamp_ns <= self._newest_ns:
            raise ChunkRejected(f"its stamp {chunk.stamp_ns} is not newer than the present chunk's {self._newest_ns}")
        good = accepted_part(chunk, now_ns, self._pose_at(chunk.stamp_ns), self.limits, self.rules)
        if self.settings.alignment == "stamp" and now_ns >= good.end_ns:
            late = (now_ns - good.end_ns) * 1e-9
            raise ChunkRejected(f"it is over: its last usable frame was meant for {late:.2f} s ago")
        self._newest_ns = chunk.stamp_ns
        self._pending = good
        return len(good)

    def command(self, now_ns: int, current_pose) -> Command:
        """The command for ROS time `now_ns`, given the measured tool pose `[7]` (None when it is missing or old)."""
        now_ns = int(now_ns)
        pose, complaint = _checked_pose(current_pose)
        stalled = self._clock_stalled(now_ns)
        if self._last_ns is not None and now_ns < self._last_ns:
            self._history.clear()
            self._newest_ns = None
            self.hold("ROS time jumped back")
            self._motion = None
        seconds = 0.0 if self._last_ns is None else max(now_ns - self._last_ns, 0) * 1e-9
        self._last_ns = now_ns
        if pose is not None:
            self._remember(now_ns, pose)
        if not self._enabled:
            return Command(None, None, DISABLED, "commands are disabled")
        if self._motion is None:
            if pose is None:
                return Command(None, self._gripper.openness, HOLD, complaint)
            self._motion = Motion(pose)
        if stalled:
            self.hold("ROS time stands still")
            self._motion = Motion(self._motion.pose)
        elif pose is None:
            self.hold(complaint)
        else:
            self._check_tracking(pose)
        if seconds > self.settings.max_gap_seconds:
            self._motion = Motion(self._motion.pose)
            if self._path is not None:
                self._path = self._path.rejoined(self._motion, now_ns, self.limits)
            if self._path is not None or self._pending is not None:    # said, for a loop always late never moves
                return self._held(f"commands come late, more than {self.settings.max_gap_seconds:g} s apart")
            seconds = 0.0
        return self._step(now_ns, seconds)

    def _step(self, now_ns: int, seconds: float) -> Command:
        if self._pending is not None:
            self._motion = replace(self._motion, wanted=None)
            before_ns = now_ns - round(seconds * 1e9)       # the motion is that of the tick before
            self._path = ChunkPath(self._pending, self._motion, before_ns, self.limits, self.settings.splice_seconds,
                                   self.settings.alignment, self.settings.max_lead_seconds)
            self._pending = None
        if self._path is not None and self._path.finished(now_ns):
            self.hold("the chunk is used up")
        elif self._path is not None and now_ns - self._path.chunk.stamp_ns > self.settings.max_execution_age * 1e9:
            self.hold(f"the chunk is stale (max_execution_age {self.settings.max_execution_age:g} s)")
        if self._path is None:
            self._motion = self.limits.brake(self._motion, seconds)
            return self._held(self._why)
        wanted, openness = self._path.at(now_ns)
        self._motion, flags = self.limits.apply(self._motion, wanted, seconds)
        if "workspace" in flags:
            self.hold("the path leaves the workspace")
            return self._held(self._why)
        changed = self._gripper.update(openness, now_ns)
        return Command(self._motion.pose.copy(), self._gripper.openness, EXECUTING,
                       f"limited: {', '.join(flags)}" if flags else "", changed, self._path.chunk.stamp_ns)

    def _held(self, reason: str) -> Command:
        return Command(self._motion.pose.copy(), self._gripper.openness, HOLD, reason)

    def _clock_stalled(self, now_ns: int) -> bool:
        steady = self._steady_clock()
        if self._last_ns is None or now_ns != self._last_ns:
            self._last_advance = steady
        return steady - self._last_advance > self.settings.clock_stall_seconds

    def _check_tracking(self, pose: np.ndarray) -> None:
        distance, angle = pose_distance(self._motion.pose, pose)
        if distance > self.settings.max_tracking_error or angle > self.settings.max_tracking_angle:
            self.hold(f"the arm is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg from its command (limits "
                      f"{self.settings.max_tracking_error * 1000:.0f} mm, "
                      f"{np.degrees(self.settings.max_tracking_angle):.0f} deg)")
            self._motion = Motion(pose)

    def _remember(self, now_ns: int, pose: np.ndarray) -> None:
        if self._history and self._history[-1][0] == now_ns:
            self._history.pop()
        self._history.append((now_ns, pose))
        while now_ns - self._history[0][0] > self.settings.pose_history_seconds * 1e9:
            self._history.popleft()

    def _pose_at(self, time_ns: int) -> np.ndarray | None:
        """The arm's pose at a past time, interpolated; None when unknown by more than max_gap_seconds."""
        tolerance = self.settings.max_gap_seconds * 1e9
        before = after = None
        for stamp, pose in reversed(self._history):
            if stamp >= time_ns:
                after = (stamp, pose)
            else:
                before = (stamp, pose)
                break
        if before and after:
            fraction = (time_ns - before[0]) / (after[0] - before[0])
            close = min(time_ns - before[0], after[0] - time_ns) <= tolerance
            return interpolate(before[1], after[1], fraction) if close else None
        nearest = before or after
        return nearest[1] if nearest and abs(nearest[0] - time_ns) <= tolerance else None


def _checked_pose(pose) -> tuple[np.ndarray | None, str]:
    """The pose with a unit quaternion, or None and what is wrong with it."""
    if pose is None:
        return None, "no current pose"
    pose = np.array(pose, dtype=np.float64)
    if pose.shape != (7,) or not np.isfinite(pose).all():
        return None, f"the current pose is {pose.tolist()}: not seven finite numbers"
    norm = np.linalg.norm(pose[3:])
    if abs(norm - 1) > 0.01:
        return None, f"the current pose's quaternion {pose[3:].tolist()} has length {norm:.3g}, not 1"
    pose[3:] /= norm
    return pose, ""
