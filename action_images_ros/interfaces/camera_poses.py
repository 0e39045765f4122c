"""Where a camera is at a stamp: from TF, from its pose topic, from a calibration; fixed or carried by the arm.

The one rule, for the live graph and for recordings. All sources give `world_from_camera` `[4, 4]` of the optical frame
(x right, y down, z forward) in the robot's base frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry.pose import interpolate, matrix_from_pose7
from .arm_state import POSE_TOLERANCE_S
from .calibration import Mount
from .fields import pose7_from_pose_stamped
from .series import StampedSeries

__all__ = ["AtAnotherTime", "SOURCES", "CameraPoses", "PoseTopic"]

SOURCES = ("auto", "tf", "topic", "file")
"""auto: TF where it knows the camera, else the topic, else the file."""
STILL = 1e-5
"""m and rad (as matrix entries): a camera's pose in messages is no more exact than that."""
_STREAM_S = 1.0  # poses that change and come more often than this are of a camera that moves
_STREAM_COUNT = 5

Lookup = Callable[[str, int], npt.NDArray[np.float64]]
"""(optical frame, stamp in ns) -> world_from_camera; ValueError saying why there is none."""


class PoseTopic:
    """Poses of one `<cam>/pose`: one that is said once, again and again, anew at times, or all the time."""

    def __init__(self, tolerance_s: float = POSE_TOLERANCE_S, most: int | None = None) -> None:
        self._tolerance = round(tolerance_s * 1e9)
        self._series: StampedSeries[npt.NDArray[np.float64]] = StampedSeries(most=most)
        self._varies = False
        self.fault = ""

    def add(self, stamp_ns: int, pose7: npt.NDArray[np.float64]) -> None:
        """Take a pose in."""
        newest = self._series.newest
        if newest is not None and np.abs(matrix_from_pose7(newest[1]) - matrix_from_pose7(pose7)).max() > STILL:
            self._varies = True
        self._series.add(stamp_ns, pose7)
        self.fault = ""

    @property
    def moving(self) -> bool:
        """Whether the camera moves: its poses differ and come in a stream."""
        entries = self._series.entries
        if not self._varies or len(entries) < _STREAM_COUNT:
            return False
        stamps = np.array([stamp for stamp, _ in entries[-50:]])
        return bool(np.median(np.diff(stamps)) < _STREAM_S * 1e9)

    def at(self, stamp_ns: int) -> npt.NDArray[np.float64] | None:
        """`[4, 4]` at that time; None where no pose came. ValueError where a moving camera has none near."""
        if not len(self._series):
            return None
        if not self.moving:  # true until said otherwise; the first one also before it came
            return matrix_from_pose7((self._series.until(stamp_ns) or self._series.entries[0])[1])
        near = self._series.around(stamp_ns, self._tolerance)
        if not near:
            distance = (self._series.distance_ns(stamp_ns) or 0) * 1e-9
            raise ValueError(
                f"its newest pose is {distance:.3f} s away from the picture (pose_tolerance is "
                f"{self._tolerance * 1e-9:g} s) and the camera moves; publish its pose at a higher rate"
            )
        if len(near) == 1:
            return matrix_from_pose7(near[0][1])
        return matrix_from_pose7(
            interpolate(near[0][1], near[1][1], (stamp_ns - near[0][0]) / (near[1][0] - near[0][0]))
        )


class AtAnotherTime(ValueError):
    """TF has the transform of the camera, but not at the stamp of the image; no other source replaces it."""


