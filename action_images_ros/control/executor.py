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

EXECUTING, HOLD, DISABLED, FAULTED = "executing", "hold", "disabled", "faulted"
_MEASURED_NOISE, _MEASURED_NOISE_ANGLE = 0.015, 0.1  # m, rad between two samples at any distance in time


@dataclass(frozen=True)
class ExecutorSettings:
    """How chunks are joined and watched. Times in seconds, lengths in metres, angles in radians."""

    splice_seconds: float = 0.3  # a new chunk is blended in over at least this time; shorter follows it sooner
    alignment: str = "nearest"  # "stamp": frame i at stamp + i dt, always; "nearest": see ChunkPath
    max_lead_seconds: float = 0.2  # "nearest" may start a chunk this far ahead of its own time
    max_gap_seconds: float = 0.1  # a longer pause between two ticks: hold for a tick and start again from rest
    max_tracking_error: float = 0.10  # the arm further than this from its command: fault
    max_tracking_angle: float = 0.8  # the same for its orientation
    enable_seconds: float = 0.3  # after enabling the arm is held this long before a chunk may move it
    max_enable_drift: float = 0.01  # the arm further than this from where it is held after enabling: fault
    max_enable_turn: float = 0.1  # the same for its orientation
    max_measured_speed: float = 1.5  # m/s, a measured pose that moves faster is a sensor fault
    max_measured_angular_speed: float = 6.0  # rad/s, the same
    max_pose_age: float = 0.3  # by its own stamp: a measured pose older than this is a sensor fault
    max_frozen_way: float = 0.03  # commanded way during which the measured pose must change at least a little
    max_execution_age: float = 5.0  # since the observation: a chunk older than this is not executed any further
    clock_stall_seconds: float = 0.5  # steady time without progress of ROS time that counts as a stopped clock
    pose_history_seconds: float = 5.0  # how long past poses are remembered to judge a chunk's first frame

    def __post_init__(self) -> None:
        if self.alignment not in ("stamp", "nearest"):
            raise ValueError(f"alignment is {self.alignment!r}; choose stamp or nearest")
        for name in (
            "splice_seconds",
            "max_gap_seconds",
            "max_tracking_error",
            "max_tracking_angle",
            "max_execution_age",
            "clock_stall_seconds",
            "pose_history_seconds",
            "enable_seconds",
            "max_enable_drift",
            "max_enable_turn",
            "max_measured_speed",
            "max_measured_angular_speed",
            "max_pose_age",
            "max_frozen_way",
        ):
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
    "hold", "disabled" or "faulted" (braking or at rest until enabled again); reason: why not executing, or which limit
    holds the motion back.
    """

    pose: np.ndarray | None
    openness: float | None
    state: str
    reason: str = ""
    gripper_changed: bool = False
    chunk_stamp_ns: int | None = None


class ChunkExecutor:
    """Receding horizon execution of chunks within `limits`. Starts disabled; nothing moves before `enable()`."""

    def __init__(
        self,
        limits: Limits,
        splice_seconds: float | None = None,
        *,
        settings: ExecutorSettings | None = None,
        rules: AcceptanceRules | None = None,
        gripper: GripperSwitch | None = None,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
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
        self._sensor: tuple[int, np.ndarray] | None = None
        self._last_ns: int | None = None
        self._last_advance = steady_clock()
        self._forget()

    def _forget(self) -> None:
        self._motion: Motion | None = None
        self._path: ChunkPath | None = None
        self._pending: Chunk | None = None
        self._newest_ns: int | None = None
        self._stopped = False
        self._fault = ""
        self._held_seconds = 0.0
        self._frozen_way = 0.0
        self._why = "no chunk yet"
        self._gripper.reset()

    @property
    def enabled(self) -> bool:
        """Whether commands are given at all."""
        return self._enabled

    @property
    def fault(self) -> str:
        """Why the arm was disabled by a fault, until it is enabled again; empty without one."""
        return self._fault

    @property
    def settling(self) -> bool:
        """Whether the arm is still being watched after enabling; chunks wait meanwhile."""
        return self._enabled and not self._fault and self._held_seconds < self.settings.enable_seconds

    def enable(self) -> None:
        """Allow motion. Holds the arm at its measured pose and waits for a chunk; ends a `stop()` and a fault.

        An arm outside the workspace, or one that does not stay where it is held, is a fault.
        """
        if not self._enabled or self._stopped or self._fault:
            self._forget()
            self._sensor = None
        self._enabled = True

    def disable(self) -> None:
        """Command nothing any more, from the next tick on."""
        self._enabled = False
        self._forget()

    def fault_now(self, reason: str) -> None:
        """Brake to rest within the limits, then command nothing until `enable()`. The first reason is kept."""
        if not self._enabled or self._fault:
            return
        self._path = self._pending = None
        self._fault = reason

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
        if self._fault:
            raise ChunkRejected(f"disabled by a fault: {self._fault}; enable to go on")
        if self._stopped:
            raise ChunkRejected("stopped; enable to go on")
        if self._newest_ns is not None and chunk.stamp_ns <= self._newest_ns:
            raise ChunkRejected(f"its stamp {chunk.stamp_ns} is not newer than the present chunk's {self._newest_ns}")
        try:
            good = accepted_part(chunk, now_ns, self._pose_at(chunk.stamp_ns), self.limits, self.rules)
        except ChunkRejected:
            raise
        except Exception as error:  # a chunk that cannot even be judged is none
            raise ChunkRejected(f"it cannot be judged: {error!r}") from error
        if self.settings.alignment == "stamp" and now_ns >= good.end_ns:
            late = (now_ns - good.end_ns) * 1e-9
            raise ChunkRejected(f"it is over: its last usable frame was meant for {late:.2f} s ago")
        self._newest_ns = chunk.stamp_ns
        self._pending = good
        return len(good)

    def command(self, now_ns: int, current_pose, pose_ns: int | None = None) -> Command:
        """The command for ROS time `now_ns`, given the measured tool pose `[7]` (None when it is missing or old).

        pose_ns: the stamp of the measured pose, ROS time; default now.
        """
        now_ns = int(now_ns)
        pose, complaint = _checked_pose(current_pose)
        stalled = self._clock_stalled(now_ns)
        if self._last_ns is not None and now_ns < self._last_ns:
            self._history.clear()
            self._sensor = None
            self._newest_ns = None
            self.hold("ROS time jumped back")
        seconds = 0.0 if self._last_ns is None else max(now_ns - self._last_ns, 0) * 1e-9
        self._last_ns = now_ns
        if pose is not None:
            pose_ns = now_ns if pose_ns is None else pose_ns
            complaint = self._sensor_complaint(pose, pose_ns, now_ns)
            if not complaint:
                self._remember(pose_ns, pose)
        if not self._enabled:
            return Command(None, None, DISABLED, "commands are disabled")
        if self._motion is None and not self._begin(pose, complaint):
            state = FAULTED if self._fault else HOLD
            return Command(None, self._gripper.openness, state, self._fault or complaint)
        if complaint:
            self.fault_now(complaint)
        else:
            self._check_tracking(pose)
        if stalled:
            self.hold("ROS time stands still")
            self._motion = Motion(self._motion.pose)
        if self._fault:
            return self._braked(seconds)
        if seconds > self.settings.max_gap_seconds:
            self._motion = Motion(self._motion.pose)
            if self._path is not None:
                self._path = self._path.rejoined(self._motion, now_ns, self.limits)
            if self._path is not None or self._pending is not None:  # said, for a loop always late never moves
                return self._held(f"commands come late, more than {self.settings.max_gap_seconds:g} s apart")
            seconds = 0.0
        self._held_seconds += seconds
        return self._step(now_ns, seconds)

    def _begin(self, pose: np.ndarray | None, complaint: str) -> bool:
        """Whether the arm can be held at its measured pose; outside the workspace that is a fault."""
        if pose is None or complaint or self._fault:
            return False
        if not self.limits.contains(pose[:3]):
            self._fault = (
                f"the arm is outside the workspace, at {np.round(pose[:3], 3).tolist()} m; move it inside "
                "by hand, or correct the workspace or current_pose, then enable"
            )
            return False
        self._motion = Motion(pose)
        self._frozen_way = self._held_seconds = 0.0
        return True

    def _braked(self, seconds: float) -> Command:
        """A step of braking after a fault; at rest nothing is commanded any more."""
        if not self._motion.linear.any() and not self._motion.angular.any():
            return Command(None, self._gripper.openness, FAULTED, self._fault)
        self._motion = self.limits.brake(self._motion, min(seconds, self.settings.max_gap_seconds))
        return Command(self._motion.pose.copy(), self._gripper.openness, FAULTED, self._fault)

    def _step(self, now_ns: int, seconds: float) -> Command:
        if self._pending is not None and self._held_seconds >= self.settings.enable_seconds:
            self._motion = replace(self._motion, wanted=None)
            before_ns = now_ns - round(seconds * 1e9)  # the motion is that of the tick before
            self._path = ChunkPath(
                self._pending,
                self._motion,
                before_ns,
                self.limits,
                self.settings.splice_seconds,
                self.settings.alignment,
                self.settings.max_lead_seconds,
            )
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
        self._frozen_way = min(self._frozen_way + self._motion.speed * seconds, 1.0)
        if "workspace" in flags:
            self.hold("the path leaves the workspace")
            return self._held(self._why)
        changed = self._gripper.update(openness, now_ns)
        return Command(
            self._motion.pose.copy(),
            self._gripper.openness,
            EXECUTING,
            f"limited: {', '.join(flags)}" if flags else "",
            changed,
            self._path.chunk.stamp_ns,
        )

    def _held(self, reason: str) -> Command:
        return Command(self._motion.pose.copy(), self._gripper.openness, HOLD, reason)

    def _clock_stalled(self, now_ns: int) -> bool:
        steady = self._steady_clock()
        if self._last_ns is None or now_ns != self._last_ns:
            self._last_advance = steady
        return steady - self._last_advance > self.settings.clock_stall_seconds

    def _check_tracking(self, pose: np.ndarray) -> None:
        distance, angle = pose_distance(self._motion.pose, pose)
        settings = self.settings
        new = self._held_seconds < settings.enable_seconds
        most = settings.max_enable_drift if new else settings.max_tracking_error
        most_angle = settings.max_enable_turn if new else settings.max_tracking_angle
        if distance > most or angle > most_angle:
            where = "where it is held after enabling" if new else "its command"
            self.fault_now(
                f"the arm is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg from {where} (limits "
                f"{most * 1000:.0f} mm, {np.degrees(most_angle):.0f} deg); is current_pose the commanded "
                "frame in metres, and is the arm free?"
            )

    def _sensor_complaint(self, pose: np.ndarray, pose_ns: int, now_ns: int) -> str:
        """What is wrong with a measured pose beside the others; empty when nothing is."""
        settings = self.settings
        age = (now_ns - pose_ns) * 1e-9
        if age > settings.max_pose_age:
            return f"current_pose is {age:.2f} s old by its stamp (limit {settings.max_pose_age:g} s)"
        if age < -settings.max_gap_seconds:
            return f"current_pose's stamp is {-age:.2f} s in the future; check the clocks"
        last, self._sensor = self._sensor, (pose_ns, pose)
        if last is None:
            return ""
        seconds = max(pose_ns - last[0], 0) * 1e-9
        distance, angle = pose_distance(pose, last[1])
        if (
            distance > settings.max_measured_speed * seconds + _MEASURED_NOISE
            or angle > settings.max_measured_angular_speed * seconds + _MEASURED_NOISE_ANGLE
        ):
            return (
                f"current_pose jumped by {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg in {seconds:.3f} "
                "s: faster than the arm can move; check what publishes it"
            )
        if np.any(pose != last[1]):
            self._frozen_way = 0.0
        elif pose_ns > last[0] and self._frozen_way > settings.max_frozen_way:
            return (
                f"current_pose has not changed while {self._frozen_way * 1000:.0f} mm were commanded; is it "
                "frozen, or the arm blocked?"
            )
        return ""

    def _remember(self, now_ns: int, pose: np.ndarray) -> None:
        while self._history and self._history[-1][0] >= now_ns:
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
