"""The environments that a process keeps open: opening one starts a process or compiles a scene."""

from __future__ import annotations

from .protocol import Environment
from .registry import Benchmark

__all__ = ["Rooms"]


class Rooms:
    """Keeps the environment of the last task open, one per slot."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[tuple[str, str, tuple[int, int]], Environment]] = {}

    def environment(self, benchmark: Benchmark, task: str, size: tuple[int, int], slot: str = "main") -> Environment:
        """The environment of a task, images (height, width) px; slot "other" is a second one at the same time."""
        key = (benchmark.name, task, size)
        held = self._open.get(slot)
        if held is not None and held[0] == key:
            return held[1]
        if held is not None:
            held[1].close()
            del self._open[slot]
        environment = benchmark.make(task, size)
        self._open[slot] = key, environment
        return environment

    def close(self) -> None:
        """End all of them."""
        for _, environment in self._open.values():
            environment.close()
        self._open.clear()
