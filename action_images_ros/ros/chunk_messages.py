"""A chunk as messages: its action images (T frames stacked vertically) and its decoded poses with their confidence.

Every message of a chunk carries the same stamp, that of the observation: it is the chunk's id.
"""

from __future__ import annotations

import array

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from trajectory_msgs.msg import (
    JointTrajectory,
    JointTrajectoryPoint,
    MultiDOFJointTrajectory,
    MultiDOFJointTrajectoryPoint,
)

from ..control.chunk import Chunk
from ..interfaces.chunk import (
    CONFIDENCE,
    CONFIDENCE_FIELDS,
    GRIPPER_JOINT,
    TOOL_JOINT,
    confidence_rows,
    split_frames,
    stack_frames,
)
from .conversions import (
    duration_from_seconds,
    ns_from_stamp,
    pose7_from_transform,
    seconds_from_duration,
    stamp_from_ns,
    transform_from_pose7,
)

_NAMES = [name for name, _, _ in CONFIDENCE_FIELDS]
AGREEMENT_JOINT = "video_action_distance"
"""Joint name of the distances in chunk/agreement."""
MAX_FRAMES = 512
"""A chunk of more frames is refused: no model makes one, and reading it would take the time of the commands."""
MAX_BYTES = 256 * MAX_FRAMES
"""A serialised part of a chunk that is larger is refused unread."""

__all__ = [
    "AGREEMENT_JOINT",
    "GRIPPER_JOINT",
    "MAX_BYTES",
    "MAX_FRAMES",
    "TOOL_JOINT",
    "agreement_from_message",
    "agreement_message",
    "chunk_from_messages",
    "confidence_message",
    "gripper_message",
    "poses_message",
    "split_frames",
    "stack_frames",
]


def poses_message(chunk: Chunk, frame_id: str) -> MultiDOFJointTrajectory:
    """The chunk's TCP poses; invalid frames keep NaN."""
    message = MultiDOFJointTrajectory(joint_names=[TOOL_JOINT])
    message.header.stamp, message.header.frame_id = stamp_from_ns(chunk.stamp_ns), frame_id
    for index, pose in enumerate(chunk.poses):
        message.points.append(
            MultiDOFJointTrajectoryPoint(
                transforms=[transform_from_pose7(pose)], time_from_start=duration_from_seconds(index * chunk.dt)
            )
        )
    return message


def gripper_message(chunk: Chunk, frame_id: str) -> JointTrajectory:
    """The chunk's openness, 0 closed to 1 open."""
    message = JointTrajectory(joint_names=[GRIPPER_JOINT])
    message.header.stamp, message.header.frame_id = stamp_from_ns(chunk.stamp_ns), frame_id
    for index, openness in enumerate(chunk.openness):
        message.points.append(
            JointTrajectoryPoint(positions=[float(openness)], time_from_start=duration_from_seconds(index * chunk.dt))
        )
    return message


def confidence_message(chunk: Chunk, frame_id: str) -> PointCloud2:
    """One point per frame: x y z (m), sigma_position (m), sigma_rotation (rad), valid (1 or 0)."""
    rows = confidence_rows(chunk)
    message = PointCloud2(
        height=1,
        width=len(rows),
        is_bigendian=False,
        is_dense=bool(chunk.valid.all()),
        point_step=CONFIDENCE.itemsize,
        row_step=CONFIDENCE.itemsize * len(rows),
    )
    message.header.stamp, message.header.frame_id = stamp_from_ns(chunk.stamp_ns), frame_id
    for name, kind, offset in CONFIDENCE_FIELDS:
        datatype = PointField.UINT32 if kind == np.dtype("<u4") else PointField.FLOAT32
        message.fields.append(PointField(name=name, offset=offset, datatype=datatype, count=1))
    data = array.array("B")
    data.frombytes(rows.tobytes())
    message.data = data
    return message


def agreement_message(distances_m: np.ndarray, dt: float, stamp_ns: int, frame_id: str) -> JointTrajectory:
    """Distance `[T]` m between the arm in the predicted video and the action, per frame; NaN where it is not known."""
    message = JointTrajectory(joint_names=[AGREEMENT_JOINT])
    message.header.stamp, message.header.frame_id = stamp_from_ns(stamp_ns), frame_id
    message.points = [
        JointTrajectoryPoint(positions=[float(value)], time_from_start=duration_from_seconds(index * dt))
        for index, value in enumerate(distances_m)
    ]
    return message


