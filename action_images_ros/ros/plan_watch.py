"""What is to be done and what is done, as the viewer hears it: chunks by id, the measured path, the instruction."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

import numpy as np

from ..control.chunk import Chunk
from ..geometry.arrays import Floats
from ..interfaces.pairing import Pairing
from .chunk_messages import chunk_from_messages
from .conversions import ns_from_stamp, pose7_from_pose_stamped

__all__ = ["PARTS", "PlanWatch"]

PARTS = ("poses", "gripper", "confidence")
_CHUNKS = 24
_BACK_NS = 1_000_000_000


class PlanWatch:
    """Takes messages in, in any order, and answers for a chunk's id. base_frame: of all poses.

    path_seconds: how much of the measured path is kept, at `path_rate` positions per second.
    """

    def __init__(self, base_frame: str, path_seconds: float = 10.0, path_rate: float = 10.0) -> None:
        self._base = base_frame
        self._pairing = Pairing(PARTS)
        self._chunks: OrderedDict[int, Chunk] = OrderedDict()
        self._every_ns = round(1e9 / path_rate)
        self._measured: deque[tuple[int, Floats]] = deque(maxlen=round(path_seconds * path_rate))
        self.instruction = ""

    def add_part(self, part: str, message: Any) -> Chunk | None:
        """`poses`, `gripper` or `confidence` of a chunk; the chunk with its last part. ValueError on bad ones."""
        stamp_ns = ns_from_stamp(message.header.stamp)
        parts = self._pairing.add(part, stamp_ns, message)
        if parts is None:
            return None
        chunk = chunk_from_messages(parts["poses"], parts["gripper"], parts["confidence"], self._base)
        if self._chunks and stamp_ns < next(reversed(self._chunks)) - _BACK_NS:  # ROS time was set back
            self._chunks.clear()
        self._chunks[stamp_ns] = chunk
        while len(self._chunks) > _CHUNKS:
            self._chunks.popitem(last=False)
        return chunk

    def add_pose(self, message: Any) -> None:
        """The measured tool pose. ValueError when it is in another frame or no pose."""
        stamp_ns = ns_from_stamp(message.header.stamp)
        if self._measured and stamp_ns < self._measured[-1][0] - _BACK_NS:
            self._measured.clear()
        if not self._measured or stamp_ns - self._measured[-1][0] >= self._every_ns:
            self._measured.append((stamp_ns, pose7_from_pose_stamped(message, self._base, "current_pose")))

    def chunk(self, stamp_ns: int) -> Chunk | None:
        """The chunk of this id, if it is still known."""
        return self._chunks.get(stamp_ns)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest measured pose that is kept (ns); None before the first."""
        return self._measured[-1][0] if self._measured else None

    @property
    def measured(self) -> Floats:
        """`[N, 7]` m: the newest measured poses of the tool, oldest first."""
        return np.array([pose for _, pose in self._measured]).reshape(-1, 7)
