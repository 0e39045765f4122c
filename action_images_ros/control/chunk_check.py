"""What checks a whole chunk against the arm's surroundings before it is accepted; here by the TCP alone.

With a description of the arm `robot_model` does the same for every link, and for the joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .acceptance import ChunkRejected
from .chunk import Chunk
from .settings import RobotSettings

__all__ = ["ChunkCheck", "KeepOuts", "LimitExceeded", "TcpCheck"]

Array = npt.NDArray[np.float64]


class LimitExceeded(ChunkRejected):
    """A chunk that the arm cannot or must not follow.

    kind: "keep_out", "contact", "reach", "joint_limit", "singular", "joint_speed" or "start"; frame: the first frame
    that fails; link and other: what comes too close to what; distance: m, negative inside.
    """

    def __init__(
        self,
        reason: str,
        kind: str,
        frame: int | None = None,
        link: str = "",
        other: str = "",
        distance: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind, self.frame, self.link, self.other, self.distance = kind, frame, link, other, distance


class ChunkCheck(Protocol):
    """Checks a chunk before it is accepted."""

    @property
    def joints(self) -> Sequence[str]:
        """The arm's joints, in the order of `positions`; empty when none are wanted."""

    @property
    def summary(self) -> str:
        """What is checked, one line."""

    def checked(self, chunk: Chunk, positions: Array | None, pose: Array | None) -> Chunk:
        """The chunk, slowed down where that is enough; raises LimitExceeded.

        positions: the arm's joints `[n]` now, None when unknown; pose: its measured tool pose `[7]` now.
        """

    def compare(self, positions: Array | None, pose: Array | None) -> None:
        """Raise LimitExceeded where the arm's joints `[n]` put its tool elsewhere than at `pose` `[7]`."""


class KeepOuts:
    """Boxes and planes in base that nothing of the arm may enter."""

    def __init__(self, settings: RobotSettings) -> None:
        self.boxes: Array = np.reshape(np.array(settings.keep_out_boxes, dtype=np.float64), (-1, 2, 3))
        planes = np.reshape(np.array(settings.keep_out_planes, dtype=np.float64), (-1, 4))
        length = np.linalg.norm(planes[:, :3], axis=1)
        self.normals: Array = planes[:, :3] / length[:, None]
        self.heights: Array = planes[:, 3] / length
        self.names = [f"keep_out_boxes[{index}]" for index in range(len(self.boxes))]
        self.names += [f"keep_out_planes[{index}]" for index in range(len(planes))]

    def of_points(self, points: Array) -> Array:
        """Distances `[N, K]` (m, negative inside) of points `[N, 3]` to every box, then every plane."""
        outside = np.maximum(self.boxes[:, 0] - points[:, None], points[:, None] - self.boxes[:, 1])
        far = np.linalg.norm(np.maximum(outside, 0.0), axis=-1)
        boxes = np.where(far > 0, far, outside.max(axis=-1, initial=-np.inf))
        return np.concatenate([boxes, points @ self.normals.T - self.heights], axis=1)


class TcpCheck:
    """Keep-outs for the TCP of an arm without a description."""

    joints: Sequence[str] = ()

    def __init__(self, settings: RobotSettings) -> None:
        self._keep_outs = KeepOuts(settings)
        self.summary = f"no description: only the TCP is checked, against {len(self._keep_outs.names)} keep-outs"

    def compare(self, positions: Array | None, pose: Array | None) -> None:
        """Nothing: without a description joints say nothing of the tool."""

    def checked(self, chunk: Chunk, positions: Array | None, pose: Array | None) -> Chunk:
        """The chunk itself; raises LimitExceeded for the first frame whose TCP is inside a keep-out."""
        distances = self._keep_outs.of_points(chunk.poses[:, :3])
        inside = distances < -1e-9
        if inside.any():
            frame = int(np.argmax(inside.any(axis=1)))
            which = int(np.argmin(distances[frame]))
            distance, other = float(distances[frame, which]), self._keep_outs.names[which]
            raise LimitExceeded(
                f"frame {frame}: the TCP is {-1000 * distance:.0f} mm inside {other}",
                "keep_out",
                frame,
                "TCP",
                other,
                distance,
            )
        return chunk
