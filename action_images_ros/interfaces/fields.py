"""What ROS messages say, as numpy, checked at the boundary: stamps, poses, intrinsics, joints.

Works on any object with the message's fields, rclpy's or a bag reader's, and needs no ROS. Frames: `world` is the
robot's base frame. Poses are `[7]` = xyz (m) + quaternion xyzw. Stamps are integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..geometry.camera import validate_intrinsics
from ..geometry.pose import matrix_from_pose7

__all__ = [
    "intrinsics_from_camera_info",
    "joint_sum",
    "ns_from_stamp",
    "openness_from_joints",
    "pose7_from_pose",
    "pose7_from_pose_stamped",
    "pose7_from_transform",
]


def ns_from_stamp(stamp) -> int:
    """Integer nanoseconds of a message stamp."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def pose7_from_pose(pose) -> np.ndarray:
    """`[7]` with a unit quaternion; raises ValueError on NaN or a zero quaternion."""
    p, q = pose.position, pose.orientation
    return _checked_pose7([p.x, p.y, p.z, q.x, q.y, q.z, q.w])


def _checked_pose7(values) -> np.ndarray:
    pose = np.array(values, dtype=np.float64)
    matrix_from_pose7(pose)
    pose[3:] /= np.linalg.norm(pose[3:])
    return pose


def pose7_from_transform(transform, *, checked: bool = True) -> np.ndarray:
    """`[7]` of a transform; with `checked` a ValueError on NaN or a zero quaternion, else as it came."""
    t, r = transform.translation, transform.rotation
    values = [t.x, t.y, t.z, r.x, r.y, r.z, r.w]
    return _checked_pose7(values) if checked else np.array(values)


def pose7_from_pose_stamped(message, frame_id: str, topic: str) -> np.ndarray:
    """`[7]` of a message that must be given in `frame_id`; ValueError naming the topic, the value and the remedy."""
    if message.header.frame_id != frame_id:
        raise ValueError(
            f"{topic} is given in the frame {message.header.frame_id!r}, base_frame is {frame_id!r}; "
            "publish it in the base frame or set base_frame"
        )
    try:
        return pose7_from_pose(message.pose)
    except ValueError as error:
        raise ValueError(f"{topic}: {error}") from None


def intrinsics_from_camera_info(message) -> tuple[np.ndarray, tuple[int, int]]:
    """K `[3, 3]` and the size (H, W) it belongs to; ValueError on missing or singular intrinsics.

    Binning and region of interest are refused: they say that K is not the image's.
    """
    if message.binning_x > 1 or message.binning_y > 1 or message.roi.width or message.roi.height:
        raise ValueError(
            f"binning is {message.binning_x}x{message.binning_y}, roi {message.roi.width}x"
            f"{message.roi.height}: K is not that of the published image; publish full frames"
        )
    if not np.any(message.k):
        raise ValueError("k is all zero: the camera is not calibrated; calibrate it and publish its intrinsics")
    K = validate_intrinsics(np.array(message.k, dtype=np.float64).reshape(3, 3))
    if message.height < 1 or message.width < 1:
        raise ValueError(f"width and height are {message.width}x{message.height}; calibrate the camera")
    return K, (message.height, message.width)


def joint_sum(message, names: Sequence[str]) -> float:
    """Sum of the positions of the named joints (m or rad); ValueError when one is missing or not finite."""
    positions = dict(zip(message.name, message.position, strict=False))
    missing = [name for name in names if name not in positions]
    if missing:
        raise ValueError(f"joint_states lacks {missing} (finger_joints); it has {sorted(positions)}")
    total = float(sum(positions[name] for name in names))
    if not np.isfinite(total):
        raise ValueError(f"joint_states gives {[positions[name] for name in names]} for {list(names)}; not finite")
    return total


def openness_from_joints(total: float, closed: float, opened: float) -> float:
    """Openness 0..1 of the finger joints' sum; up to 10 % beyond the range is taken as its end, ValueError further out.

    closed, opened: that sum for the closed and the open gripper (finger_closed, finger_open).
    """
    openness = (total - closed) / (opened - closed)
    if not -0.1 <= openness <= 1.1:
        raise ValueError(
            f"the finger joints sum up to {total:.4f}, far outside finger_closed {closed:g}"
            f" to finger_open {opened:g}; set both to what the gripper reports"
        )
    return float(np.clip(openness, 0.0, 1.0))
