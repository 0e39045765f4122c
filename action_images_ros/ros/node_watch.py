"""Supervision of other nodes by their heartbeats."""

from __future__ import annotations

import functools

from rclpy.serialization import deserialize_message
from std_msgs.msg import Header

from ..control.settings import WatchSettings
from ..control.watchdog import LostNodes
from . import qos
from .graph_node import GraphNode

__all__ = ["NodeWatch"]

_LISTENING_S = 0.05
_MAX_BYTES = 1024  # a heartbeat is a few words


class NodeWatch:
    """Watches `settings.watched_nodes` in the namespace of `node`, which owns the subscriptions."""

    def __init__(self, node: GraphNode, settings: WatchSettings) -> None:
        self._lost = LostNodes(settings.node_timeout)
        for name in settings.watched_nodes:
            node.hear(Header, f"{name}/heartbeat", qos.EVENTS, functools.partial(self._on_beat, name))
        node.every(_LISTENING_S, self._lost.listening)

    def _on_beat(self, name: str, data: bytes) -> None:
        if len(data) <= _MAX_BYTES:
            self._lost.beat(name, str(deserialize_message(bytes(data), Header).frame_id))

    def reason(self) -> str:
        """One line naming every node that was there and is lost; empty when none is. Thread-safe."""
        return self._lost.reason()

    def suspects(self) -> str:
        """One line naming every node that has missed a few heartbeats; empty when none has. Thread-safe."""
        return self._lost.suspects()
