"""What is known of N frames: where the tool's three points were read in each picture, and where the tool was.

Thresholds in px are of a picture of 96 px (the smaller side) and scale with it, see `pixel_unit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..codec.encode import action_points
from ..geometry.camera import normalise_signs, project
from ..geometry.pose import matrix_from_pose7

__all__ = ["BORDER_PX", "MAX_VARIANCE_PX2", "Readings", "join", "pixel_unit", "usable"]

BORDER_PX = 6.0
"""A frame counts in a view only if all three points lie so far inside the picture."""
MAX_VARIANCE_PX2 = 0.4
"""The same for the mean variance of the three points."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def pixel_unit(size: tuple[int, int]) -> float:
    """Pixels of a picture of size (H, W) per pixel of one of 96 px."""
    return min(size) / 96.0


def usable(uv: npt.ArrayLike, variance: npt.ArrayLike, size: tuple[int, int]) -> Bools:
    """Which frames count, bool `[...]`: uv `[..., 3, 2]` px clear of the border, variance `[..., 3, 2]` px^2 small."""
    uv, variance = np.asarray(uv, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    unit, (height, width) = pixel_unit(size), size
    with np.errstate(invalid="ignore"):
        border = np.minimum(uv, np.array([width, height]) - 1 - uv).min(axis=(-1, -2))
        certain = variance.mean(axis=(-1, -2)) < MAX_VARIANCE_PX2 * unit**2
        return np.isfinite(uv).all(axis=(-1, -2)) & (border > BORDER_PX * unit) & certain


@dataclass(frozen=True)
class Readings:
    """N frames seen by V cameras; checked when made.

    cameras: V names. uv, variance: `[V, N, 3, 2]` px, px^2 of the points of `codec.encode.TOOL_POINTS`. used: bool
    `[V, N]`, frames that count. tool_poses: `[N, 7]` measured, MODEL tool in the base frame. K: `[V, 3, 3]` of pictures
    of `size` (H, W), focal lengths positive. stamps_ns: int `[N]`. Raises ValueError where shapes do not agree.
    """

    cameras: tuple[str, ...]
    uv: Floats
    variance: Floats
    used: Bools
    tool_poses: Floats
    K: Floats
    size: tuple[int, int]
    stamps_ns: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        views, frames = len(self.cameras), len(self.tool_poses)
        shapes = {
            "uv": (views, frames, 3, 2),
            "variance": (views, frames, 3, 2),
            "used": (views, frames),
            "tool_poses": (frames, 7),
            "K": (views, 3, 3),
            "stamps_ns": (frames,),
        }
        for name, shape in shapes.items():
            value = np.asarray(getattr(self, name))
            if value.shape != shape:
                raise ValueError(
                    f"{name} has shape {list(value.shape)}; {views} cameras and {frames} frames need {list(shape)}"
                )
            object.__setattr__(self, name, value)
        if views and frames:
            used = self.used & np.isfinite(self.uv).all((-1, -2)) & np.isfinite(self.variance).all((-1, -2))
            object.__setattr__(self, "used", used & np.isfinite(self.tool_poses).all(-1))
            if np.any(self.variance[self.used] < 0):
                raise ValueError(f"variance is {self.variance[self.used].min()}; give 0 or more px^2")

    def __len__(self) -> int:
        return len(self.tool_poses)

    @property
    def points(self) -> Floats:
        """World points `[N, 3, 3]` m of the tool; NaN where no pose is known."""
        points = np.full((len(self), 3, 3), np.nan)
        known = np.isfinite(self.tool_poses).all(-1)
        if known.any():
            points[known] = action_points(matrix_from_pose7(self.tool_poses[known]))
        return points

    @property
    def unit(self) -> float:
        """See `pixel_unit`."""
        return pixel_unit(self.size)

    def span_m(self, view: int | None = None) -> float:
        """Largest distance (m) between two tool positions of the frames that count (of one camera)."""
        chosen = self.used.any(0) if view is None else self.used[view]
        positions = self.tool_poses[chosen, :3]
        if len(positions) < 2:
            return 0.0
        return float(np.linalg.norm(positions[:, None] - positions[None], axis=-1).max())

    def select(self, frames) -> Readings:
        """Those frames alone (indices or bool `[N]`)."""
        return replace(
            self,
            uv=self.uv[:, frames],
            variance=self.variance[:, frames],
            used=self.used[:, frames],
            tool_poses=self.tool_poses[frames],
            stamps_ns=self.stamps_ns[frames],
        )

    def expected(self, world_from_camera: npt.ArrayLike) -> Floats:
        """Where the points `[V, N, 3, 2]` px fall with cameras at `[V, 4, 4]`; NaN behind a camera."""
        K, E = normalise_signs(self.K, world_from_camera)
        uv, depth = project(self.points, K[:, None, None], E[:, None, None])
        return np.where((depth > 1e-6)[..., None], uv, np.nan)


def join(parts: Sequence[Readings]) -> Readings:
    """Frames of several readings of the same cameras, in their order."""
    first = parts[0]
    if any(not np.allclose(part.K, first.K, rtol=1e-3) for part in parts):
        raise ValueError("K of the readings differs; join readings of the same intrinsics")
    if any(part.cameras != first.cameras or part.size != first.size for part in parts):
        raise ValueError(f"cameras are {[part.cameras for part in parts]}; join readings of the same cameras")
    return replace(
        first,
        uv=np.concatenate([part.uv for part in parts], axis=1),
        variance=np.concatenate([part.variance for part in parts], axis=1),
        used=np.concatenate([part.used for part in parts], axis=1),
        tool_poses=np.concatenate([part.tool_poses for part in parts]),
        stamps_ns=np.concatenate([part.stamps_ns for part in parts]),
    )
