"""One accepted chunk as a path in time that starts where the arm is commanded now, moving as it moves now.

The difference between the command and the chunk at the moment of the splice, in pose and in velocity, is carried along
and faded out by a cubic Hermite polynomial; so the path is continuous in pose and velocity and ends on the chunk.
At its end the path does not stop dead: time along it runs out linearly (braking along the path, no overshoot).
"""

from __future__ import annotations

import numpy as np

from .chunk import Chunk
from .motion_limits import Motion
from .quaternion import turn_between, turned
from .settings import Limits

__all__ = ["ChunkPath"]

_METRES_PER_RADIAN = 0.1  # an angle counts like the way of a point this far off, as in the action image
_WAIT_COST = 0.005  # m/s: between equally near moments take the one closest to the chunk's own time


class ChunkPath:
    """The wanted pose over time while one chunk is executed.

    alignment "stamp": frame i is meant for stamp + i dt. alignment "nearest": the chunk starts at the moment of it
    that lies nearest to the commanded pose, between its observation and `max_lead_seconds` after now. When the arm
    moved on as predicted both are the same; when it waited (a model slower than its horizon) the chunk waits too, where
    "stamp" would cut the corner; when the arm lags behind its command the chunk does not step back.
    """

    def __init__(
        self,
        chunk: Chunk,
        motion: Motion,
        now_ns: int,
        limits: Limits,
        splice_seconds: float,
        alignment: str = "nearest",
        max_lead_seconds: float = 0.2,
    ) -> None:
        self.chunk = chunk
        self._settings = (splice_seconds, alignment, max_lead_seconds)
        self._brake_ns = round(min(splice_seconds, (chunk.end_ns - chunk.stamp_ns) * 1e-9) * 1e9)
        self.shift_ns = 0
        if alignment == "nearest":
            self.shift_ns = now_ns - self._nearest(motion.pose, now_ns, max_lead_seconds)
        self._begin_ns = now_ns
        pose, _ = self._chunk_at(now_ns)
        linear, angular = self._chunk_velocity(now_ns)
        self._offset = motion.pose[:3] - pose[:3]
        self._turn = turn_between(pose[3:], motion.pose[3:])
        self._linear, self._angular = motion.linear - linear, motion.angular - angular
        self._fade = max(
            splice_seconds,
            _fade_seconds(self._offset, limits.max_linear_speed, limits.max_linear_acceleration),
            _fade_seconds(self._turn, limits.max_angular_speed, limits.max_angular_acceleration),
        )

    def rejoined(self, motion: Motion, now_ns: int, limits: Limits) -> ChunkPath:
        """The same chunk spliced again from `motion`, after a pause."""
        splice_seconds, alignment, max_lead_seconds = self._settings
        return ChunkPath(self.chunk, motion, now_ns, limits, splice_seconds, alignment, max_lead_seconds)

    def at(self, now_ns: int) -> tuple[np.ndarray, float]:
        """Wanted pose `[7]` and openness at ROS time now_ns."""
        pose, openness = self._chunk_at(now_ns)
        seconds = (now_ns - self._begin_ns) * 1e-9
        if seconds < self._fade:
            u = max(seconds / self._fade, 0.0)
            place, slope = 1 + u * u * (2 * u - 3), self._fade * u * (1 - u) ** 2
            pose[:3] += place * self._offset + slope * self._linear
            pose[3:] = turned(pose[3:], place * self._turn + slope * self._angular)
        return pose, openness

    def finished(self, now_ns: int) -> bool:
        """Whether the chunk is used up and the splice is over: nothing is left but to hold."""
        used_up = now_ns - self.shift_ns >= self.chunk.end_ns + self._brake_ns
        return used_up and now_ns - self._begin_ns >= self._fade * 1e9

    def _chunk_time(self, now_ns: int) -> int:
        """Time along the chunk: its own until the braking time before the end, then slowing linearly to rest."""
        time_ns = max(now_ns - self.shift_ns, self.chunk.stamp_ns)
        late = time_ns - (self.chunk.end_ns - self._brake_ns)
        if late <= 0 or self._brake_ns == 0:
            return min(time_ns, self.chunk.end_ns)
        late = min(late, 2 * self._brake_ns)
        return min(
            self.chunk.end_ns - self._brake_ns + round(late - late * late / (4 * self._brake_ns)), self.chunk.end_ns
        )

    def _chunk_at(self, now_ns: int) -> tuple[np.ndarray, float]:
        return self.chunk.sample(self._chunk_time(now_ns))

    def _chunk_velocity(self, now_ns: int, step_ns: int = 5_000_000) -> tuple[np.ndarray, np.ndarray]:
        """Velocity (m/s) and angular velocity (rad/s) of the chunk's path just after now_ns."""
        start, end = self._chunk_at(now_ns)[0], self._chunk_at(now_ns + step_ns)[0]
        return (end[:3] - start[:3]) / (step_ns * 1e-9), turn_between(start[3:], end[3:]) / (step_ns * 1e-9)

    def _nearest(self, pose: np.ndarray, now_ns: int, max_lead_seconds: float) -> int:
        """The time along the chunk (ns), from its start to now plus the lead, that lies nearest to `pose`."""
        first = self.chunk.stamp_ns
        last = max(first, min(now_ns + round(max_lead_seconds * 1e9), self.chunk.end_ns))
        times = np.unique(
            np.append(np.arange(first, last, 10_000_000, dtype=np.int64), [last, min(max(now_ns, first), last)])
        )
        samples = self.chunk.samples(times)[0]
        angle = 2 * np.arccos(np.clip(np.abs(samples[:, 3:] @ pose[3:]), 0.0, 1.0))
        cost = np.linalg.norm(samples[:, :3] - pose[:3], axis=1) + _METRES_PER_RADIAN * angle
        cost += _WAIT_COST * np.abs(times - now_ns) * 1e-9
        return int(times[np.argmin(cost)])


def _fade_seconds(offset: np.ndarray, max_speed: float, max_acceleration: float) -> float:
    """Time in which an offset fades out (peak speed 1.5 d/T, peak acceleration 6 d/T^2) using half of each limit."""
    distance = float(np.linalg.norm(offset))
    return max(3.0 * distance / max_speed, float(np.sqrt(12.0 * distance / max_acceleration)))
