"""Transforms from TF, where tf2_ros is installed: looked up at a message's stamp, subscriptions given back.

tf2_ros is part of a ROS host and not of the wheels: whether it is there is decided here and only here.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.time import Time

from ..interfaces.fields import ns_from_stamp
from .conversions import pose7_from_transform

__all__ = ["HAS_TF", "INSTALL_TF", "NoTransform", "TransformSource"]

try:
    import tf2_ros
except ImportError:
    tf2_ros = None
HAS_TF = tf2_ros is not None
INSTALL_TF = "tf2_ros cannot be imported; install ros-jazzy-tf2-ros-py"

_POLL_S = 0.005


class NoTransform(ValueError):
    """TF has no such transform. known: whether it has one at another time."""

    def __init__(self, message: str, *, known: bool) -> None:
        super().__init__(message)
        self.known = known


class TransformSource:
    """Listens to /tf and /tf_static for a node until `close()`."""

    def __init__(self, node: Node) -> None:
        """Raises ValueError where tf2_ros is missing."""
        if tf2_ros is None:
            raise ValueError(INSTALL_TF)
        self._node = node
        self._buffer = tf2_ros.Buffer()
        self._listener: Any = tf2_ros.TransformListener(self._buffer, node)

    def lookup(
        self, parent: str, child: str, stamp_ns: int | None = None, *, wait_s: float = 0.0
    ) -> tuple[npt.NDArray[np.float64], int]:
        """Pose `[7]` of `child` in `parent` (m, unit quaternion xyzw) at a stamp, and its stamp; None: the newest.

        wait_s: how long to wait (steady time) for a transform that is on its way; not in the executor's thread.
        Raises NoTransform; ValueError when what TF has is not finite.
        """
        when = Time(nanoseconds=stamp_ns or 0)
        deadline = time.monotonic() + wait_s
        while True:
            try:
                found = self._buffer.lookup_transform(parent, child, when)
                break
            except tf2_ros.TransformException as error:
                known = stamp_ns is not None and self._buffer.can_transform(parent, child, Time())
                if not known or time.monotonic() >= deadline:
                    at = " at the stamp of the image" if known else ""
                    raise NoTransform(f"TF has no transform {parent} -> {child}{at}: {error}", known=known) from None
            time.sleep(_POLL_S)
        stamp = found.header.stamp
        return pose7_from_transform(found.transform), ns_from_stamp(stamp)

    def frames(self) -> list[str]:
        """Names of the frames that TF knows."""
        import yaml

        content = yaml.safe_load(self._buffer.all_frames_as_yaml() or "{}") or {}
        children = {str(child): str(entry.get("parent", "")) for child, entry in content.items()}
        return sorted({*children, *filter(None, children.values())})

    def close(self) -> None:
        """Give the subscriptions back."""
        if self._listener is not None:
            self._listener.unregister()
        self._listener = None
