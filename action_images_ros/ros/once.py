"""Two subscriptions to one topic, of which each message counts once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["Once"]

_WITHIN_S = 1.0


class Once:
    """Deduplicates the messages of a latched and a volatile subscription to one topic.

    The transient local subscription receives latched publishers, earlier messages included; the volatile one receives
    `ros2 topic pub`. Later messages of a latched publisher arrive at both.
    """

    def __init__(self, callback: Callable[[Any], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._callback, self._clock = callback, clock
        self._last: tuple[str, Any, float] | None = None

    def hears(self, source: str) -> Callable[[Any], None]:
        """The callback of one of the two subscriptions."""

        def take(message: Any) -> None:
            last, now = self._last, self._clock()
            if last is not None and last[0] != source and last[1] == message and now - last[2] < _WITHIN_S:
                self._last = None  # said again it counts again
                return
            self._last = (source, message, now)
            self._callback(message)

        return take
