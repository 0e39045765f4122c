"""The measured tool pose: whether it can be believed, and where the arm was at a past time."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from ..geometry.pose import interpolate
from .acceptance import pose_distance
from .settings import ExecutorSettings

__all__ = ["MeasuredPose"]

_NOISE, _NOISE_ANGLE = 0.015, 0.1  # m, rad between two samples, however close in time


class MeasuredPose:
    """Checks every sample of `current_pose` against the one before and remembers the good ones.

    take() returns what is wrong: missing, no pose, old or from the future by its own stamp, faster than an arm moves,
    or without any change while the arm was commanded on.
    """

    def __init__(self, settings: ExecutorSettings) -> None:
        self.settings = settings
        self._history: deque[tuple[int, npt.NDArray[np.float64]]] = deque()
        self._last: tuple[int, npt.NDArray[np.float64]] | None = None
        self._frozen_way = 0.0

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest sample that was believed."""
        return self._history[-1][0] if self._history else None

    @property
    def newest(self) -> npt.NDArray[np.float64] | None:
        """The newest sample `[7]` that was believed."""
        return self._history[-1][1] if self._history else None

    def forget_last(self) -> None:
        """Let the next sample be anywhere: the arm was not commanded meanwhile."""
        self._last, self._frozen_way = None, 0.0

    def clear(self) -> None:
        """Forget everything: time has begun anew."""
        self._history.clear()
        self.forget_last()

    def commanded(self, metres: float) -> None:
        """Note that the arm was commanded on by so much."""
        self._frozen_way = min(self._frozen_way + metres, 1.0)

    def take(
        self, pose: npt.ArrayLike | None, pose_ns: int | None, now_ns: int
    ) -> tuple[npt.NDArray[np.float64] | None, str]:
        """The pose `[7]` with a unit quaternion and what is wrong with it (empty: nothing).

        pose_ns: its stamp, default now.
        """
        checked, complaint = _checked(pose)
        if checked is None:
            return None, complaint
        pose_ns = now_ns if pose_ns is None else int(pose_ns)
        complaint = self._complaint(checked, pose_ns, now_ns)
        if not complaint:
            self._remember(pose_ns, checked)
        return checked, complaint

    def _complaint(self, pose: npt.NDArray[np.float64], pose_ns: int, now_ns: int) -> str:
        settings = self.settings
        age = (now_ns - pose_ns) * 1e-9
        if age > settings.max_pose_age:
            return f"current_pose is {age:.2f} s old by its stamp (max_pose_age {settings.max_pose_age:g} s)"
        if age < -settings.max_gap_seconds:
            return f"current_pose's stamp is {-age:.2f} s in the future; check the clocks"
        last, self._last = self._last, (pose_ns, pose)
        if last is None:
            return ""
        seconds = max(pose_ns - last[0], 0) * 1e-9
        distance, angle = pose_distance(pose, last[1])
        if (
            distance > settings.max_measured_speed * seconds + _NOISE
            or angle > settings.max_measured_angular_speed * seconds + _NOISE_ANGLE
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

    def _remember(self, pose_ns: int, pose: npt.NDArray[np.float64]) -> None:
        while self._history and self._history[-1][0] >= pose_ns:
            self._history.pop()
        self._history.append((pose_ns, pose))
        while pose_ns - self._history[0][0] > self.settings.pose_history_seconds * 1e9:
            self._history.popleft()

    def at(self, time_ns: int) -> npt.NDArray[np.float64] | None:
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


def _checked(pose: npt.ArrayLike | None) -> tuple[npt.NDArray[np.float64] | None, str]:
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