def agreement_from_message(message: JointTrajectory) -> float:
    """Median distance (m) of the frames where it is known; NaN where there is none. ValueError for another message."""
    if list(message.joint_names) != [AGREEMENT_JOINT]:
        raise ValueError(f"chunk/agreement has the joints {list(message.joint_names)}, expected [{AGREEMENT_JOINT}]")
    values = np.array([point.positions[0] for point in message.points if len(point.positions) == 1])
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def chunk_from_messages(
    poses: MultiDOFJointTrajectory, gripper: JointTrajectory, confidence: PointCloud2, frame_id: str
) -> Chunk:
    """The chunk of three messages of one id; ValueError when they do not fit together or to `frame_id`.

    The covariance is rebuilt as isotropic from the two sigmas, which are those of the worst direction.
    """
    stamp_ns = ns_from_stamp(poses.header.stamp)
    for name, message in (("chunk/poses", poses), ("chunk/gripper", gripper), ("chunk/confidence", confidence)):
        if ns_from_stamp(message.header.stamp) != stamp_ns:
            raise ValueError(f"{name} has the id {ns_from_stamp(message.header.stamp)}, chunk/poses {stamp_ns}")
        if message.header.frame_id != frame_id:
            raise ValueError(f"{name} is given in the frame {message.header.frame_id!r}, base_frame is {frame_id!r}")
    for name, message, joint in (("poses", poses, TOOL_JOINT), ("gripper", gripper, GRIPPER_JOINT)):
        if list(message.joint_names) not in ([joint], []):
            raise ValueError(f"chunk/{name} is of the joints {list(message.joint_names)[:4]}; expected [{joint!r}]")
    count = len(poses.points)
    if count > MAX_FRAMES:
        raise ValueError(f"chunk/poses has {count} frames; send at most {MAX_FRAMES}")
    rows = _confidence_rows(confidence)
    if count < 2 or len(gripper.points) != count or len(rows) != count:
        raise ValueError(
            f"chunk/poses has {count} frames, chunk/gripper {len(gripper.points)}, chunk/confidence "
            f"{len(rows)}; all three need the same number, at least 2"
        )
    dt = seconds_from_duration(poses.points[1].time_from_start)
    for index, (pose, finger) in enumerate(zip(poses.points, gripper.points, strict=True)):
        if len(pose.transforms) != 1 or len(finger.positions) != 1:
            raise ValueError(
                f"frame {index} has {len(pose.transforms)} poses and {len(finger.positions)} openings; "
                "one of each is expected"
            )
        for point in (pose, finger):
            if abs(seconds_from_duration(point.time_from_start) - index * dt) > 1e-6:
                raise ValueError(
                    f"frame {index} is at {seconds_from_duration(point.time_from_start)} s, expected "
                    f"{index * dt:.6f}: frames must be equally spaced and start at 0"
                )
    covariance = np.zeros((count, 6, 6))
    diagonal = np.arange(3)
    covariance[:, diagonal, diagonal] = np.square(rows["sigma_position"], dtype=np.float64)[:, None]
    covariance[:, diagonal + 3, diagonal + 3] = np.square(rows["sigma_rotation"], dtype=np.float64)[:, None]
    return Chunk(
        stamp_ns,
        dt,
        np.stack([pose7_from_transform(p.transforms[0], checked=False) for p in poses.points]),
        np.array([p.positions[0] for p in gripper.points]),
        covariance,
        rows["valid"] != 0,
    )


def _confidence_rows(message: PointCloud2) -> np.ndarray:
    names = [field.name for field in message.fields]
    if names != _NAMES or message.point_step != CONFIDENCE.itemsize or message.is_bigendian:
        raise ValueError(f"chunk/confidence has the fields {names}, expected {_NAMES}")
    count = message.width * message.height
    if count > MAX_FRAMES or len(message.data) != count * CONFIDENCE.itemsize:
        raise ValueError(
            f"chunk/confidence is {message.width} x {message.height} points in {len(message.data)} bytes; "
            f"send at most {MAX_FRAMES} points of {CONFIDENCE.itemsize} bytes"
        )
    return np.frombuffer(message.data, CONFIDENCE, count=count)
