"""Floods arm_command of the cell with messages of one kind until it is killed: `python -m .. KIND`."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped, Transform
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import Header
from trajectory_msgs.msg import MultiDOFJointTrajectory, MultiDOFJointTrajectoryPoint

from ...ros import qos

__all__ = ["main"]

_MANY = 10**9  # until it is killed


def _message(kind: str) -> tuple[str, Any, Any]:
    """Topic, profile and message of a kind; ValueError for another one."""
    if kind == "100000 frames":
        point = MultiDOFJointTrajectoryPoint(transforms=[Transform()])
        return "chunk/poses", qos.LATCHED, MultiDOFJointTrajectory(points=[point] * 100_000)
    if kind == "huge joints":
        joints = JointState(name=["joint1"] * 100_000, position=[0.0] * 100_000)
        return "joint_states", qos.STATE, joints
    if kind == "huge chunks":
        return "chunk/confidence", qos.LATCHED, PointCloud2(width=1, height=1, data=np.zeros(8_000_000, np.uint8))
    if kind == "poses":
        return "current_pose", qos.STATE, PoseStamped(header=Header(frame_id="x" * 200))
    if kind == "heartbeats":
        return "decoder/heartbeat", qos.EVENTS, Header(frame_id="active" * 100_000)
    if kind == "huge checks":
        values = [KeyValue(key="k" * 50, value="v" * 50)] * 20_000
        return "robot_check", qos.LATCHED, DiagnosticStatus(values=values)
    raise ValueError(
        f"kind is {kind!r}; give huge chunks, poses, heartbeats, huge checks, huge joints or 100000 frames"
    )


def main(kind: str) -> int:
    """Publish as fast as the middleware takes it."""
    topic, profile, message = _message(kind)
    data = serialize_message(message)
    rclpy.init()
    node = rclpy.create_node("flood", namespace="cell")
    publisher = node.create_publisher(type(message), topic, profile)
    while not publisher.get_subscription_count():
        rclpy.spin_once(node, timeout_sec=0.05)
    print("begun", flush=True)
    for _ in range(_MANY) if kind != "100000 frames" else range(3):
        publisher.publish(data)
    time.sleep(1.0)  # until what is on its way has been taken
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
