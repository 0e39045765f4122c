"""When a command may move on: once per period of ROS time, whatever the ticks and the clock do.

The caller ticks about once per period. ROS time that has passed is kept as credit; a step costs one period of it, and
no more than a few periods are kept. So late ticks, a clock that comes in pieces and one that jumps ahead slow the
motion down and never make a step larger than that of one period.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Pacing", "Tick"]

_KEPT_PERIODS = 3


@dataclass(frozen=True)
class Tick:
    """step: whether the command moves on by one period; time_ns: the ROS time it then stands for; late_s: seconds
    since the tick before where that is too long, else 0; back: ROS time jumped back; stalled: it stands still."""

    step: bool
    time_ns: int
    late_s: float = 0.0
    back: bool = False
    stalled: bool = False


class Pacing:
    """Counts ROS time into steps of `period_s`. max_gap_s: a longer pause between two ticks is late; stall_s: seconds
    of the steady clock without progress of ROS time after which it counts as stopped."""

    def __init__(self, period_s: float, max_gap_s: float, stall_s: float, steady_clock: Callable[[], float]) -> None:
        self._period_ns = round(period_s * 1e9)
        self.max_gap_s, self.stall_s = max_gap_s, stall_s
        self._steady_clock = steady_clock
        self._last_ns: int | None = None
        self._credit_ns = self._period_ns
        self._advanced = steady_clock()
        self._anew = True

    def restart(self) -> None:
        """Forget the time kept so far: the next step stands for the time of its tick. Only while nothing moves."""
        self._anew = True

    def tick(self, now_ns: int) -> Tick:
        """Take ROS time `now_ns`; what this tick may do."""
        passed = self._period_ns if self._last_ns is None else now_ns - self._last_ns
        steady = self._steady_clock()
        if passed != 0 or self._last_ns is None:
            self._advanced = steady
        stalled = steady - self._advanced > self.stall_s
        first, self._last_ns = self._last_ns is None, now_ns
        anew, self._anew = self._anew or passed < 0, False
        if anew:
            self._credit_ns = self._period_ns
        else:
            self._credit_ns = min(self._credit_ns + passed, _KEPT_PERIODS * self._period_ns)
        late = passed * 1e-9 if not first and passed > self.max_gap_s * 1e9 else 0.0
        step = stalled or self._credit_ns >= self._period_ns
        if step:
            self._credit_ns = max(self._credit_ns - self._period_ns, 0)
        return Tick(step, now_ns - self._credit_ns, late, passed < 0, stalled)
