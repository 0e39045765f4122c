"""The chunk: T predicted tool poses, meant for known times, with the confidence of each.

Poses are the ROBOT's tool (TCP) in the robot base frame, `[T, 7]` = xyz (m) and quaternion xyzw. Frame i is meant for
`stamp_ns + i * dt`; frame 0 is the pose at the observation. Times are ROS time in integer nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from ..geometry.pose import continuous_quaternions, interpolate, matrix_from_pose7, rotation_angle

__all__ = ["Chunk"]


@dataclass(frozen=True)
class Chunk:
    """T poses with openness and confidence. Shapes are checked here, contents by who executes it.

    stamp_ns: time of the observation (ns); dt: seconds between frames; poses `[T, 7]`; openness `[T]`, 1 = open;
    covariance `[T, 6, 6]` (m, rad; translation first); valid `[T]`. Invalid frames may hold NaN.
    """

    stamp_ns: int
    dt: float
    poses: np.ndarray
    openness: np.ndarray
    covariance: np.ndarray
    valid: np.ndarray
    _positions: PchipInterpolator | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise ValueError(f"dt is {self.dt}; give the seconds between two frames, more than 0")
        poses = np.asarray(self.poses, dtype=np.float64)
        if poses.ndim != 2 or poses.shape[1] != 7 or len(poses) == 0:
            raise ValueError(
                f"poses has shape {list(poses.shape)}, expected [T, 7]; give xyz and quaternion xyzw for every frame"
            )
        count = len(poses)
        arrays = {
            "poses": poses,
            "openness": np.asarray(self.openness, dtype=np.float64),
            "covariance": np.asarray(self.covariance, dtype=np.float64),
            "valid": np.asarray(self.valid, dtype=bool),
        }
        for name, shape in (("openness", (count,)), ("covariance", (count, 6, 6)), ("valid", (count,))):
            if arrays[name].shape != shape:
                raise ValueError(
                    f"{name} has shape {list(arrays[name].shape)}, expected {list(shape)}; "
                    f"give one entry for each of the {count} poses"
                )
        object.__setattr__(self, "stamp_ns", int(self.stamp_ns))
        object.__setattr__(self, "dt", float(self.dt))
        for name, array in arrays.items():
            array = array.copy()
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def end_ns(self) -> int:
        """Time of the last frame (ns)."""
        return self.stamp_ns + round((len(self) - 1) * self.dt * 1e9)

    @property
    def sigma_position(self) -> np.ndarray:
        """`[T]` m: root of the largest variance of position in any direction; NaN where the covariance is."""
        return self._sigma(slice(0, 3))

    @property
    def sigma_rotation(self) -> np.ndarray:
        """`[T]` rad: root of the largest variance of rotation about any axis; NaN where the covariance is."""
        return self._sigma(slice(3, 6))

    def _sigma(self, part: slice) -> np.ndarray:
        block = self.covariance[:, part, part]
        finite = np.isfinite(block).all(axis=(1, 2))
        largest = np.linalg.eigvalsh(np.where(finite[:, None, None], block, np.eye(3)))[:, -1]
        return np.where(finite, np.sqrt(np.maximum(largest, 0.0)), np.nan)

    def truncated(self, count: int) -> Chunk:
        """The first `count` frames (1..T), quaternions normalised and free of sign flips."""
        if not 1 <= count <= len(self):
            raise ValueError(f"count is {count}; keep between 1 and {len(self)} frames")
        poses = continuous_quaternions(self.poses[:count])
        poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
        return replace(
            self,
            poses=poses,
            openness=self.openness[:count],
            covariance=self.covariance[:count],
            valid=self.valid[:count],
        )

    def sample(self, time_ns: int) -> tuple[np.ndarray, float]:
        """Pose `[7]` and openness at one time; see `samples`."""
        poses, openness = self.samples([time_ns])
        return poses[0], float(openness[0])

    def samples(self, times_ns: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Poses `[N, 7]` and openness `[N]` at times (ns) within [stamp_ns, end_ns]; exact at the frames.

        Position by piecewise cubic Hermite polynomials that never leave the range of the two neighbouring frames
        (Fritsch-Carlson), so a chunk whose frames lie in a box stays in it; orientation by shortest-way slerp;
        openness is that of the frame before (a command holds until the next). Raises ValueError outside the chunk's
        time and when a frame needed is NaN.
        """
        times = np.asarray(times_ns, dtype=np.int64)
        outside = (times < self.stamp_ns) | (times > self.end_ns)
        if outside.any():
            raise ValueError(
                f"time_ns is {times[outside][0]}, the chunk covers {self.stamp_ns} to {self.end_ns}; "
                "a chunk says nothing outside its frames"
            )
        if len(self) == 1:
            return np.repeat(self.poses, len(times), axis=0), np.repeat(self.openness, len(times))
        seconds = (times - self.stamp_ns) * 1e-9
        frame = (seconds / self.dt + 1e-6).astype(int)
        index = np.minimum(frame, len(self) - 2)
        fraction = np.clip(seconds / self.dt - index, 0.0, 1.0)
        poses = interpolate(self.poses[index], self.poses[index + 1], fraction)
        poses[:, :3] = self._path()(seconds)
        return poses, self.openness[np.minimum(frame, len(self) - 1)]

    def _path(self) -> PchipInterpolator:
        path = self._positions
        if path is None:
            path = PchipInterpolator(np.arange(len(self)) * self.dt, self.poses[:, :3])
            object.__setattr__(self, "_positions", path)
        return path

    def step_speeds(self) -> tuple[np.ndarray, np.ndarray]:
        """Speeds `[T-1]` (m/s, rad/s) that reaching each frame from the one before would take."""
        rotation = matrix_from_pose7(self.poses)[:, :3, :3]
        linear = np.linalg.norm(np.diff(self.poses[:, :3], axis=0), axis=1) / self.dt
        return linear, rotation_angle(rotation[:-1], rotation[1:]) / self.dt
