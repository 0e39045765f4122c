"""Heartbeats in steady time: who has not been heard of for too long. A paused or jumping ROS clock cannot fool it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

__all__ = ["Watchdog"]


class Watchdog:
    """Watches named sources, each with its timeout in seconds of the steady clock (`clock` is injected in tests).

    A source never heard of is late from the beginning: silence at the start is silence.
    """

    def __init__(self, timeouts: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        for name, timeout in timeouts.items():
            if not (math.isfinite(timeout) and timeout > 0):
                raise ValueError(f"the timeout of {name} is {timeout}; give seconds, more than 0")
        self._timeouts = dict(timeouts)
        self._clock = clock
        self._heard: dict[str, float] = {}

    def beat(self, name: str) -> None:
        """Note that `name` was heard of now."""
        if name not in self._timeouts:
            raise ValueError(f"nothing watches {name!r}; watched are {', '.join(sorted(self._timeouts))}")
        self._heard[name] = self._clock()

    def age(self, name: str) -> float:
        """Seconds since the last beat of `name`; infinite before the first."""
        return self._clock() - self._heard[name] if name in self._heard else math.inf

    def late(self) -> dict[str, float]:
        """The sources that are late, with their age in seconds."""
        ages = {name: self.age(name) for name in self._timeouts}
        return {name: age for name, age in ages.items() if age > self._timeouts[name]}

    def reason(self) -> str | None:
        """One line naming every late source, or None when all are in time."""
        parts = [
            f"{name} never heard of"
            if math.isinf(age)
            else f"{name} silent for {age:.2f} s (limit {self._timeouts[name]:g} s)"
            for name, age in self.late().items()
        ]
        return "; ".join(parts) or None
