"""Frames published on /tf and /tf_static, where tf2_msgs is installed (every ROS host; it has no wheel)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node

from ..geometry.arrays import Floats
from . import qos
from .conversions import stamp_from_ns, transform_from_pose7

__all__ = ["TfOutput"]


class TfOutput:
    """Publishes transforms of frames below `base_frame`; does nothing where tf2_msgs cannot be imported."""

    def __init__(self, node: Node, base_frame: str) -> None:
        self._base = base_frame
        self._moving: Any = None
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            return
        self._message = TFMessage
        self._moving = node.create_publisher(TFMessage, "/tf", qos.EVENTS)
        self._fixed = node.create_publisher(TFMessage, "/tf_static", qos.LATCHED)

    @property
    def on(self) -> bool:
        """Whether transforms are published."""
        return self._moving is not None

    def moving(self, poses: Mapping[str, Floats], stamp_ns: int) -> None:
        """Poses `[7]` (m, quaternion xyzw) of frames in the base frame at a stamp."""
        if self.on:
            self._moving.publish(self._message(transforms=self._transforms(poses, stamp_ns)))

    def fixed(self, poses: Mapping[str, Floats], stamp_ns: int) -> None:
        """The same for fixed frames; replaces those published before."""
        if self.on:
            self._fixed.publish(self._message(transforms=self._transforms(poses, stamp_ns)))

    def _transforms(self, poses: Mapping[str, Floats], stamp_ns: int) -> list[TransformStamped]:
        found = []
        for frame, pose in poses.items():
            message = TransformStamped(child_frame_id=frame, transform=transform_from_pose7(pose))
            message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), self._base
            found.append(message)
        return found
