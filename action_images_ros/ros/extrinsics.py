"""Where the cameras are, live: TF through tf2_ros, `<cam>/pose` topics or calibration files.

The rule is `interfaces.camera_poses.CameraPoses`; here TF and the node's parameters are attached to it. TF needs the
package tf2_ros, which a ROS host has and the wheels lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped

from ..geometry.pose import matrix_from_pose7
from ..interfaces import calibration
from ..interfaces.arm_state import POSE_TOLERANCE_S
from ..interfaces.calibration import Calibration
from ..interfaces.camera_poses import SOURCES, CameraPoses
from ..interfaces.series import ALONE_SHARE
from .conversions import ns_from_stamp, pose7_from_transform
from .parameters import ParameterError

__all__ = ["HAS_TF", "SOURCES", "Extrinsics", "read_calibration"]

try:
    import tf2_ros
except ImportError:
    tf2_ros = None
HAS_TF = tf2_ros is not None
_MOST = 2000  # poses of a camera that are kept


def read_calibration(path: str | Path, base_frame: str) -> Calibration:
    """As `calibration.read_calibration`, for the node's parameter: ParameterError when the file is wrong."""
    try:
        return calibration.read_calibration(path, base_frame)
    except ValueError as error:
        raise ParameterError(str(error)) from None


class Extrinsics:
    """Answers where each camera is. Feed `add_pose` from the pose topics; TF listens by itself."""

    def __init__(
        self,
        cameras: Sequence[str],
        base_frame: str,
        *,
        source: str = "auto",
        calibration_file: str = "",
        node: Any = None,
        tolerance_s: float = POSE_TOLERANCE_S,
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
        self.calibration = read_calibration(calibration_file, base_frame) if calibration_file else Calibration()
        missing = [name for name in cameras if name not in self.calibration.mounts]
        if source == "file" and missing:
            raise ParameterError(
                f"calibration_file {calibration_file} lacks the cameras {missing}; "
                f"it has {sorted(self.calibration.mounts)}"
            )
        self._buffer = self._listener = None
        self._tolerance_s = tolerance_s
        if HAS_TF and source in ("auto", "tf") and node is not None:
            self._buffer = tf2_ros.Buffer()
            self._listener = tf2_ros.TransformListener(self._buffer, node)
        self._poses = CameraPoses(
            base_frame,
            source=source,
            calibration=self.calibration.mounts,
            tf=None if self._buffer is None else self._transform,
            tolerance_s=tolerance_s,
            most=_MOST,
        )

    @property
    def listens_to_topics(self) -> bool:
        """Whether `add_pose` wants to be fed."""
        return self._poses.listens_to_topics

    def add_pose(self, camera: str, message: PoseStamped) -> None:
        """Take a pose from `<cam>/pose`; a wrong one is remembered as the reason why the camera has none."""
        self._poses.add_pose(camera, message, ns_from_stamp(message.header.stamp))

    def on_arm(self, camera: str) -> bool:
        """Whether the arm carries this camera."""
        return self._poses.on_arm(camera)

    def world_from_camera(
        self, camera: str, optical_frame: str, stamp_ns: int = 0, tool_pose: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.float64]:
        """`[4, 4]` of the camera whose picture of that time carries `optical_frame`; see `CameraPoses`."""
        return self._poses.world_from_camera(camera, optical_frame, stamp_ns, tool_pose)

    def _transform(self, optical_frame: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """From TF at the picture's time; the newest where TF is not that far yet and the newest is near enough."""
        from rclpy.time import Time

        try:
            found = self._buffer.lookup_transform(self.base_frame, optical_frame, Time(nanoseconds=stamp_ns))
        except tf2_ros.ExtrapolationException as error:
            found = self._newest(optical_frame, stamp_ns, error)
        except (tf2_ros.TransformException, ValueError) as error:
            raise ValueError(f"TF: {error}") from None
        return np.asarray(matrix_from_pose7(pose7_from_transform(found.transform)), np.float64)

    def _newest(self, optical_frame: str, stamp_ns: int, reason: Exception) -> Any:
        from rclpy.time import Time

        try:
            found = self._buffer.lookup_transform(self.base_frame, optical_frame, Time())
        except (tf2_ros.TransformException, ValueError) as error:
            raise ValueError(f"TF: {error}") from None
        if abs(stamp_ns - ns_from_stamp(found.header.stamp)) > ALONE_SHARE * self._tolerance_s * 1e9:
            raise ValueError(f"TF: {reason}")
        return found
