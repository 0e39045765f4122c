"""The frames of the newest chunk of one camera, one after the other."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np

from .chunk_messages import split_frames
from .images import rgb_from_message

__all__ = ["Playback", "overlay"]


_JUMP_NS = 10_000_000_000


class Playback:
    """Takes the parts of chunks as they come and steps through one chunk's frames after the other.

    A chunk is played to its end, though newer ones come meanwhile: cut short, none would be seen but for its beginning.
    Then the newest is next, while the arm moves the newest of those that moved it; where the policy adds a video to
    some chunks, the newest that has one. A pinned chunk is played over and over, and no other.
    """

    def __init__(self, loop: bool, depth: int = 16) -> None:
        self.picture: Any = None
        self.loop, self._depth = loop, depth
        self._chunks: dict[int, dict[str, Any]] = {}
        self._playing = -1
        self._pinned: int | None = None
        self._ran: deque[int] = deque(maxlen=depth)
        self._moving = False
        self._stacks: dict[str, np.ndarray] = {}
        self._index = 0

    def add(self, part: str, stamp_ns: int, value: Any) -> None:
        """`action_images` or `predicted_video` (messages) or `size` (H, W) of the chunk of this id; others are kept."""
        if self._chunks and stamp_ns < max(self._chunks) - _JUMP_NS:  # ROS time was set back
            self._chunks.clear()
            self._playing, self._index, self._stacks = -1, 0, {}
        self._chunks.setdefault(stamp_ns, {})[part] = value
        while len(self._chunks) > self._depth:
            del self._chunks[min(stamp for stamp in self._chunks if stamp != self._pinned)]

    def pin(self, stamp_ns: int | None) -> None:
        """Play the chunk of this id as soon as it is there, until another is pinned; None: whichever is newest."""
        self._pinned = stamp_ns

    def run(self, stamp_ns: int | None) -> None:
        """The chunk of this id moves the arm now; None: none does."""
        self._moving = stamp_ns is not None
        if stamp_ns is not None and stamp_ns not in self._ran:
            self._ran.append(stamp_ns)

    def advance(self) -> dict[str, np.ndarray]:
        """The next frame of every stream; empty when nothing is to be shown. ValueError on parts that do not fit."""
        pinned = self._pinned if self._pinned is not None and self._whole(self._pinned) else None
        if pinned is not None and self._playing != pinned:
            self._begin(pinned)
        elif pinned is None and self._index >= self._count():
            self._take_next()
        self._open("predicted_video", self._playing)  # it may come a little later than the rest
        count = self._count()
        if count == 0 or (self._index >= count and not (self.loop or pinned)):
            return {}
        frames = {name: stack[self._index % count] for name, stack in self._stacks.items()}
        self._index += 1
        return frames

    @property
    def playing(self) -> int | None:
        """Id of the chunk that is played; None before the first."""
        return self._playing if self._playing >= 0 else None

    @property
    def frame(self) -> int:
        """The frame of it that `advance` gave last."""
        count = self._count()
        return max(0, self._index - 1) % count if count else 0

    def part(self, name: str) -> Any:
        """A part of the chunk that is played; None where it has not come."""
        return self._chunks.get(self._playing, {}).get(name)

    def _count(self) -> int:
        return min((len(stack) for stack in self._stacks.values()), default=0)

    def _take_next(self) -> None:
        whole = [stamp for stamp in self._chunks if self._whole(stamp)]
        if self._moving:
            whole = [stamp for stamp in whole if stamp in self._ran] or whole
        filmed = [stamp for stamp in whole if "predicted_video" in self._chunks[stamp]]
        newest = max(filmed or whole, default=-1)
        if newest < 0 or newest == self._playing:
            return
        self._begin(newest)

    def _whole(self, stamp: int) -> bool:
        return {"size", "action_images"} <= set(self._chunks.get(stamp, {}))

    def _begin(self, stamp: int) -> None:
        self._playing, self._index, self._stacks = stamp, 0, {}
        self._open("action_images", stamp)

    def _open(self, name: str, stamp: int) -> None:
        parts = self._chunks.get(stamp, {})
        if name in parts and "size" in parts and name not in self._stacks:
            self._stacks[name] = split_frames(rgb_from_message(parts[name]), parts["size"])


def overlay(picture: np.ndarray, action_image: np.ndarray, strength: float = 0.8) -> np.ndarray:
    """An action image laid over the camera's picture, at the size of the picture's centred crop.

    picture uint8 `[h, w, 3]`, action_image uint8 `[H, W, 3]`. The pedestal of the blue channel is left out.
    """
    height, width = action_image.shape[:2]
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    y0, x0 = (picture.shape[0] - size[1]) // 2, (picture.shape[1] - size[0]) // 2
    crop = picture[y0 : y0 + size[1], x0 : x0 + size[0]].astype(np.float32)
    blobs = cv2.resize(action_image, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    blobs = np.maximum(blobs - 70.0, 0.0) * (255.0 / 185.0)
    weight = strength * blobs.max(axis=2, keepdims=True) / 255.0
    return np.clip(crop * (1 - weight) + blobs * strength, 0, 255).astype(np.uint8)
