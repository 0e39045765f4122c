"""Stamps, poses, intrinsics and joint positions between ROS messages and numpy, checked at the boundary.

Frames: `world` is the robot's base frame. Poses are `[7]` = xyz (m) + quaternion xyzw. Stamps are integer nanoseconds.
"""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Pose, PoseStamped, Transform
from nav_msgs.msg import Path
from sensor_msgs.msg import CameraInfo

from ..interfaces.fields import (
    intrinsics_from_camera_info,
    ns_from_stamp,
    pose7_from_pose,
    pose7_from_pose_stamped,
    pose7_from_transform,
)

__all__ = [
    "camera_info_from_intrinsics",
    "duration_from_seconds",
    "intrinsics_from_camera_info",
    "ns_from_stamp",
    "path_from_poses",
    "pose_from_pose7",
    "pose7_from_pose",
    "pose7_from_transform",
    "pose_stamped",
    "pose7_from_pose_stamped",
    "seconds_from_duration",
    "stamp_from_ns",
    "transform_from_pose7",
]


def stamp_from_ns(ns: int) -> Time:
    """Message stamp of integer nanoseconds >= 0."""
    return Time(sec=int(ns) // 1_000_000_000, nanosec=int(ns) % 1_000_000_000)


def duration_from_seconds(seconds: float) -> Duration:
    """Duration message, rounded to nanoseconds."""
    ns = round(seconds * 1e9)
    return Duration(sec=ns // 1_000_000_000, nanosec=ns % 1_000_000_000)


def seconds_from_duration(duration: Duration) -> float:
    """Seconds of a duration message."""
    return duration.sec + duration.nanosec * 1e-9


def pose_from_pose7(pose7: np.ndarray) -> Pose:
    """Pose message of `[7]`; NaN (an invalid frame) is kept."""
    pose, values = Pose(), [float(value) for value in pose7]
    pose.position.x, pose.position.y, pose.position.z = values[:3]
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = values[3:]
    return pose


def transform_from_pose7(pose7: np.ndarray) -> Transform:
    """Transform message of `[7]`; NaN is passed on."""
    transform, values = Transform(), [float(value) for value in pose7]
    transform.translation.x, transform.translation.y, transform.translation.z = values[:3]
    r = transform.rotation
    r.x, r.y, r.z, r.w = values[3:]
    return transform


def pose_stamped(pose7: np.ndarray, stamp_ns: int, frame_id: str) -> PoseStamped:
    """PoseStamped of `[7]` in `frame_id`."""
    message = PoseStamped(pose=pose_from_pose7(pose7))
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    return message


def camera_info_from_intrinsics(K: np.ndarray, size: tuple[int, int], stamp_ns: int, frame_id: str) -> CameraInfo:
    """CameraInfo of an undistorted pinhole camera, K `[3, 3]` px of an image of `size` (H, W)."""
    K = np.asarray(K, dtype=np.float64)
    message = CameraInfo(height=int(size[0]), width=int(size[1]), distortion_model="plumb_bob", d=[0.0] * 5)
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    message.k, message.r = K.reshape(-1), np.eye(3).reshape(-1)
    message.p = np.hstack([K, np.zeros((3, 1))]).reshape(-1)
    return message


def path_from_poses(poses: np.ndarray, stamp_ns: int, frame_id: str) -> Path:
    """Path of poses `[N, 7]`, for rviz."""
    message = Path()
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    message.poses = [pose_stamped(pose, stamp_ns, frame_id) for pose in poses]
    return message
