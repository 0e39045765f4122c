"""The gripper's switch: binary commands from a continuous openness, without chatter."""

from __future__ import annotations

import math

__all__ = ["GripperSwitch"]


class GripperSwitch:
    """Hysteresis: closes below `close_below`, opens above `open_above`, changes at most once in `dwell_seconds`.

    openness is 0..1 with 1 = open. `openness` is None until the first `update`; between the thresholds the first
    update takes the nearer side.
    """

    def __init__(self, close_below: float = 0.4, open_above: float = 0.6, dwell_seconds: float = 0.3) -> None:
        if not 0 < close_below <= open_above < 1:
            raise ValueError(
                f"close_below is {close_below}, open_above {open_above}; give 0 < close_below <= open_above < 1"
            )
        if not (math.isfinite(dwell_seconds) and dwell_seconds >= 0):
            raise ValueError(f"dwell_seconds is {dwell_seconds}; give 0 or more")
        self.close_below, self.open_above, self.dwell_seconds = close_below, open_above, dwell_seconds
        self.reset()

    def reset(self) -> None:
        """Forget the last command; the next `update` counts as a change."""
        self.openness: float | None = None
        self._changed_ns = 0

    def update(self, openness: float, now_ns: int) -> bool:
        """Take the wanted openness at ROS time `now_ns`; whether the command changed. NaN changes nothing."""
        if not math.isfinite(openness):
            return False
        if self.openness is None:
            wanted = float(openness >= 0.5 * (self.close_below + self.open_above))
        elif openness < self.close_below:
            wanted = 0.0
        elif openness > self.open_above:
            wanted = 1.0
        else:
            wanted = self.openness
        resting = self.openness is not None and 0 <= now_ns - self._changed_ns < self.dwell_seconds * 1e9
        if wanted == self.openness or resting:
            return False
        self.openness, self._changed_ns = wanted, now_ns
        return True
