"""Stamped values in order of time, for any order of arrival."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Generic, TypeVar

__all__ = ["ALONE_SHARE", "StampedSeries"]

T = TypeVar("T")

ALONE_SHARE = 0.25
"""A value with no partner on the other side serves within this share of the tolerance: there is nothing to interpolate,
and at 1 m/s the arm is 25 mm away after a quarter of 0.1 s."""


class StampedSeries(Generic[T]):
    """Values by stamp (ns). keep_ns: of the past; at most `most` values. Equal stamps: the newer value counts."""

    def __init__(self, keep_ns: int | None = None, most: int | None = None) -> None:
        self._keep, self._most = keep_ns, most
        self._entries: list[tuple[int, T]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, stamp_ns: int, value: T) -> None:
        """Put a value in its place in time."""
        entries = self._entries
        if entries and stamp_ns <= entries[-1][0]:
            index = bisect_left(entries, stamp_ns, key=_stamp)
            if entries[index][0] == stamp_ns:
                entries[index] = stamp_ns, value
            else:
                insort(entries, (stamp_ns, value), key=_stamp)
        else:
            entries.append((stamp_ns, value))
        if self._most is not None and len(entries) > self._most:
            del entries[0]
        if self._keep is not None:
            self.forget(entries[-1][0] - self._keep)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def forget(self, stamp_ns: int) -> None:
        """Remove older values, except the last one before that stamp."""
        index = bisect_right(self._entries, stamp_ns, key=_stamp) - 1
        if index > 0:
            del self._entries[:index]

    @property
    def newest(self) -> tuple[int, T] | None:
        """The latest entry."""
        return self._entries[-1] if self._entries else None

    @property
    def entries(self) -> list[tuple[int, T]]:
        """All of them, oldest first."""
        return self._entries

    def until(self, stamp_ns: int) -> tuple[int, T] | None:
        """The newest entry that is not later."""
        index = bisect_right(self._entries, stamp_ns, key=_stamp) - 1
        return self._entries[index] if index >= 0 else None

    def around(self, stamp_ns: int, tolerance_ns: int) -> list[tuple[int, T]]:
        """The entry of that very stamp, or the neighbours before and after where both are within the tolerance, or one
        alone that is within `ALONE_SHARE` of it; else none."""
        entries = self._entries
        index = bisect_left(entries, stamp_ns, key=_stamp)
        if index < len(entries) and entries[index][0] == stamp_ns:
            return [entries[index]]
        near = [
            entries[i]
            for i in (index - 1, index)
            if 0 <= i < len(entries) and abs(entries[i][0] - stamp_ns) <= tolerance_ns
        ]
        alone = len(near) == 1 and abs(near[0][0] - stamp_ns) <= ALONE_SHARE * tolerance_ns
        return near if len(near) == 2 or alone else []

    def nearest(self, stamp_ns: int, tolerance_ns: int) -> tuple[int, T] | None:
        """The entry nearest in time, if it is within the tolerance."""
        index = bisect_left(self._entries, stamp_ns, key=_stamp)
        near = self._entries[max(index - 1, 0) : index + 1]
        best = min(near, key=lambda entry: abs(entry[0] - stamp_ns), default=None)
        return best if best is not None and abs(best[0] - stamp_ns) <= tolerance_ns else None

    def distance_ns(self, stamp_ns: int) -> int | None:
        """How far the nearest entry is away; None without any."""
        return min((abs(entry[0] - stamp_ns) for entry in self._entries), default=None)


def _stamp(entry: tuple[int, object]) -> int:
    return entry[0]
