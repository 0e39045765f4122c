"""Stands between the cell and the rest of the graph: passes its messages on, spoilt while a fault is injected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message

from ...interfaces.topics import message_type, topic, topic_name
from ...ros import qos

__all__ = ["CELL_REMAPS", "Spoil", "Tap", "tapped"]

Spoil = Callable[[Any], Any]
"""Takes a message that the cell has published; gives one in its place, a list of several, or None for silence."""

_PLAIN = ("current_pose", "joint_states", "/clock")
_CAMERA = ("<cam>/image_raw", "<cam>/camera_info", "<cam>/pose")
CAMERAS = ("camera_0", "camera_1")


def tapped() -> dict[str, str]:
    """Every tapped topic as the graph knows it, with its row in the table of topics."""
    names = {name: name for name in _PLAIN}
    return names | {topic_name(row, camera): row for row in _CAMERA for camera in CAMERAS}


CELL_REMAPS = {name: f"tap/{name.lstrip('/')}" for name in tapped()}
"""What the cell's topics are called behind the tap."""


class Tap:
    """Relays the tapped topics through `node`; `spoil[topic]` is applied to its messages. Keeps the true poses."""

    def __init__(self, node: Node) -> None:
        self.spoil: dict[str, Spoil] = {}
        self._lock = threading.Lock()
        self._track: list[tuple[float, npt.NDArray[np.float64]]] = []
        self._publishers: dict[str, Any] = {}
        self.last: dict[str, bytes] = {}
        self.pose_ns = 0
        for name, row_name in tapped().items():
            row = topic(row_name)
            kind, profile = message_type(row.type), qos.PROFILES[row.qos]
            self._publishers[name] = node.create_publisher(kind, name, profile)
            node.create_subscription(kind, CELL_REMAPS[name], self._relay(name, kind), profile, raw=True)

    def _relay(self, name: str, kind: type) -> Callable[[bytes], None]:
        def relay(data: bytes) -> None:
            if name == "current_pose":
                self._note(deserialize_message(bytes(data), kind))
            self.last[name] = bytes(data)
            spoil = self.spoil.get(name)
            if spoil is None:
                self._publishers[name].publish(data)
                return
            answer = spoil(deserialize_message(bytes(data), kind))
            for message in answer if isinstance(answer, list) else [answer]:
                if message is not None:
                    self._publishers[name].publish(serialize_message(message))

        return relay

    def say(self, name: str, message: Any) -> None:
        """Publish once more on a tapped topic."""
        self._publishers[name].publish(serialize_message(message))

    def _note(self, message: Any) -> None:
        p, at = message.pose.position, message.header.stamp
        self.pose_ns = at.sec * 10**9 + at.nanosec
        with self._lock:
            self._track.append((time.monotonic(), np.array([p.x, p.y, p.z])))
            del self._track[:-3000]

    def track(self, since: float = 0.0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Times (s, steady clock) and true positions `[N, 3]` (m) of the tool from `since` on."""
        kept: list[tuple[float, npt.NDArray[np.float64]]] = []
        with self._lock:
            for row in reversed(self._track):
                if row[0] < since:
                    break
                kept.append(row)
        kept.reverse()
        return np.array([when for when, _ in kept]), np.array([place for _, place in kept]).reshape(-1, 3)

    def position(self) -> npt.NDArray[np.float64]:
        """The newest true position `[3]` (m)."""
        with self._lock:
            return self._track[-1][1].copy() if self._track else np.full(3, np.nan)
