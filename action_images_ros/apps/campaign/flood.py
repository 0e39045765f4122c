"""Floods arm_command of the cell with messages of one kind until it is killed: `python -m .. KIND`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from ...ros import qos

__all__ = ["main"]


def _message(kind: str) -> tuple[str, Any, Any]:
    """Topic, profile and message of a kind; ValueError for another one."""
    if kind == "huge chunks":
        return "chunk/confidence", qos.LATCHED, PointCloud2(width=1, height=1, data=np.zeros(8_000_000, np.uint8))
    if kind == "poses":
        return "current_pose", qos.STATE, PoseStamped(header=Header(frame_id="x" * 200))
    if kind == "heartbeats":
        return "decoder/heartbeat", qos.EVENTS, Header(frame_id="active" * 100_000)
    if kind == "huge checks":
        values = [KeyValue(key="k" * 50, value="v" * 50)] * 20_000
        return "robot_check", qos.LATCHED, DiagnosticStatus(values=values)
    raise ValueError(f"kind is {kind!r}; give huge chunks, poses, heartbeats or huge checks")


def main(kind: str) -> int:
    """Publish as fast as the middleware takes it."""
    topic, profile, message = _message(kind)
    rclpy.init()
    node = rclpy.create_node("flood", namespace="cell")
    publisher = node.create_publisher(type(message), topic, profile)
    while not publisher.get_subscription_count():
        rclpy.spin_once(node, timeout_sec=0.05)
    print("begun", flush=True)
    while True:
        publisher.publish(message)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
