"""A service that is asked without waiting for its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.node import Node

__all__ = ["ServiceCall"]

_ANSWER_S = 0.5  # a service that does not answer within this is asked again


class ServiceCall:
    """One service, asked without waiting: at most one question is open."""

    def __init__(self, node: Node, kind: Any, name: str) -> None:
        self._node = node
        self._client = node.create_client(kind, name)
        self._open: Any = None
        self._asked_s = -np.inf
        self.name: str = self._client.srv_name

    @property
    def present(self) -> bool:
        """Whether the service is there."""
        return bool(self._client.service_is_ready())

    def ask(self, request: Any, steady_s: float, pause_s: float) -> bool:
        """Send a request unless one is open, or the last was sent less than `pause_s` ago; whether it was sent."""
        if self._open is not None and steady_s - self._asked_s < _ANSWER_S:
            return False
        if steady_s - self._asked_s < pause_s or not self.present:
            return False
        if self._open is not None:
            self._client.remove_pending_request(self._open)
        self._open, self._asked_s = self._client.call_async(request), steady_s
        return True

    def answer(self) -> Any:
        """The answer to the open question, once; None while there is none."""
        if self._open is None or not self._open.done():
            return None
        future, self._open = self._open, None
        return future.result()

    def close(self) -> None:
        """Destroy the client."""
        self._node.destroy_client(self._client)
