"""How messages of the cell are spoilt on their way to the graph."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tap import Spoil

__all__ = [
    "antipode",
    "clock",
    "delayed",
    "drift",
    "each",
    "frame",
    "frozen",
    "longer",
    "moved",
    "noise",
    "once",
    "pixels",
    "random",
    "silence",
    "stamped",
    "torn",
    "turned",
    "without_fingers",
]


def each(change: Callable[[Any], Any]) -> Callable[[], Spoil]:
    """Spoil every message by changing it in place; a result replaces it."""

    def spoil(message: Any) -> Any:
        changed = change(message)
        return message if changed is None else changed

    return lambda: spoil


def silence() -> Spoil:
    return lambda _: None


def frozen() -> Spoil:
    """The first message's content, with every later stamp."""
    first: list[Any] = []

    def spoil(message: Any) -> Any:
        first.append(copy.deepcopy(message)) if not first else None
        first[0].header.stamp = message.header.stamp
        return first[0]

    return spoil


def stamped(seconds: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec + round(seconds * 1e9)
        message.header.stamp.sec, message.header.stamp.nanosec = max(ns, 0) // 10**9, max(ns, 0) % 10**9

    return each(change)


def moved(x: float = 0.0, y: float = 0.0, z: float = 0.0, scale: float = 1.0) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        p = message.pose.position
        p.x, p.y, p.z = scale * p.x + x, scale * p.y + y, scale * p.z + z

    return each(change)


def turned(x: float, y: float, z: float, w: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        q = message.pose.orientation
        q.x, q.y, q.z, q.w = x, y, z, w

    return each(change)


def once(make: Callable[[], Spoil]) -> Callable[[], Spoil]:
    """Only the first message."""

    def begin() -> Spoil:
        inner, done = make(), False

        def spoil(message: Any) -> Any:
            nonlocal done
            first, done = not done, True
            return inner(message) if first else message

        return spoil

    return begin


def noise(metres: float) -> Callable[[], Spoil]:
    """Independent noise of that standard deviation on every coordinate."""
    rng = np.random.default_rng(0)

    def change(message: Any) -> None:
        p = message.pose.position
        p.x, p.y, p.z = (float(value) for value in np.array([p.x, p.y, p.z]) + rng.normal(0, metres, 3))

    return each(change)


def drift(metres: float) -> Callable[[], Spoil]:
    total = [0.0]

    def change(message: Any) -> None:
        total[0] += metres
        message.pose.position.y += total[0]

    return each(change)


def frame(name: str) -> Callable[[], Spoil]:
    return each(lambda message: setattr(message.header, "frame_id", name))


def antipode(message: Any) -> None:
    q = message.pose.orientation
    q.x, q.y, q.z, q.w = -q.x, -q.y, -q.z, -q.w


def pixels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Spoil]:
    """Change the picture `[H, W, 3]` of every message."""

    def spoil(message: Any) -> None:
        picture = np.frombuffer(bytes(message.data), np.uint8).reshape(message.height, message.width, 3)
        message.data = np.ascontiguousarray(change(picture)).tobytes()

    return each(spoil)


def random(picture: np.ndarray) -> np.ndarray:
    return np.random.default_rng().integers(0, 256, picture.shape).astype(np.uint8)


def torn(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[: len(picture) // 2], np.roll(picture[len(picture) // 2 :], 30, axis=1)])


def delayed(frames: int) -> Callable[[], Spoil]:
    """Old content with the stamps of now."""

    def begin() -> Spoil:
        past: list[Any] = []

        def spoil(message: Any) -> Any:
            past.append(copy.deepcopy(message))
            old = past.pop(0) if len(past) > frames else past[0]
            old.header.stamp = message.header.stamp
            return old

        return spoil

    return begin


def longer(message: Any) -> None:
    k = list(message.k)
    k[0], k[4] = 1.3 * k[0], 1.3 * k[4]
    message.k = k


def without_fingers(message: Any) -> None:
    kept = [index for index, name in enumerate(message.name) if "finger" not in name]
    message.position = [message.position[index] for index in kept]
    message.name = [message.name[index] for index in kept]


def clock(seconds: float) -> Callable[[], Spoil]:
    def change(message: Any) -> None:
        ns = message.clock.sec * 10**9 + message.clock.nanosec + round(seconds * 1e9)
        message.clock.sec, message.clock.nanosec = max(ns, 0) // 10**9, max(ns, 0) % 10**9

    return each(change)
