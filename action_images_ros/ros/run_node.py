"""main() of a node: signals, end of the parent process, executor, exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from ..interfaces.nodes import PARENT_VARIABLE
from .graph_node import GraphNode
from .parameters import ParameterError
from .spinning import spin_until

__all__ = ["run_node"]

_PARENT_SECONDS, _PARENT_PATIENCE = 0.2, 5.0  # between two looks at the parent; given to a graceful end


def _end_with_parent(stop: threading.Event) -> None:
    """End this node when whoever started it ended, even by kill -9: nothing commands an arm unattended.

    At first as on SIGTERM, which brakes the arm; after some seconds at once.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdecimal():
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(_PARENT_SECONDS)
        stop.set()
        time.sleep(_PARENT_PATIENCE)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def run_node(make: Callable[[], GraphNode], argv: list[str] | None = None, *, leave_at_once: bool = False) -> int:
    """main() of a node: 0 after SIGINT or SIGTERM, 1 when it could not be configured, 2 on a wrong parameter type.

    leave_at_once: end the process when the node is destroyed, without taking down the interpreter: torch needs many
    seconds for that on a busy machine.
    """
    stop, started = threading.Event(), threading.Event()

    def leave(*_: object) -> None:
        stop.set()
        if not started.is_set():  # a model takes long to load, and nothing moves yet
            raise KeyboardInterrupt

    for sign in (signal.SIGINT, signal.SIGTERM):  # also where SIGINT is ignored: a process started with &
        signal.signal(sign, leave)
    _end_with_parent(stop)
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)  # threads end before the context does
    node, code = None, 0
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        if not node.start():
            code = 1
        started.set()
        if code == 0:
            complain = node.complain
            spin_until(stop, executor, lambda e: complain("executor", f"a message or call could not be handled: {e!r}"))
    except ParameterError as error:
        print(f"{error}", file=sys.stderr)
        code = 2
    except (ExternalShutdownException, KeyboardInterrupt):
        code = 0
    finally:
        started.set()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    if leave_at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
