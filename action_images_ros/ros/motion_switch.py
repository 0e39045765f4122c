"""`~/enable` and `~/stop`: a person allows motion and ends it. Answered in a thread of their own, under any flood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from std_srvs.srv import SetBool, Trigger

from ..control.executor import ChunkExecutor
from ..control.states import STOPPED
from .graph_node import GraphNode
from .own_thread import OwnThread

__all__ = ["MotionSwitch"]


class MotionSwitch:
    """Switches `core`, under the lock of `node`. `refusal` says why the arm must not be enabled now, or nothing;
    `changed` is called, under the lock, where chunks that wait are void from now on."""

    def __init__(
        self, node: GraphNode, core: ChunkExecutor, refusal: Callable[[], str], changed: Callable[[], object]
    ) -> None:
        self._node, self._core, self._refusal, self._changed = node, core, refusal, changed
        self._thread = OwnThread(node, "stop")
        enable = node.serve(SetBool, "~/enable", self._on_enable, self._thread.group)
        stop = node.serve(Trigger, "~/stop", self._on_stop, self._thread.group)
        self._thread.start(enable, stop)

    def close(self) -> None:
        """End the thread, before the node destroys the services."""
        self._thread.stop()

    def _on_enable(self, request: Any, response: Any) -> Any:
        refusal = self._refusal() if request.data else ""
        log = self._node.get_logger()
        if refusal:
            response.success, response.message = False, f"not enabled: {refusal}"
            log.warning(response.message)
            return response
        with self._node.lock:
            core = self._core
            if request.data and core.enabled and core.state != STOPPED:
                response.success, response.message = True, f"enabled already: {core.state}"
                return response
            if request.data:
                core.enable(self._node.now_ns())
            else:
                core.disable()
            self._changed()
        response.success, response.message = True, "enabled" if request.data else "disabled"
        log.info(f"commands {response.message}")
        return response

    def _on_stop(self, _: Any, response: Any) -> Any:
        with self._node.lock:
            self._core.stop()
            self._changed()
        response.success, response.message = True, "braking to a hold; ~/enable to go on. No emergency stop."
        self._node.get_logger().warning("stopped by ~/stop")
        return response
