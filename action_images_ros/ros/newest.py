"""The newest message of every topic, handed from a callback to the thread that works on it: never a queue."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

__all__ = ["Newest"]


class Newest:
    """Keeps one waiting item per key; a newer one replaces it. Thread-safe."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, Any] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, key: str, item: Any) -> None:
        """Let `item` wait in place of an older one of the same key."""
        with self._changed:
            self._items[key] = item
            self._changed.notify()

    def take(self) -> tuple[str, Any] | None:
        """Wait for an item and return it with its key, the longest waiting key first; None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            return None if self._closed else self._items.popitem(last=False)

    def open(self) -> None:
        """Let `take` wait again after `close`."""
        with self._changed:
            self._closed = False

    def close(self) -> None:
        """Wake every `take` with None; what waits stays."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
