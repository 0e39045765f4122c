"""Reproducible corruption of a recording before labelling, to measure robustness."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..data.rosbag2.bag import Bag, BagMessage

__all__ = ["Corruption", "CorruptedBag", "motion_blur"]

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


@dataclass(frozen=True)
class Corruption:
    """drop: share of pictures lost, 0 .. 1 (less than 1), each camera's by itself. blur: length in px (of the model's
    picture) of a linear motion blur in a direction drawn per picture, 0 none. seed: of both."""

    drop: float = 0.0
    blur: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.drop < 1.0:
            raise ValueError(f"drop is {self.drop}; give the share of pictures lost, 0 to less than 1")
        if not 0.0 <= self.blur <= 1000.0:
            raise ValueError(f"blur is {self.blur}; give the length of the motion blur in px, 0 or more")

    @classmethod
    def parse(cls, text: str) -> Corruption:
        """From `drop=0.1,blur=5,seed=1`; an empty text: none. ValueError naming what is not understood."""
        values: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = part.partition("=")
            try:
                values[name] = int(number) if name == "seed" else float(number)
            except ValueError:
                raise ValueError(f"corrupt has {part!r}; give NAME=NUMBER, such as drop=0.1,blur=5") from None
            if name not in ("drop", "blur", "seed"):
                raise ValueError(f"corrupt has {part!r}; it knows drop, blur and seed")
        return cls(**values)

    def drops(self, topic: str, stamp_ns: int) -> bool:
        """Whether the picture of that topic and time is lost."""
        return self.drop > 0 and self._random(topic, stamp_ns).random() < self.drop

    def spoil(self, image: np.ndarray, camera: str, stamp_ns: int) -> np.ndarray:
        """The picture as it is after blurring."""
        if self.blur < 1:
            return image
        return motion_blur(image, self.blur, self._random(f"blur {camera}", stamp_ns).uniform(0, np.pi))

    def _random(self, what: str, stamp_ns: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(what.encode()), stamp_ns])


def motion_blur(image: np.ndarray, length: float, angle: float) -> np.ndarray:
    """uint8 [H, W, 3] averaged along a line of `length` px at `angle` rad (x to the right, y down)."""
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for t in np.linspace(-length / 2, length / 2, 8 * half):
        x, y = half + t * np.cos(angle), half + t * np.sin(angle)
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        for dx in (0, 1):
            for dy in (0, 1):
                kernel[y0 + dy, x0 + dx] += abs(1 - dx - (x - x0)) * abs(1 - dy - (y - y0))
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


class CorruptedBag:
    """A recording as `Bag` gives it, without the pictures that the corruption drops."""

    def __init__(self, bag: Bag, corruption: Corruption) -> None:
        self._bag, self._corruption = bag, corruption

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bag, name)

    def messages(
        self, topics: Collection[str] | None = None, start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """As `Bag.messages`."""
        for message in self._bag.messages(topics, start_ns, end_ns):
            if message.type not in _IMAGES or not self._corruption.drops(message.topic, message.log_ns):
                yield message
