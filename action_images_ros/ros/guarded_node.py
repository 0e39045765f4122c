"""A node whose callbacks are guarded: an exception is reported as a problem and does not end the node.

Problems have keys: each is logged (rate-limited) and remains until it is solved.
"""

from __future__ import annotations

import functools
import inspect
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import LifecycleNode

__all__ = ["ERROR", "OK", "WARN", "GuardedNode"]

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class GuardedNode(LifecycleNode):
    """All that is made on this node is guarded, also what rclpy and tf2 make for themselves."""

    complaint_seconds = 5.0  # the same problem is logged again after this long

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.lock = threading.RLock()
        self._problems: dict[str, tuple[bytes, str]] = {}
        self._logged: dict[str, tuple[str, float]] = {}
        super().__init__(name, **kwargs)

    def create_subscription(self, msg_type, topic, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: see `guarded`."""
        return super().create_subscription(msg_type, topic, self.guarded(f"topic {topic}", callback), *args, **kwargs)

    def create_service(self, srv_type, srv_name, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: its exception is the answer."""
        return super().create_service(
            srv_type, srv_name, self.guarded(f"service {srv_name}", callback), *args, **kwargs
        )

    def create_timer(self, timer_period_sec, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: see `guarded`."""
        name = getattr(callback, "__name__", "timer")
        return super().create_timer(timer_period_sec, self.guarded(f"timer {name}", callback), *args, **kwargs)

    def guarded(self, what: str, callback: Callable) -> Callable:
        """`callback`, its exceptions reported as the problem `what` until it runs through again; `self.failed` is
        called with each."""
        if inspect.iscoroutinefunction(callback):
            return callback

        @functools.wraps(callback)
        def run(*arguments):
            try:
                result = callback(*arguments)
            except Exception as error:
                self.complain(what, f"{what} failed: {error!r}")
                self.failed(what, error)
                return _answer(arguments, f"{what} failed: {error!r}")
            if what in self._problems:
                self.solved(what)
            return result

        return run

    def failed(self, what: str, error: Exception) -> None:
        """Called after a callback has raised; subclasses take what they have to in safety."""

    def complain(self, key: str, message: str, level: bytes = ERROR) -> None:
        """Report a problem until `solved(key)`; thread-safe."""
        with self.lock:
            self._problems[key] = (level, message)
            text, when = self._logged.get(key, ("", -1e9))
            now = time.monotonic()
            if now - when < (self.complaint_seconds if _gist(text) == _gist(message) else 0.5):
                return
            self._logged[key] = (message, now)
        if level == ERROR:  # two lines: rclpy wants every line to keep its severity
            self.get_logger().error(message)
        else:
            self.get_logger().warning(message)

    def solved(self, *keys: str) -> None:
        """The problems of these keys are gone."""
        with self.lock:
            for key in keys:
                if self._problems.pop(key, None) is not None and key in self._logged:
                    self.get_logger().info(f"solved: {self._logged.pop(key)[0]}")

    def problems(self) -> dict[str, str]:
        """What is wrong now, by key."""
        with self.lock:
            return {key: message for key, (_, message) in self._problems.items()}


def _answer(arguments: tuple, reason: str) -> Any:
    """What a failed callback returns: the response of a service with the reason where it has a place, else None."""
    if len(arguments) != 2:
        return None
    response = arguments[1]
    if hasattr(response, "success"):
        response.success = False
    if hasattr(response, "message"):
        response.message = reason
    return response


def _gist(text: str) -> str:
    """A message without its numbers: an age that grows makes no new problem."""
    return re.sub(r"[-\d.]+", "", text)
