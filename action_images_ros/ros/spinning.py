"""The loop of a thread that executes callbacks: no exception ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

__all__ = ["spin_until"]

_LOOK_S = 0.1  # between two looks whether to end


def spin_until(ended: threading.Event, executor: SingleThreadedExecutor, complain: Callable[[Exception], None]) -> None:
    """Execute callbacks until `ended` is set or ROS shuts down; `complain` hears of every other exception."""
    while not ended.is_set():
        try:
            executor.spin_once(timeout_sec=_LOOK_S)
        except ExternalShutdownException:
            break
        except Exception as error:  # a callback, or rclpy itself over bytes that it cannot read
            if not ended.is_set():
                complain(error)
