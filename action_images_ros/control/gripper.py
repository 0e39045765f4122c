"""The gripper's switch: binary commands from a continuous openness, without chatter."""

from __future__ import annotations

import math

from .settings import GripperSettings

__all__ = ["GripperSwitch"]


class GripperSwitch:
    """Hysteresis: closes below `gripper_close_below`, opens above `gripper_open_above`, changes at most once in
    `gripper_dwell` seconds.

    openness is 0..1 with 1 = open. `openness` is None until the first `update`; between the thresholds the first
    update takes the nearer side.
    """

    def __init__(self, settings: GripperSettings | None = None) -> None:
        self.settings = settings or GripperSettings()
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
            wanted = float(openness >= 0.5 * (self.settings.gripper_close_below + self.settings.gripper_open_above))
        elif openness < self.settings.gripper_close_below:
            wanted = 0.0
        elif openness > self.settings.gripper_open_above:
            wanted = 1.0
        else:
            wanted = self.openness
        resting = self.openness is not None and 0 <= now_ns - self._changed_ns < self.settings.gripper_dwell * 1e9
        if wanted == self.openness or resting:
            return False
        self.openness, self._changed_ns = wanted, now_ns
        return True
