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

from ..interfaces import calibration
from ..interfaces.arm_state import POSE_TOLERANCE_S
from ..interfaces.calibration import Calibration
from ..interfaces.camera_poses import SOURCES, AtAnotherTime, CameraPoses
from ..interfaces.series import ALONE_SHARE
from .conversions import ns_from_stamp
from .parameters import ParameterError
from .rotations import matrix_from_transform
from .transforms import HAS_TF, INSTALL_TF, NoTransform, TransformSource

__all__ = ["HAS_TF", "SOURCES", "Extrinsics", "read_calibration"]

_TF_WAIT_S = 0.1  # a moving camera's transform comes a little after its image
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
            raise ParameterError(f"extrinsics is 'tf' and {INSTALL_TF} or set extrinsics to topic or file")
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
        self._tolerance_s = tolerance_s
        self._tf = TransformSource(node) if HAS_TF and source in ("auto", "tf") and node is not None else None
        wanted = source in ("auto", "tf") and not HAS_TF
        self._poses = CameraPoses(
            base_frame,
            source=source,
            calibration=self.calibration.mounts,
            tf=self._transform if self._tf is not None else self._absent if wanted else None,
            tolerance_s=tolerance_s,
            most=_MOST,
        )

    def close(self) -> None:
        """Give the subscriptions to TF back."""
        if self._tf is not None:
            self._tf.close()
        self._tf = None

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

    def _absent(self, optical_frame: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        raise ValueError(f"TF: {INSTALL_TF}")

    def _transform(self, optical_frame: str, stamp_ns: int) -> npt.NDArray[np.float64]:
        """From TF at the picture's time; the newest where TF is not that far yet and the newest is near enough.

        A transform that TF has only at other times is refused: a camera that moves is not where it was.
        """
        assert self._tf is not None
        if not optical_frame:
            raise ValueError("TF: the images carry no frame_id")
        try:
            pose, _ = self._tf.lookup(self.base_frame, optical_frame, stamp_ns or None, wait_s=_TF_WAIT_S)
        except NoTransform as error:
            if not error.known:
                raise ValueError(f"TF: {error}") from None
            pose, newest_ns = self._tf.lookup(self.base_frame, optical_frame)
            if abs(stamp_ns - newest_ns) > ALONE_SHARE * self._tolerance_s * 1e9:
                raise AtAnotherTime(f"{error}; publish transforms and images by the same clock") from None
        return matrix_from_transform(pose)