class CameraPoses:
    """Poses of the cameras. `add_pose` takes messages of the pose topics; `tf` looks up frames."""

    def __init__(
        self,
        base_frame: str,
        *,
        source: str = "auto",
        calibration: Mapping[str, Mount] | None = None,
        tf: Lookup | None = None,
        tolerance_s: float = POSE_TOLERANCE_S,
        most: int | None = None,
    ) -> None:
        if source not in SOURCES:
            raise ValueError(f"extrinsics is {source!r}; choose one of {', '.join(SOURCES)}")
        self.base_frame, self.source = base_frame, source
        self.calibration = dict(calibration or {})
        self._tf = tf if source in ("auto", "tf") else None
        self._tolerance_s, self._most = tolerance_s, most
        self._topics: dict[str, PoseTopic] = {}

    @property
    def listens_to_topics(self) -> bool:
        """Whether `add_pose` wants to be fed."""
        return self.source in ("auto", "topic")

    def add_pose(self, camera: str, message: Any, stamp_ns: int) -> None:
        """Take a pose from `<cam>/pose`; a wrong one is remembered as the reason why the camera has none."""
        topic = self._topics.setdefault(camera, PoseTopic(self._tolerance_s, self._most))
        try:
            topic.add(stamp_ns, pose7_from_pose_stamped(message, self.base_frame, f"{camera}/pose"))
        except ValueError as error:
            topic.fault = str(error)

    def on_arm(self, camera: str) -> bool:
        """Whether the camera is mounted on the arm, by its calibration."""
        mount = self.calibration.get(camera)
        return mount is not None and mount.on_tool

    def world_from_camera(
        self, camera: str, optical_frame: str, stamp_ns: int, tool_pose: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.float64]:
        """`[4, 4]` at that time. tool_pose: `[7]` of the ROBOT's tool then, for a camera that the arm carries.

        Raises ValueError saying what to provide.
        """
        tried = []
        if self._tf is not None:
            try:
                return self._tf(optical_frame, stamp_ns)
            except AtAnotherTime as error:
                raise AtAnotherTime(f"camera {camera!r}: {error}") from None
            except ValueError as error:
                tried.append(str(error))
        if self.listens_to_topics:
            topic = self._topics.get(camera)
            try:
                if topic is not None and topic.fault:
                    raise ValueError(topic.fault)
                pose = None if topic is None else topic.at(stamp_ns)
                if pose is not None:
                    return pose
                tried.append(f"nothing came on {camera}/pose")
            except ValueError as error:
                tried.append(f"{camera}/pose: {error}")
        if self.source in ("auto", "file") and camera in self.calibration:
            return self._mounted(camera, tool_pose)
        if self.calibration:
            tried.append(f"the calibration has {sorted(self.calibration)}")
        raise ValueError(
            f"the pose of camera {camera!r} is not known ({'; '.join(tried)}); give the transform "
            f"{self.base_frame} -> {optical_frame or 'its optical frame'} (/tf, /tf_static), {camera}/pose"
            ", or a calibration with this camera's name"
        )

    def others(
        self, camera: str, optical_frame: str, stamp_ns: int, tool_pose: npt.NDArray[np.float64] | None = None
    ) -> dict[str, npt.NDArray[np.float64]]:
        """What each source that knows the camera says then, by source (tf, topic, file); the first of them is taken."""
        found: dict[str, npt.NDArray[np.float64]] = {}
        topic = self._topics.get(camera)
        asked: tuple[tuple[str, Callable[[], npt.NDArray[np.float64] | None]], ...] = (
            ("tf", lambda: None if self._tf is None else self._tf(optical_frame, stamp_ns)),
            ("topic", lambda: None if topic is None or topic.fault else topic.at(stamp_ns)),
            ("file", lambda: self._mounted(camera, tool_pose) if camera in self.calibration else None),
        )
        for source, ask in asked:
            try:
                pose = ask() if self.source in ("auto", source) else None
            except ValueError:
                continue
            if pose is not None:
                found[source] = pose
        return found

    def _mounted(self, camera: str, tool_pose: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
        mount = self.calibration[camera]
        if not mount.on_tool:
            return mount.pose
        if tool_pose is None:
            raise ValueError(f"camera {camera!r} is carried by the arm, whose pose is not known at that time")
        return np.asarray(matrix_from_pose7(tool_pose) @ mount.pose, np.float64)
