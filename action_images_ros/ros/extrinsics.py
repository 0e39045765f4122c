"""Where the cameras are: from TF, from `<cam>/pose` topics or from a calibration file, decided here and only here.

TF needs the package tf2_ros, which a ROS host has and the wheels lack. All sources give `world_from_camera` `[4, 4]`
of the optical frame (x right, y down, z forward) in the robot's base frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from geometry_msgs.msg import PoseStamped

from ..geometry.pose import matrix_from_pose7
from ..interfaces import calibration
from .conversions import pose7_from_pose_stamped, pose7_from_transform
from .parameters import ParameterError

__all__ = ["HAS_TF", "SOURCES", "Extrinsics", "read_calibration"]

try:
    import tf2_ros
except ImportError:
    tf2_ros = None
HAS_TF = tf2_ros is not None

SOURCES = ("auto", "tf", "topic", "file")
"""auto: TF where it knows the camera, else the topic, else the file."""


def read_calibration(path: str | Path, base_frame: str) -> dict[str, np.ndarray]:
    """As `calibration.read_calibration`, for the node's parameter: ParameterError when the file is wrong."""
    try:
        return calibration.read_calibration(path, base_frame)
    except ValueError as error:
        raise ParameterError(str(error)) from None


class Extrinsics:
    """Answers where each camera is. Feed `add_pose` from the pose topics; TF listens by itself."""

    def __init__(
        self, cameras: Sequence[str], base_frame: str, *, source: str = "auto", calibration_file: str = "", node=None
    ) -> None:
        if source not in SOURCES:
            raise ParameterError(f"extrinsics is {source!r}; choose one of {', '.join(SOURCES)}")
        if source == "tf" and not HAS_TF:
            raise ParameterError(
                "extrinsics is 'tf' and tf2_ros cannot be imported; install ros-jazzy-tf2-ros-py or "
                "set extrinsics to topic or file"
            )
        if source == "file" and not calibration_file:
            raise ParameterError("extrinsics is 'file' and calibration_file is empty; name the file")
        self.base_frame, self.source = base_frame, source
        self._file = read_calibration(calibration_file, base_frame) if calibration_file else {}
        missing = [name for name in cameras if name not in self._file]
        if source == "file" and missing:
            raise ParameterError(
                f"calibration_file {calibration_file} lacks the cameras {missing}; it has {sorted(self._file)}"
            )
        self._topic: dict[str, np.ndarray | str] = {}
        self._buffer = self._listener = None
        if HAS_TF and source in ("auto", "tf") and node is not None:
            self._buffer = tf2_ros.Buffer()
            self._listener = tf2_ros.TransformListener(self._buffer, node)

    @property
    def listens_to_topics(self) -> bool:
        """Whether `add_pose` wants to be fed."""
        return self.source in ("auto", "topic")

    def add_pose(self, camera: str, message: PoseStamped) -> None:
        """Take a pose from `<cam>/pose`; a wrong one is remembered as the reason why the camera has none."""
        try:
            pose = pose7_from_pose_stamped(message, self.base_frame, f"{camera}/pose")
            self._topic[camera] = matrix_from_pose7(pose)
        except ValueError as error:
            self._topic[camera] = str(error)

    def world_from_camera(self, camera: str, optical_frame: str) -> np.ndarray:
        """`[4, 4]` of the camera whose images carry `optical_frame`; ValueError saying what to provide."""
        tried = []
        if self._buffer is not None:
            try:
                from rclpy.time import Time

                found = self._buffer.lookup_transform(self.base_frame, optical_frame, Time())
                return matrix_from_pose7(pose7_from_transform(found.transform))
            except (tf2_ros.TransformException, ValueError) as error:
                tried.append(f"TF: {error}")
        if self.listens_to_topics:
            known = self._topic.get(camera)
            if isinstance(known, np.ndarray):
                return known
            tried.append(known or f"nothing came on {camera}/pose")
        if camera in self._file:
            return self._file[camera]
        raise ValueError(
            f"the pose of camera {camera!r} is not known ({'; '.join(tried)}); publish the transform "
            f"{self.base_frame} -> {optical_frame or 'its optical frame'}, {camera}/pose, or set "
            "calibration_file"
        )
