"""Puts together the parts of a chunk: messages of several topics that carry the same id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

__all__ = ["Pairing"]


class Pairing:
    """Collects parts by id; keeps the newest `depth` incomplete ids. An id is completed once."""

    def __init__(self, parts: Sequence[str], depth: int = 4) -> None:
        self._parts = tuple(parts)
        self._depth = depth
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._done: int | None = None

    def add(self, part: str, stamp_ns: int, message: Any) -> dict[str, Any] | None:
        """Add one part; all parts by name when it was the last one of its id, else None."""
        if part not in self._parts:
            raise KeyError(f"part {part!r} is unknown; the parts are {list(self._parts)}")
        if stamp_ns == self._done:
            return None
        parts = self._open.setdefault(stamp_ns, {})
        parts[part] = message
        if len(parts) == len(self._parts):
            del self._open[stamp_ns]
            self._done = stamp_ns
            return parts
        while len(self._open) > self._depth:
            self._open.popitem(last=False)
        return None

    def incomplete(self) -> dict[int, list[str]]:
        """The ids that wait and the parts they lack."""
        return {stamp: [part for part in self._parts if part not in have] for stamp, have in self._open.items()}
