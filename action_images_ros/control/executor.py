"""Executes chunks on one arm: accepts or refuses them, splices them without a jump, holds when in doubt.

The caller ticks `command(now_ns, current_pose)` once per control period, also while disabled: that is how the
executor learns where the arm was when an observation was taken. Time is ROS time in nanoseconds, always given; only
the watch for a clock that stands still uses the steady clock. Every pose commanded obeys `Law`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .acceptance import ChunkRejected
from .chunk import Chunk
from .chunk_check import ChunkCheck
from .command import Command
from .enabling import StandStill
from .following import Following
from .gripper import GripperSwitch
from .judging import checked_part, judged_part, outside_complaint, tracking_complaint
from .latches import Latches
from .measured import MeasuredPose
from .motion_limits import Law, Motion
from .pacing import Pacing, Tick
from .settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits
from .states import EXECUTING

__all__ = ["ChunkExecutor", "ChunkRejected", "Command"]


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
        self._latches = Latches()
        self._motion: Motion | None = None
        self.unfit = "no current pose"  # why the last tick's arm could not be held, so that enabling is refused
        self._forget()

    def _forget(self, now_ns: int | None = None) -> None:
        self._chunks = Following()
        self._restart = False
        self._held_seconds = 0.0
        self._still = StandStill(self.settings, now_ns)
        self.since_ns = now_ns  # what was observed before does not move the arm
        self._gripper.reset()

    @property
    def enabled(self) -> bool:
        """Whether commands are given at all; a fault ends that once the arm is at rest."""
        return self._latches.enabled and not self._latches.fault

    @property
    def fault(self) -> str:
        """Why the arm was disabled by a fault, until it is enabled again; empty without one."""
        return self._latches.fault

    @property
    def state(self) -> str:
        """One of the states of `Command`."""
        return self._latches.state(executing=self._chunks.executing)

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
        return self.enabled and (self._motion is None or self._held_seconds < self.settings.enable_seconds)

    def enable(self, now_ns: int | None = None) -> None:
        """Allow motion. Watches the arm until it stands still, holds it there and waits for a chunk; ends a `stop()`
        and a fault.

        An arm outside the workspace, one that does not stand still, or does not stay where it is held, is a fault.
        While commands are still given, braking or held by `stop()`, the arm is held where it comes to rest: commands
        that follow each other never jump to a measurement. Chunks observed before ROS time now_ns do not count.
        """
        if self._latches.refusal:
            self._forget(now_ns)
            self._restart = self._motion is not None
            if not self._restart:
                self._measured.forget_last()
                self._pacing.restart()  # no command is meant for a time before it was allowed
            self._latches.enable()

    def disable(self) -> None:
        """Brake to rest within the limits, then command nothing."""
        self._latches.disable()
        self._forget()

    def fail(self, reason: str) -> None:
        """A fault: brake to rest within the limits, then command nothing until `enable()`. The first reason is kept."""
        if self._latches.fail(reason):
            self._chunks.drop()

    def forget_before(self, time_ns: int) -> None:
        """Let nothing that was observed before ROS time time_ns move the arm."""
        self.since_ns = time_ns if self.since_ns is None else max(self.since_ns, time_ns)
        self._chunks.forget_before(self.since_ns)

    def was_under_way(self, stamp_ns: int, now_ns: int) -> bool:
        """Whether a chunk was observed just before the arm was enabled: left out without a complaint."""
        since_ns = self.since_ns
        return since_ns is not None and stamp_ns < since_ns and now_ns - stamp_ns <= self.rules.max_chunk_age * 1e9

    def stop(self) -> None:
        """Brake to rest, hold there and refuse chunks until `enable()`. Not an emergency stop."""
        self._chunks.drop()
        self._latches.stop()

    def hold(self, reason: str) -> None:
        """Give up the present chunk and brake to rest; the next good chunk is executed again."""
        self._chunks.drop()
        self._latches.why = reason

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
        if outside := outside_complaint(None if self._motion is None else self._motion.pose, self.limits):
            self.fail(outside)

    def add(self, chunk: Chunk, now_ns: int, joints: npt.NDArray[np.float64] | None = None) -> int:
        """Take a chunk over at the next tick; returns the number of frames that will be executed at most.

        joints: the arm's joint positions now, in the order of `check.joints`; None: not known. Raises ChunkRejected
        with the reason when the chunk must not move the arm; the present chunk then goes on.
        """
        return self.take(self.checked(self.judged(chunk, now_ns), joints))

    def judged(self, chunk: Chunk, now_ns: int) -> Chunk:
        """The part of a chunk that the rules accept; raises ChunkRejected."""
        self._refuse_unready(chunk)
        good = judged_part(chunk, now_ns, self._measured, self.limits, self.rules, self.settings)
        if self.since_ns is not None and chunk.stamp_ns < self.since_ns:
            raise ChunkRejected("it was observed before the arm was enabled, or came to stand where it is")
        return good

    def checked(self, good: Chunk, joints: npt.NDArray[np.float64] | None) -> Chunk:
        """A judged chunk after `check`, maybe slowed down; raises ChunkRejected. It takes milliseconds and needs no
        lock against `command`."""
        result = checked_part(good, self.check, joints, self._measured.newest)
        self.slowed += result is not good
        return result

    def take(self, good: Chunk) -> int:
        """Execute a chunk that was judged and checked; raises ChunkRejected when that has become impossible."""
        self._refuse_unready(good)
        self._chunks.offer(good)
        return len(good)

    def _refuse_unready(self, chunk: Chunk) -> None:
        if refusal := self._latches.refusal:
            raise ChunkRejected(refusal)
        if self._new_law is not None:
            raise ChunkRejected("the arm brakes, to take over the limits that were set")
        if refusal := self._chunks.refusal(chunk):
            raise ChunkRejected(refusal)

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
            self._chunks.newest_ns, self.since_ns = None, now_ns
            self.hold("ROS time jumped back")
        if self._motion is None:
            self._measured.forget_last()  # an arm that is not commanded may be moved by others
        pose, complaint = self._measured.take(current_pose, pose_ns, now_ns)
        braking = not self.enabled or self._restart
        if self._motion is not None and braking and self._motion.at_rest:
            if self._restart:
                self._restart = braking = False
                self._held_seconds = 0.0
            else:
                self._motion = None
        if self._motion is None:
            self.unfit = complaint or outside_complaint(pose, self.limits)
            begun = self.enabled and self._begin(pose, now_ns if pose_ns is None else int(pose_ns), now_ns)
            if not begun:
                return self._not_commanded(tick)
        if not braking:
            self._watch(pose, complaint, tick)
        if not tick.step:
            return self._told(tick, fresh=False)
        return self._step(tick)

    def _begin(self, pose: npt.NDArray[np.float64] | None, pose_ns: int, now_ns: int) -> bool:
        """Whether the arm is held from this tick on: it has stood still since it was enabled, inside the workspace."""
        if outside := outside_complaint(pose, self.limits):
            self.fail(outside)
            return False
        still = self._still.holds(None if self.unfit else pose, pose_ns, now_ns)
        if self._still.since_ns is not None:
            self.forget_before(self._still.since_ns)
        if not still or pose is None:
            if trouble := self._still.complaint(now_ns):
                self.fail(self.unfit or trouble)
            return False
        self._motion = Motion(pose)
        self._measured.commanded(0.0)
        self._held_seconds = self._still.watched_s
        return True

    def _not_commanded(self, tick: Tick) -> Command:
        waiting = "ROS time stands still" if tick.stalled else "the arm is watched until it stands still"
        reason = self.unfit or waiting if self.enabled else self._latches.reason(self.state)
        return Command(None, self._gripper.openness, self.state, reason, time_ns=tick.time_ns)

    def _watch(self, pose: npt.NDArray[np.float64] | None, complaint: str, tick: Tick) -> None:
        """Faults and holds by what is measured and by the clock."""
        if pose is not None and not complaint:
            complaint = tracking_complaint(self._moving.pose, pose, self.settings, settling=self.settling)
        if complaint:
            self.fail(complaint)
        if tick.stalled:
            self.hold("ROS time stands still")
        if tick.late_s and self._chunks.busy:
            self._chunks.rejoin = True
            self._latches.why = f"commands come late, more than {self.settings.max_gap_seconds:g} s apart"

    @property
    def _moving(self) -> Motion:
        """The commanded motion, of an executor that has begun to hold the arm."""
        assert self._motion is not None
        return self._motion

    def _step(self, tick: Tick) -> Command:
        """Move the command on by one period."""
        self._held_seconds += self.law.period_s
        chunks = self._chunks
        chunks.resume(self._moving, tick, self.limits)
        if chunks.pending is not None and not self.settling and not chunks.rejoin:
            self._motion = chunks.splice(self._moving, tick, self.limits, self.settings, self.law.period_s)
            self._latches.why = ""
        if why := chunks.ended(tick.time_ns, self.settings):
            self.hold(why)
        if self.state != EXECUTING:
            self._motion = self.law.brake(self._moving)
            return self._told(tick)
        wanted, openness = chunks.at(tick.time_ns)
        motion, flags = self.law.follow(self._moving, wanted)
        self._motion = motion
        self._measured.commanded(motion.speed * self.law.period_s)
        changed = self._gripper.update(openness, tick.time_ns)
        return self._told(tick, f"limited: {', '.join(flags)}" if flags else "", changed)

    def _told(self, tick: Tick, limited: str = "", gripper_changed: bool = False, fresh: bool = True) -> Command:
        state = self.state
        stamp_ns = self._chunks.stamp_ns if state == EXECUTING else None
        pose, reason = self._moving.pose.copy(), self._latches.reason(state) or limited
        return Command(pose, self._gripper.openness, state, reason, gripper_changed, stamp_ns, fresh, tick.time_ns)
