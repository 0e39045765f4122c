"""Labels as messages of a recording, on topics for rviz, Foxglove and the graph's nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data.rosbag2.bag import Bag, BagError
from ..data.rosbag2.recording import Messages
from ..data.rosbag2.topics import RecordedTopics
from ..data.rosbag2.writer import BagWriter
from ..geometry.pose import pose7_from_matrix
from ..interfaces.chunk import CONFIDENCE_FIELDS, GRIPPER_JOINT, TOOL_JOINT, confidence_rows, stack_frames
from ..interfaces.fields import optical_frame
from .labeller import WindowLabels
from .merge import FrameLabel
from .planner import Unlabelled

__all__ = ["LabelTopics", "Written", "labels_prefix"]

_CAMERA = {
    "action_images": "sensor_msgs/msg/Image",
    "camera_info": "sensor_msgs/msg/CameraInfo",
    "pose": "geometry_msgs/msg/PoseStamped",
}
_WHOLE = {
    "chunk/poses": ("trajectory_msgs/msg/MultiDOFJointTrajectory", "latched"),
    "chunk/gripper": ("trajectory_msgs/msg/JointTrajectory", "latched"),
    "chunk/confidence": ("sensor_msgs/msg/PointCloud2", "latched"),
    "pose": ("geometry_msgs/msg/PoseWithCovarianceStamped", "events"),
    "gripper": ("sensor_msgs/msg/JointState", "events"),
    "gap": ("std_msgs/msg/String", "events"),
    "path": ("nav_msgs/msg/Path", "latched"),
}

Written = tuple[int, str, object]
"""When (log time, ns), on which topic, which message."""


def labels_prefix(topics: RecordedTopics, name: str) -> str:
    """`/cell/label/` for cameras in /cell: beside the cameras' folders, at the root where these lie apart."""
    homes = {camera.image.removesuffix("/compressed").rsplit("/", 2)[0] for camera in topics.cameras}
    home = homes.pop() if len(homes) == 1 else ""
    return f"{home.rstrip('/')}/{name.strip('/')}/"


