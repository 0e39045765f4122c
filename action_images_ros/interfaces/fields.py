"""Content of ROS messages as numpy arrays, checked at the boundary: stamps, poses, intrinsics.

Works on any object with the message's fields, rclpy's or a bag reader's, and needs no ROS. Frames: `world` is the
robot's base frame. Poses are `[7]` = xyz (m) + quaternion xyzw. Stamps are integer nanoseconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry.arrays import Floats
from ..geometry.camera import validate_intrinsics
from ..geometry.pose import matrix_from_pose7

__all__ = [
    "FARTHEST_M",
    "checked_pose7",
    "intrinsics_from_camera_info",
    "ns_from_stamp",
    "optical_frame",
    "pose7_from_pose",
    "pose7_from_pose_stamped",
    "pose7_from_transform",
]

FARTHEST_M = 20.0
"""Beyond this a tool or camera pose is taken to be in other units."""
_UNIT = 0.02  # deviation of a quaternion's length from 1: two digits after the point have less


def ns_from_stamp(stamp: Any) -> int:
    """Integer nanoseconds of a message stamp."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def optical_frame(camera: str) -> str:
    """Name of the optical frame of a camera of the graph."""
    return f"{camera}_optical_frame"


def pose7_from_pose(pose: Any) -> Floats:
    """`[7]` with a unit quaternion; raises ValueError on NaN or a zero quaternion."""
    p, q = pose.position, pose.orientation
    return checked_pose7([p.x, p.y, p.z, q.x, q.y, q.z, q.w])


def checked_pose7(values: npt.ArrayLike, *, far_m: float | None = FARTHEST_M) -> Floats:
    """`[7]` with a unit quaternion; ValueError on NaN, on a quaternion that is none, and beyond `far_m`.

    far_m: no arm and no camera of one cell is further from the base; None: no bound (frames of TF).
    """
    pose = np.array(values, dtype=np.float64)
    matrix_from_pose7(pose)
    norm = float(np.linalg.norm(pose[3:]))
    if abs(norm - 1.0) > _UNIT:
        likely = (
            "roll, pitch, yaw in degrees?"
            if np.abs(pose[3:]).max() > 4
            else "roll, pitch, yaw in radians?"
            if abs(pose[6]) < 1e-9
            else "cut off after a few digits?"
        )
        raise ValueError(
            f"the quaternion is {np.round(pose[3:], 4).tolist()}, of length {norm:.3g} instead of 1: {likely}"
        )
    far = float(np.abs(pose[:3]).max())
    if far_m is not None and far > far_m:
        raise ValueError(f"the translation is {np.round(pose[:3], 3).tolist()}, {far:,.0f} m: millimetres?")
    pose[3:] /= norm
    return pose


def pose7_from_transform(transform: Any, *, checked: bool = True) -> Floats:
    """`[7]` of a transform; with `checked` a ValueError on NaN or a zero quaternion, else as it came."""
    t, r = transform.translation, transform.rotation
    values = [t.x, t.y, t.z, r.x, r.y, r.z, r.w]
    return checked_pose7(values, far_m=None) if checked else np.array(values)


def pose7_from_pose_stamped(message: Any, frame_id: str, topic: str) -> Floats:
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


def intrinsics_from_camera_info(message: Any) -> tuple[Floats, tuple[int, int]]:
    """K `[3, 3]` and the size (H, W) it belongs to; ValueError on missing or singular intrinsics.

    Binning and region of interest are refused: K then belongs to another image.
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
