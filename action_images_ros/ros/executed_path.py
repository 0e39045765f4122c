"""Where the arm was commanded lately, as a path for rviz."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path

from .conversions import pose_stamped, stamp_from_ns
from .graph_node import GraphNode

__all__ = ["ExecutedPath"]

_POSES, _BETWEEN_S, _PUBLISHED_S = 200, 0.1, 0.5


class ExecutedPath:
    """Keeps a commanded pose every tenth of a second and publishes them on `executed` while somebody listens."""

    def __init__(self, node: GraphNode, base: str) -> None:
        self._node, self._base = node, base
        self._poses: deque[PoseStamped] = deque(maxlen=_POSES)
        self._at_s = 0.0
        self._publisher = node.advertise("executed")
        node.every(_PUBLISHED_S, self._publish)

    def clear(self) -> None:
        """Begin anew."""
        self._poses.clear()

    def note(self, pose: npt.NDArray[np.float64], time_ns: int) -> None:
        """Remember a commanded pose `[7]`, of ROS time time_ns."""
        if time.monotonic() - self._at_s >= _BETWEEN_S:
            self._at_s = time.monotonic()
            self._poses.append(pose_stamped(pose, time_ns, self._base))

    def _publish(self) -> None:
        if self._poses and self._publisher.get_subscription_count():
            message = Path(poses=list(self._poses))
            message.header.stamp, message.header.frame_id = stamp_from_ns(self._node.now_ns()), self._base
            self._publisher.publish(message)
