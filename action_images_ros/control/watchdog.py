"""Heartbeats in steady time: who has not been heard of for too long. A paused or jumping ROS clock cannot fool it.

`Watchdog` is for sources that must be there from the beginning, `LostNodes` for those that are watched once they came.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

__all__ = ["LostNodes", "Watchdog"]


_SUSPECT_S = 0.25  # without heartbeats, of which there are ten a second


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

    def set_timeout(self, name: str, timeout: float) -> None:
        """Another timeout for `name`, s."""
        if name not in self._timeouts or not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"the timeout of {name} is {timeout}; give a source that is watched and seconds above 0")
        self._timeouts[name] = timeout

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


class LostNodes:
    """Watches nodes by their heartbeats, each from its first one on: lost is one that is silent or not active any more.

    `listening()` is called regularly by whoever delivers the heartbeats. Silence counts only while that works: a
    listener that was held up itself has not heard anybody. `clock` is injected in tests.
    """

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not (math.isfinite(timeout_s) and timeout_s > 0):
            raise ValueError(f"timeout_s is {timeout_s}; give seconds, more than 0")
        self._timeout_s, self._clock = timeout_s, clock
        self._heard: dict[str, tuple[float, str]] = {}
        self._listened = (clock(), clock())

    def beat(self, name: str, state: str) -> None:
        """Note a heartbeat of `name`, which carries its lifecycle state."""
        if name in self._heard or state == "active":
            self._heard[name] = (self._clock(), state)

    def listening(self) -> None:
        """Note that heartbeats would have been delivered now. What has queued up is delivered before the next call."""
        self._listened = (self._listened[1], self._clock())

    def suspects(self) -> str:
        """One line naming every node that has missed a few heartbeats; empty when none has."""
        silent = {name: self._listened[0] - heard for name, (heard, _) in list(self._heard.items())}
        return "; ".join(f"node {name} is silent for {s:.2f} s" for name, s in silent.items() if s > _SUSPECT_S)

    def reason(self) -> str:
        """One line naming every lost node; empty when all are there."""
        parts = []
        for name, (heard, state) in list(self._heard.items()):
            silence = self._listened[0] - heard
            if state != "active":
                parts.append(f"node {name} is {state}")
            elif silence > self._timeout_s:
                parts.append(f"node {name} is silent for {silence:.2f} s (node_timeout {self._timeout_s:g} s)")
        return "; ".join(parts)
