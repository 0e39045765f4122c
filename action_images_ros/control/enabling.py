"""Between enabling and the first command: the arm is watched until it stands still, then held where it stands.

A pose that was measured before the arm was enabled counts for nothing, and an arm that appears elsewhere (a new scene
of a simulation, an arm moved by hand) is watched anew at its new place: nothing is ever held where it was before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .acceptance import pose_distance
from .settings import ExecutorSettings

__all__ = ["StandStill"]

Array = npt.NDArray[np.float64]
_WATCHED_SHARE = 1 / 3  # of enable_seconds; the rest of it the arm is held before a chunk moves it
_STILL_SHARE = 1 / 2  # of max_enable_drift and max_enable_turn, within that time
_PATIENCE_S = 2.0  # for an arm that does not stand still


class StandStill:
    """Sees every measured pose from enabling on; times are ROS time.

    since_ns: since when the arm has been at the place where it stands: enabling, or the first pose elsewhere after it;
    None before there is a pose.
    """

    def __init__(self, settings: ExecutorSettings, asked_ns: int | None = None) -> None:
        """asked_ns: when the arm was enabled; default: at the first look."""
        self._settings = settings
        self._asked_ns: int | None = asked_ns
        self._place: Array | None = None
        self._first_ns = 0
        self._moved = (0.0, 0.0)
        self.since_ns: int | None = None

    @property
    def watched_s(self) -> float:
        """How long an arm is watched that stands still."""
        return self._settings.enable_seconds * _WATCHED_SHARE

    def holds(self, pose: Array | None, pose_ns: int, now_ns: int) -> bool:
        """Whether the arm has stood still long enough to be held at `pose` `[7]`, measured at pose_ns; None: no pose
        that could be believed."""
        if self._asked_ns is None or now_ns < self._asked_ns:
            self._asked_ns, self._place, self.since_ns = now_ns, None, None
        if pose is None or pose_ns < self._asked_ns:
            return False
        if self._place is not None:
            distance, angle = pose_distance(pose, self._place)
            most, most_angle = self._settings.max_enable_drift, self._settings.max_enable_turn
            if distance <= _STILL_SHARE * most and angle <= _STILL_SHARE * most_angle:
                return (pose_ns - self._first_ns) * 1e-9 >= self.watched_s
            self._moved = distance, angle
        self.since_ns = self._asked_ns if self._place is None else pose_ns
        self._place, self._first_ns = pose, pose_ns
        return False

    def complaint(self, now_ns: int) -> str:
        """Why the arm cannot be held although it was watched for a while; empty before."""
        if self._asked_ns is None or (now_ns - self._asked_ns) * 1e-9 < max(_PATIENCE_S, 2 * self.watched_s):
            return ""
        if self._place is None:
            return "no current_pose came that was measured after enabling; check its stamps and what publishes it"
        distance, angle = self._moved
        return (
            f"the arm does not stand still: it moved by {distance * 1000:.0f} mm and {np.degrees(angle):.0f} deg "
            f"within {self.watched_s:.2f} s; let it come to rest, then enable"
        )
