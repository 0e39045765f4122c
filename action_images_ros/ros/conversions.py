"""Stamps, poses, intrinsics and joint positions between ROS messages and numpy, checked at the boundary.

Frames: `world` is the robot's base frame. Poses are `[7]` = xyz (m) + quaternion xyzw. Stamps are integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Pose, PoseStamped, Transform
from nav_msgs.msg import Path
from sensor_msgs.msg import CameraInfo, JointState

from ..geometry.camera import validate_intrinsics
from ..geometry.pose import matrix_from_pose7

__all__ = ["camera_info_from_intrinsics", "duration_from_seconds", "intrinsics_from_camera_info", "joint_sum",
           "ns_from_stamp", "path_from_poses", "pose_from_pose7", "pose7_from_pose", "pose7_from_transform",
           "pose_stamped", "pose7_from_pose_stamped", "seconds_from_duration", "stamp_from_ns", "transform_from_pose7"]


def ns_from_stamp(stamp: Time) -> int:
    """Integer nanoseconds of a message stamp."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


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
    """Pose message of `[7]`; NaN is passed on (an invalid frame says so)."""
    pose, values = Pose(), [float(value) for value in pose7]
    pose.position.x, pose.position.y, pose.position.z = values[:3]
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = values[3:]
    return pose


def pose7_from_pose(pose: Pose) -> np.ndarray:
    """`[7]` with a unit quaternion; raises ValueError on NaN or a zero quaternion."""
    p, q = pose.position, pose.orientation
    return _checked_pose7([p.x, p.y, p.z, q.x, q.y, q.z, q.w])


def _checked_pose7(values) -> np.ndarray:
    pose = np.array(values, dtype=np.float64)
    matrix_from_pose7(pose)
    pose[3:] /= np.linalg.norm(pose[3:])
    return pose


def transform_from_pose7(pose7: np.ndarray) -> Transform:
    """Transform message of `[7]`; NaN is passed on."""
    transform, values = Transform(), [float(value) for value in pose7]
    transform.translation.x, transform.translation.y, transform.translation.z = values[:3]
    r = transform.rotation
    r.x, r.y, r.z, r.w = values[3:]
    return transform


def pose7_from_transform(transform: Transform, *, checked: bool = True) -> np.ndarray:
    """`[7]` of a transform; with `checked` a ValueError on NaN or a zero quaternion, else as it came."""
    t, r = transform.translation, transform.rotation
    values = [t.x, t.y, t.z, r.x, r.y, r.z, r.w]
    return _checked_pose7(values) if checked else np.array(values)


def pose_stamped(pose7: np.ndarray, stamp_ns: int, frame_id: str) -> PoseStamped:
    """PoseStamped of `[7]` in `frame_id`."""
    message = PoseStamped(pose=pose_from_pose7(pose7))
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    return message


def pose7_from_pose_stamped(message: PoseStamped, frame_id: str, topic: str) -> np.ndarray:
    """`[7]` of a message that must be given in `frame_id`; ValueError naming the topic, the value and the remedy."""
    if message.header.frame_id != frame_id:
        raise ValueError(f"{topic} is given in the frame {message.header.frame_id!r}, base_frame is {frame_id!r}; "
                         "publish it in the base frame or set base_frame")
    try:
        return pose7_from_pose(message.pose)
    except ValueError as error:
        raise ValueError(f"{topic}: {error}") from None


def camera_info_from_intrinsics(K: np.ndarray, size: tuple[int, int], stamp_ns: int, frame_id: str) -> CameraInfo:
    """CameraInfo of an undistorted pinhole camera, K `[3, 3]` px of an image of `size` (H, W)."""
    K = np.asarray(K, dtype=np.float64)
    message = CameraInfo(height=int(size[0]), width=int(size[1]), distortion_model="plumb_bob", d=[0.0] * 5)
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    message.k, message.r = K.reshape(-1), np.eye(3).reshape(-1)
    message.p = np.hstack([K, np.zeros((3, 1))]).reshape(-1)
    return message


def intrinsics_from_camera_info(message: CameraInfo) -> tuple[np.ndarray, tuple[int, int]]:
    """K `[3, 3]` and the size (H, W) it belongs to; ValueError on missing or singular intrinsics.

    Binning and region of interest are refused: they say that K is not the image's.
    """
    if message.binning_x > 1 or message.binning_y > 1 or message.roi.width or message.roi.height:
        raise ValueError(f"binning is {message.binning_x}x{message.binning_y}, roi {message.roi.width}x"
                         f"{message.roi.height}: K is not that of the published image; publish full frames")
    if not np.any(message.k):
        raise ValueError("k is all zero: the camera is not calibrated; calibrate it and publish its intrinsics")
    K = validate_intrinsics(np.array(message.k, dtype=np.float64).reshape(3, 3))
    if message.height < 1 or message.width < 1:
        raise ValueError(f"width and height are {message.width}x{message.height}; calibrate the camera")
    return K, (message.height, message.width)


def joint_sum(message: JointState, names: Sequence[str]) -> float:
    """Sum of the positions of the named joints (m or rad); ValueError when one is missing or not finite."""
    positions = dict(zip(message.name, message.position, strict=False))
    missing = [name for name in names if name not in positions]
    if missing:
        raise ValueError(f"joint_states lacks {missing} (finger_joints); it has {sorted(positions)}")
    total = float(sum(positions[name] for name in names))
    if not np.isfinite(total):
        raise ValueError(f"joint_states gives {[positions[name] for name in names]} for {list(names)}; not finite")
    return total


def path_from_poses(poses: np.ndarray, stamp_ns: int, frame_id: str) -> Path:
    """Path of poses `[N, 7]`, for rviz."""
    message = Path()
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    message.poses = [pose_stamped(pose, stamp_ns, frame_id) for pose in poses]
    return message