class LabelTopics:
    """Announces the topics in `writer`, makes the messages. prefix: such as `/cell/label/`; see docs/labelling.md."""

    def __init__(self, writer: BagWriter, prefix: str, base_frame: str, cameras: Sequence[str]) -> None:
        self._messages, self._types = Messages(writer), writer.typestore.types
        self._prefix, self._base = prefix, base_frame
        for camera in cameras:
            for part, kind in _CAMERA.items():
                writer.add_topic(f"{prefix}chunk/{camera}/{part}", kind, "latched")
        for name, (kind, qos) in _WHOLE.items():
            writer.add_topic(prefix + name, kind, qos)

    @staticmethod
    def check(bag: Bag, prefix: str) -> None:
        """BagError where the recording has topics of that prefix already."""
        there = [name for name in bag.topics if name.startswith(prefix)]
        if there:
            raise BagError(
                f"{bag.path} has labels already ({', '.join(sorted(there)[:3])}, ..); give --prefix another "
                "name, such as label2"
            )

    def window(self, labels: WindowLabels) -> Iterator[Written]:
        """A window's action images and chunk, at the time of its first frame."""
        chunk, prediction, make, log = labels.chunk, labels.prediction, self._messages, int(labels.logs_ns[0])
        stamp, size = chunk.stamp_ns, prediction.drawn.shape[2:4]
        for view, camera in enumerate(prediction.camera_names):
            frame = optical_frame(camera)
            E = prediction.world_from_camera[view]
            pose = pose7_from_matrix(E[0] if E.ndim == 3 else E)
            tall = stack_frames(prediction.drawn[view])
            for part, message in (
                ("action_images", make.image(tall, "raw", stamp, frame)),
                ("camera_info", make.camera_info(prediction.K[view], size, stamp, frame)),
                ("pose", make.pose(pose, stamp, self._base)),
            ):
                yield log, f"{self._prefix}chunk/{camera}/{part}", message
        header = make.header(stamp, self._base)
        yield log, f"{self._prefix}chunk/poses", self._poses(header, chunk)
        yield log, f"{self._prefix}chunk/gripper", self._gripper(header, chunk)
        yield log, f"{self._prefix}chunk/confidence", self._confidence(header, chunk)

    def frame(self, label: FrameLabel) -> Iterator[Written]:
        """A frame's merged pose and openness, or the reason why it has none."""
        if label.pose is None:
            yield from self.gap(Unlabelled(label.stamp_ns, label.log_ns, label.reason))
            return
        make, header = self._messages, self._messages.header(label.stamp_ns, self._base)
        pose = make.pose(label.pose, label.stamp_ns, self._base).pose
        yield (
            label.log_ns,
            f"{self._prefix}pose",
            make.make(
                "geometry_msgs/PoseWithCovarianceStamped",
                header=header,
                pose=make.make("geometry_msgs/PoseWithCovariance", pose=pose, covariance=label.covariance.reshape(-1)),
            ),
        )
        yield (
            label.log_ns,
            f"{self._prefix}gripper",
            make.make(
                "sensor_msgs/JointState",
                header=header,
                name=[GRIPPER_JOINT],
                position=np.array([label.openness]),
                velocity=np.array([]),
                effort=np.array([]),
            ),
        )

    def gap(self, frame: Unlabelled) -> Iterator[Written]:
        """A frame without a label: JSON with stamp_ns and reason."""
        text = json.dumps({"stamp_ns": frame.stamp_ns, "reason": frame.reason})
        yield frame.log_ns, f"{self._prefix}gap", self._messages.make("std_msgs/String", data=text)

    def path(self, labels: Sequence[FrameLabel], log_ns: int) -> Iterator[Written]:
        """All labelled poses as one path, there from the beginning."""
        make = self._messages
        poses = [make.pose(label.pose, label.stamp_ns, self._base) for label in labels if label.pose is not None]
        if poses:
            header = make.header(labels[0].stamp_ns, self._base)
            yield log_ns, f"{self._prefix}path", make.make("nav_msgs/Path", header=header, poses=poses)

    def _duration(self, seconds: float):
        ns = round(seconds * 1e9)
        return self._messages.make("builtin_interfaces/Duration", sec=ns // 1_000_000_000, nanosec=ns % 1_000_000_000)

    def _poses(self, header, chunk):
        make, points = self._messages.make, []
        for index, (x, y, z, qx, qy, qz, qw) in enumerate(chunk.poses.tolist()):
            transform = make(
                "geometry_msgs/Transform",
                translation=make("geometry_msgs/Vector3", x=x, y=y, z=z),
                rotation=make("geometry_msgs/Quaternion", x=qx, y=qy, z=qz, w=qw),
            )
            points.append(
                make(
                    "trajectory_msgs/MultiDOFJointTrajectoryPoint",
                    transforms=[transform],
                    velocities=[],
                    accelerations=[],
                    time_from_start=self._duration(index * chunk.dt),
                )
            )
        return make("trajectory_msgs/MultiDOFJointTrajectory", header=header, joint_names=[TOOL_JOINT], points=points)

    def _gripper(self, header, chunk):
        none = np.array([])
        points = [
            self._messages.make(
                "trajectory_msgs/JointTrajectoryPoint",
                positions=np.array([openness]),
                velocities=none,
                accelerations=none,
                effort=none,
                time_from_start=self._duration(index * chunk.dt),
            )
            for index, openness in enumerate(chunk.openness.tolist())
        ]
        return self._messages.make(
            "trajectory_msgs/JointTrajectory", header=header, joint_names=[GRIPPER_JOINT], points=points
        )

    def _confidence(self, header, chunk):
        rows = confidence_rows(chunk)
        field: Any = self._types["sensor_msgs/msg/PointField"]
        fields = [
            field(
                name=name, offset=offset, count=1, datatype=field.UINT32 if kind == np.dtype("<u4") else field.FLOAT32
            )
            for name, kind, offset in CONFIDENCE_FIELDS
        ]
        return self._messages.make(
            "sensor_msgs/PointCloud2",
            header=header,
            height=1,
            width=len(rows),
            fields=fields,
            is_bigendian=False,
            point_step=rows.itemsize,
            row_step=rows.nbytes,
            data=np.frombuffer(rows.tobytes(), np.uint8),
            is_dense=bool(chunk.valid.all()),
        )
