"""Executes chunks on one arm: accepts or refuses them, splices them without a jump, holds when in doubt.

The caller ticks `command(now_ns, current_pose)` once per control period, also while disabled: that is how the
executor learns where the arm was when an observation was taken. Time is ROS time in nanoseconds, always given; only
the watch for a clock that stands still uses the steady clock. Every pose commanded obeys `Law`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .acceptance import ChunkRejected, accepted_part, pose_distance
from .chunk import Chunk
from .chunk_check import ChunkCheck
from .gripper import GripperSwitch
from .law import Law, Motion
from .measured import MeasuredPose
from .pacing import Pacing, Tick
from .settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits
from .splice import ChunkPath
from .states import DISABLED, EXECUTING, FAULTED, HOLDING, IDLE, STOPPED

__all__ = [
    "DISABLED",
    "EXECUTING",
    "FAULTED",
    "HOLDING",
    "IDLE",
    "STOPPED",
    "ChunkExecutor",
    "ChunkRejected",
    "Command",
]


@dataclass(frozen=True)
class Command:
    """What to send to the arm now.

    pose: `[7]` ROBOT tool in base, or None when nothing may be sent; openness: 0.0, 1.0 or None while no chunk has
    said anything about the gripper; gripper_changed: true on the tick on which openness changed; state: "disabled",
    "idle", "executing", "holding", "faulted" or "stopped", also while the arm is still braking into it; reason: why
    not executing, or which limit holds the motion back. fresh: false when no control period has passed since the last
    command, whose pose this is: nothing is to be sent then. time_ns: the ROS time that the pose is meant for.
    """

    pose: npt.NDArray[np.float64] | None
    openness: float | None
    state: str
    reason: str = ""
    gripper_changed: bool = False
    chunk_stamp_ns: int | None = None
    fresh: bool = True
    time_ns: int = 0


class ChunkExecutor:
    """Receding horizon execution of chunks within `limits`. Starts disabled; nothing moves before `enable()`.

    period_s: the control period, the time that every step of the command takes. check: what else a chunk must pass
    before it is accepted, such as a `RobotCheck`; `slowed` counts the chunks that it slowed down.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        period_s: float = 0.01,
        settings: ExecutorSettings | None = None,
        rules: AcceptanceRules | None = None,
        gripper: GripperSettings | None = None,
        check: ChunkCheck | None = None,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or ExecutorSettings()
        self.limits = limits
        self.rules = rules or AcceptanceRules()
        self.check = check
        self.slowed = 0
        self.law = Law(limits, period_s)
        self.gripper = gripper or GripperSettings()
        self._gripper = GripperSwitch(self.gripper)
        self._steady_clock = steady_clock
        self._pacing = Pacing(period_s, self.settings.max_gap_seconds, self.settings.clock_stall_seconds, steady_clock)
        self._measured = MeasuredPose(self.settings)
        self._new_law: tuple[Limits, float] | None = None
        self._enabled = False
        self._motion: Motion | None = None
        self._forget()

    def _forget(self) -> None:
        self._path: ChunkPath | None = None
        self._pending: Chunk | None = None
        self._newest_ns: int | None = None
        self._rejoin = self._restart = False
        self._fault = self._stopped = ""
        self._held_seconds = 0.0
        self._why = ""
        self._gripper.reset()

    @property
    def enabled(self) -> bool:
        """Whether commands are given at all; a fault ends that once the arm is at rest."""
        return self._enabled and not self._fault

    @property
    def fault(self) -> str:
        """Why the arm was disabled by a fault, until it is enabled again; empty without one."""
        return self._fault

    @property
    def state(self) -> str:
        """One of the states of `Command`."""
        if not self._enabled:
            return DISABLED
        if self._fault:
            return FAULTED
        if self._stopped:
            return STOPPED
        if self._path is not None and not self._rejoin:
            return EXECUTING
        return HOLDING if self._why else IDLE

    @property
    def measured_ns(self) -> int | None:
        """Stamp of the newest measured pose that was believed (ns)."""
        return self._measured.newest_ns

    @property
    def resting(self) -> bool:
        """Whether nothing is being commanded, or nothing but to stay."""
        return self._motion is None or self._motion.at_rest

    @property
    def settling(self) -> bool:
        """Whether the arm is still being watched after enabling; chunks wait meanwhile."""
        return self.enabled and self._held_seconds < self.settings.enable_seconds

    def enable(self) -> None:
        """Allow motion. Holds the arm at its measured pose and waits for a chunk; ends a `stop()` and a fault.

        An arm outside the workspace, or one that does not stay where it is held, is a fault. While commands are still
        given, braking or held by `stop()`, the arm is held where it comes to rest: commands that follow each other
        never jump to a measurement.
        """
        if not self._enabled or self._stopped or self._fault:
            self._forget()
            self._restart = self._motion is not None
            if not self._restart:
                self._measured.forget_last()
                self._pacing.restart()  # no command is meant for a time before it was allowed
        self._enabled = True

    def disable(self) -> None:
        """Brake to rest within the limits, then command nothing."""
        self._enabled = False
        self._forget()

    def fail(self, reason: str) -> None:
        """A fault: brake to rest within the limits, then command nothing until `enable()`. The first reason is kept."""
        if not self._enabled or self._fault:
            return
        self._path = self._pending = None
        self._fault = reason

    def stop(self) -> None:
        """Brake to rest, hold there and refuse chunks until `enable()`. Not an emergency stop."""
        self._path = self._pending = None
        self._stopped = "stopped; enable to go on"

    def hold(self, reason: str) -> None:
        """Give up the present chunk and brake to rest; the next good chunk is executed again."""
        self._path = self._pending = None
        self._why = reason

    def adjust(
        self,
        limits: Limits,
        period_s: float,
        settings: ExecutorSettings,
        rules: AcceptanceRules,
        gripper: GripperSettings,
    ) -> None:
        """Take other values over. Other limits or another period act once the arm is at rest: it brakes for them by
        the limits that its motion was planned with, and waits for the next chunk."""
        self.settings, self.rules, self.gripper = settings, rules, gripper
        self._gripper.settings = gripper
        self._measured.settings = settings
        if (limits, period_s) != (self.limits, self.law.period_s):
            self._new_law = limits, period_s
            self.hold("other limits were set; the next chunk is executed within them")
        else:
            self._new_law = None
        self._pacing.max_gap_s, self._pacing.stall_s = settings.max_gap_seconds, settings.clock_stall_seconds

    def _take_new_law(self) -> None:
        """From here on the new limits hold. An arm outside the new workspace is a fault; it stays where it is."""
        assert self._new_law is not None
        (self.limits, period_s), self._new_law = self._new_law, None
        self.law = Law(self.limits, period_s)
        s = self.settings
        self._pacing = Pacing(period_s, s.max_gap_seconds, s.clock_stall_seconds, self._steady_clock)
        if self._motion is not None and not self.limits.contains(self._motion.pose[:3]):
            self.fail(
                f"the arm is outside the workspace that was set, at {np.round(self._motion.pose[:3], 3).tolist()} m; "
                "widen it, or move the arm inside by hand, then enable"
            )

    def add(self, chunk: Chunk, now_ns: int, joints: npt.NDArray[np.float64] | None = None) -> int:
        """Take a chunk over at the next tick; returns the number of frames that will be executed at most.

        joints: the arm's joint positions now, in the order of `check.joints`; None: not known. Raises ChunkRejected
        with the reason when the chunk must not move the arm; the present chunk then goes on.
        """
        return self.take(self.checked(self.judged(chunk, now_ns), joints))

    def judged(self, chunk: Chunk, now_ns: int) -> Chunk:
        """The part of a chunk that the rules accept; raises ChunkRejected."""
        self._refuse_unready(chunk)
        try:
            good = accepted_part(chunk, now_ns, self._measured.at(chunk.stamp_ns), self.limits, self.rules)
        except ChunkRejected:
            raise
        except Exception as error:  # a chunk that cannot even be judged is none
            raise ChunkRejected(f"it cannot be judged: {error!r}") from error
        if self.settings.alignment == "stamp" and now_ns >= good.end_ns:
            late = (now_ns - good.end_ns) * 1e-9
            raise ChunkRejected(f"it is over: its last usable frame was meant for {late:.2f} s ago")
        return good

    def checked(self, good: Chunk, joints: npt.NDArray[np.float64] | None) -> Chunk:
        """A judged chunk after `check`, maybe slowed down; raises ChunkRejected. It takes milliseconds and needs no
        lock against `command`."""
        if self.check is None:
            return good
        try:
            result = self.check.checked(good, joints, self._measured.newest)
        except ChunkRejected:
            raise
        except Exception as error:
            raise ChunkRejected(f"it cannot be checked: {error!r}") from error
        self.slowed += result is not good
        return result

    def take(self, good: Chunk) -> int:
        """Execute a chunk that was judged and checked; raises ChunkRejected when that has become impossible."""
        self._refuse_unready(good)
        self._newest_ns = good.stamp_ns
        self._pending = good
        return len(good)

    def _refuse_unready(self, chunk: Chunk) -> None:
        if not self._enabled:
            raise ChunkRejected("commands are disabled; enable first")
        if self._fault:
            raise ChunkRejected(f"disabled by a fault: {self._fault}; enable to go on")
        if self._stopped:
            raise ChunkRejected(self._stopped)
        if self._new_law is not None:
            raise ChunkRejected("the arm brakes, to take over the limits that were set")
        if self._newest_ns is not None and chunk.stamp_ns <= self._newest_ns:
            raise ChunkRejected(f"its stamp {chunk.stamp_ns} is not newer than the present chunk's {self._newest_ns}")

    def command(self, now_ns: int, current_pose: npt.ArrayLike | None, pose_ns: int | None = None) -> Command:
        """The command for ROS time `now_ns`, given the measured tool pose `[7]` (None when it is missing or old).

        pose_ns: the stamp of the measured pose, ROS time; default now.
        """
        now_ns = int(now_ns)
        if self._new_law is not None and self.resting:
            self._take_new_law()
        tick = self._pacing.tick(now_ns)
        if tick.back:
            self._measured.clear()
            self._newest_ns = None
            self.hold("ROS time jumped back")
        pose, complaint = self._measured.take(current_pose, pose_ns, now_ns)
        braking = not self._enabled or bool(self._fault) or self._restart
        if self._motion is not None and braking and self._motion.at_rest:
            if self._restart:
                self._restart = braking = False
                self._held_seconds = 0.0
            else:
                self._motion = None
        if self._motion is None and (not self._enabled or not self._begin(pose, complaint)):
            reason = self._fault or (complaint if self._enabled else "commands are disabled")
            return Command(None, self._gripper.openness, self.state, reason, time_ns=tick.time_ns)
        if not braking:
            self._watch(pose, complaint, tick)
        if not tick.step:
            return self._told(tick, fresh=False)
        return self._step(tick)

    def _begin(self, pose: npt.NDArray[np.float64] | None, complaint: str) -> bool:
        """Whether the arm can be held at its measured pose; outside the workspace that is a fault."""
        if pose is None or complaint or self._fault:
            return False
        if not self.limits.contains(pose[:3]):
            self.fail(
                f"the arm is outside the workspace, at {np.round(pose[:3], 3).tolist()} m; move it inside by "
                "hand, or correct the workspace or current_pose, then enable"
            )
            return False
        self._motion = Motion(pose)
        self._measured.commanded(0.0)
        self._held_seconds = 0.0
        return True

    def _watch(self, pose: npt.NDArray[np.float64] | None, complaint: str, tick: Tick) -> None:
        """Faults and holds by what is measured and by the clock."""
        if complaint or pose is None:
            self.fail(complaint)
        else:
            self._check_tracking(pose)
        if tick.stalled:
            self.hold("ROS time stands still")
        if tick.late_s and (self._path is not None or self._pending is not None):
            self._rejoin = True
            self._why = f"commands come late, more than {self.settings.max_gap_seconds:g} s apart"

    @property
    def _moving(self) -> Motion:
        """The commanded motion, of an executor that has been enabled."""
        assert self._motion is not None  # `enable` gives it before anything moves
        return self._motion

    def _check_tracking(self, pose: npt.NDArray[np.float64]) -> None:
        distance, angle = pose_distance(self._moving.pose, pose)
        settings = self.settings
        most, most_angle, where = (
            (settings.max_enable_drift, settings.max_enable_turn, "where it is held after enabling")
            if self.settling
            else (settings.max_tracking_error, settings.max_tracking_angle, "its command")
        )
        if distance > most or angle > most_angle:
            self.fail(
                f"the arm is {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg from {where} (limits "
                f"{most * 1000:.0f} mm, {np.degrees(most_angle):.0f} deg); is current_pose the commanded frame "
                "in metres, and is the arm free?"
            )

    def _step(self, tick: Tick) -> Command:
        """Move the command on by one period."""
        self._held_seconds += self.law.period_s
        if self._rejoin and not tick.late_s and self._moving.at_rest:
            self._rejoin = False
            if self._path is not None:
                self._path = self._path.rejoined(self._moving, tick.time_ns, self.limits)
        if self._pending is not None and not self.settling and not self._rejoin:
            motion = self._motion = replace(self._moving, wanted=None, aim=None)
            before_ns = tick.time_ns - round(self.law.period_s * 1e9)  # the motion is that of the tick before
            self._path = ChunkPath(
                self._pending,
                motion,
                before_ns,
                self.limits,
                self.settings.splice_seconds,
                self.settings.alignment,
                self.settings.max_lead_seconds,
            )
            self._pending, self._why = None, ""
        if self._path is not None and self._path.finished(tick.time_ns):
            self.hold("the chunk is used up")
        elif (
            self._path is not None and tick.time_ns - self._path.chunk.stamp_ns > self.settings.max_execution_age * 1e9
        ):
            self.hold(f"the chunk is stale (max_execution_age {self.settings.max_execution_age:g} s)")
        if self.state != EXECUTING or self._path is None:
            self._motion = self.law.brake(self._moving)
            return self._told(tick)
        wanted, openness = self._path.at(tick.time_ns)
        motion, flags = self.law.follow(self._moving, wanted)
        self._motion = motion
        self._measured.commanded(motion.speed * self.law.period_s)
        changed = self._gripper.update(openness, tick.time_ns)
        return self._told(tick, f"limited: {', '.join(flags)}" if flags else "", changed)

    def _told(self, tick: Tick, limited: str = "", gripper_changed: bool = False, fresh: bool = True) -> Command:
        state = self.state
        reason = {
            DISABLED: "commands are disabled",
            IDLE: "no chunk yet",
            HOLDING: self._why,
            FAULTED: self._fault,
            STOPPED: self._stopped,
            EXECUTING: limited,
        }[state]
        stamp_ns = self._path.chunk.stamp_ns if state == EXECUTING and self._path is not None else None
        return Command(
            self._moving.pose.copy(),
            self._gripper.openness,
            state,
            reason,
            gripper_changed,
            stamp_ns,
            fresh,
            tick.time_ns,
        )
