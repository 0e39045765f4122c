"""The frames of the newest chunk of one camera, one after the other."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from .chunk_messages import split_frames
from .images import rgb_from_message

__all__ = ["Playback", "overlay"]


class Playback:
    """Takes the parts of a chunk as they come and steps through its frames; a new chunk begins at its first frame."""

    def __init__(self, loop: bool) -> None:
        self.picture: Any = None
        self._loop = loop
        self._parts: dict[str, tuple[int, Any]] = {}
        self._playing: int | None = None
        self._stacks: dict[str, np.ndarray] = {}
        self._index = 0

    def add(self, part: str, stamp_ns: int, value: Any) -> None:
        """`action_images` or `predicted_video` (messages) or `size` (H, W) of the chunk of this id."""
        self._parts[part] = (stamp_ns, value)

    def advance(self) -> dict[str, np.ndarray]:
        """The next frame of every stream; empty when nothing is to be shown. ValueError on parts that do not fit."""
        self._take_newest()
        count = min((len(stack) for stack in self._stacks.values()), default=0)
        if count == 0 or (self._index >= count and not self._loop):
            return {}
        frames = {name: stack[self._index % count] for name, stack in self._stacks.items()}
        self._index += 1
        return frames

    def _take_newest(self) -> None:
        stamp, size = self._parts.get("size", (None, None))
        if stamp is None or self._parts.get("action_images", (None, None))[0] != stamp:
            return
        if stamp != self._playing:
            self._playing, self._index, self._stacks = stamp, 0, {}
        for name in ("action_images", "predicted_video"):   # the video may come a little later
            if name not in self._stacks and self._parts.get(name, (None, None))[0] == stamp:
                self._stacks[name] = split_frames(rgb_from_message(self._parts[name][1]), size)


def overlay(picture: np.ndarray, action_image: np.ndarray, strength: float = 0.8) -> np.ndarray:
    """An action image laid over the camera's picture, at the size of the picture's centred crop.

    picture uint8 `[h, w, 3]`, action_image uint8 `[H, W, 3]`. The pedestal of the blue channel is left out.
    """
    height, width = action_image.shape[:2]
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    y0, x0 = (picture.shape[0] - size[1]) // 2, (picture.shape[1] - size[0]) // 2
    crop = picture[y0:y0 + size[1], x0:x0 + size[0]].astype(np.float32)
    blobs = cv2.resize(action_image, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    blobs = np.maximum(blobs - 70.0, 0.0) * (255.0 / 185.0)
    weight = strength * blobs.max(axis=2, keepdims=True) / 255.0
    return np.clip(crop * (1 - weight) + blobs * strength, 0, 255).astype(np.uint8)
