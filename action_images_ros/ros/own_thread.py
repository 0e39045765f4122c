"""A thread of its own for a few services of a node, so that no message handled elsewhere keeps them waiting."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor

from .graph_node import GraphNode
from .spinning import spin_until

__all__ = ["OwnThread"]


class _Group(ReentrantCallbackGroup):
    """Lets only one thread execute its callbacks; the executor that spins the node passes them over."""

    def __init__(self) -> None:
        super().__init__()
        self.thread: int | None = None

    def can_execute(self, entity: Any) -> bool:
        return threading.get_ident() == self.thread


class _Executor(SingleThreadedExecutor):
    """Waits for the given services and for nothing else of their node."""

    def __init__(self, node: GraphNode, services: list[Any]) -> None:
        super().__init__(context=node.context)
        self._view = SimpleNamespace(
            subscriptions=[], timers=[], clients=[], services=services, guards=[], waitables=[]
        )

    def get_nodes(self) -> list[Any]:
        return [self._view]


class OwnThread:
    """Executes services made with the callback group `group`, from `start` with them to `stop`.

    Their callbacks run beside all others of the node: they take its lock for what they share.
    """

    def __init__(self, node: GraphNode, name: str) -> None:
        self._node, self._name = node, name
        self.group = _Group()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *services: Any) -> None:
        """Begin to answer calls of these services."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._spin, args=(services,), name=self._name, daemon=True)
        self._thread.start()

    def _spin(self, services: Sequence[Any]) -> None:
        self.group.thread = threading.get_ident()
        executor = _Executor(self._node, list(services))
        spin_until(self._ended, executor, self._complain)
        executor.shutdown(timeout_sec=0.0)

    def _complain(self, error: Exception) -> None:
        self._node.complain(self._name, f"a call could not be handled: {error!r}")

    def stop(self) -> None:
        """Answer no more; before the services are destroyed."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        self._thread = None
