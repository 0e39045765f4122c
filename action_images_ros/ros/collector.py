"""Messages of cameras, arm and user gathered into one Observation, or the reason why there is none.

Thread-safe: callbacks add, the policy's thread observes. Every refusal is a ValueError that names the topic or
parameter, its value and the remedy; no chunk is computed from it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, JointState

from ..geometry.pose import interpolate
from ..policy.observation import Observation, Synchroniser, observe
from .conversions import (
    intrinsics_from_camera_info,
    joint_sum,
    ns_from_stamp,
    openness_from_joints,
    pose7_from_pose_stamped,
)
from .extrinsics import Extrinsics
from .images import rgb_from_message

__all__ = ["CollectorSettings", "ObservationCollector"]


@dataclass(frozen=True)
class CollectorSettings:
    """What the collector has to know. Seconds, metres or radians as the gripper's joints have them."""

    cameras: tuple[str, ...]
    size: tuple[int, int]
    base_frame: str
    slop_s: float = 0.05
    max_image_age_s: float = 1.0
    max_pose_age_s: float = 0.2
    finger_joints: tuple[str, ...] = ()
    finger_closed: float = 0.0
    finger_open: float = 0.08
    gripper_settle_s: float = 1.0
    robot_tool_from_model_tool: np.ndarray = field(default_factory=lambda: np.eye(3))


class ObservationCollector:
    """Holds the newest of everything; `observe` makes an Observation of the newest synchronised images."""

    def __init__(self, settings: CollectorSettings, extrinsics: Extrinsics) -> None:
        if abs(settings.finger_open - settings.finger_closed) < 1e-9:
            raise ValueError(
                f"finger_open and finger_closed are both {settings.finger_open}; give the sum of the "
                "finger joints for the open and the closed gripper"
            )
        self.settings, self.extrinsics = settings, extrinsics
        self.fresh = threading.Event()
        self._lock = threading.RLock()
        self._synchroniser = Synchroniser(settings.cameras, settings.slop_s)
        self._set: tuple[int, dict[str, Any]] | None = None
        self._infos: dict[str, CameraInfo] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._poses: deque[tuple[int, PoseStamped]] = deque(maxlen=400)
        self._joints: JointState | None = None
        self._gripper: tuple[int, float] | None = None
        self._instruction = ""

    def add_image(self, camera: str, message: Any) -> None:
        """An Image or CompressedImage; sets `fresh` when it completes a set."""
        with self._lock:
            complete = self._synchroniser.add(camera, ns_from_stamp(message.header.stamp), message)
            if complete is not None:
                self._set = complete
                self.fresh.set()

    def add_camera_info(self, camera: str, message: CameraInfo) -> None:
        """Intrinsics; judged when they are used."""
        with self._lock:
            self._infos[camera] = message

    def add_pose(self, message: PoseStamped) -> None:
        """The measured pose of the robot's tool."""
        stamp_ns = ns_from_stamp(message.header.stamp)
        with self._lock:
            if self._poses and stamp_ns < self._poses[-1][0]:
                self._poses.clear()
            self._poses.append((stamp_ns, message))

    def add_joints(self, message: JointState) -> None:
        """Joint states; messages without the finger joints (another part of the robot) are passed over."""
        with self._lock:
            if self._joints is None or set(self.settings.finger_joints) <= set(message.name):
                self._joints = message

    def add_gripper_command(self, openness: float, now_ns: int) -> None:
        """The openness 0..1 last commanded to the gripper; what no driver would obey is passed over."""
        if 0.0 <= openness <= 1.0:
            with self._lock:
                self._gripper = (now_ns, openness)

    def set_instruction(self, text: str) -> None:
        """What to do; an empty one stops the policy."""
        with self._lock:
            self._instruction = text.strip()

    @property
    def instruction(self) -> str:
        """The present instruction."""
        return self._instruction

    def waiting_for(self, now_ns: int) -> str:
        """Why no synchronised set has come of late; empty when one has."""
        with self._lock:
            s = self.settings
            missing = self._synchroniser.missing()
            if missing:
                return (
                    f"no image from {', '.join(missing)} (parameter cameras is {list(s.cameras)}); "
                    "start the driver or correct the name"
                )
            stale = self._synchroniser.stale(now_ns, s.max_image_age_s)
            if stale:
                ages = ", ".join(f"{name} {age:.1f} s" for name, age in stale.items())
                return f"images are old: {ages} (max_image_age is {s.max_image_age_s:g} s); check driver and clocks"
            if self._set is None or (now_ns - self._set[0]) * 1e-9 > s.max_image_age_s:
                return (
                    f"the cameras are not synchronised: their newest images are {self._synchroniser.spread():.3f} "
                    f"s apart (slop is {s.slop_s:g} s); trigger them together or raise slop"
                )
        return ""

    def observe(self, now_ns: int) -> Observation:
        """The newest complete observation; ValueError when there is none or something in it is wrong."""
        with self._lock:
            self.fresh.clear()
            if not self._instruction:
                raise ValueError("instruction is empty; publish what to do on `instruction` (std_msgs/String)")
            reason = self.waiting_for(now_ns)
            if reason:
                raise ValueError(reason)
            stamp_ns, messages = self._set
            infos, poses, joints, gripper = dict(self._infos), list(self._poses), self._joints, self._gripper
            instruction = self._instruction
        images, intrinsics, extrinsics = {}, {}, {}
        for camera, message in messages.items():
            images[camera] = self._image(camera, message)
            intrinsics[camera] = self._intrinsics(camera, infos.get(camera), images[camera].shape[:2])
            extrinsics[camera] = self.extrinsics.world_from_camera(camera, message.header.frame_id)
        return observe(
            stamp_ns,
            images,
            intrinsics,
            extrinsics,
            self._pose_at(stamp_ns, poses),
            self._openness(joints, gripper, now_ns),
            instruction,
            size=self.settings.size,
            robot_tool_from_model_tool=self.settings.robot_tool_from_model_tool,
        )

    def _image(self, camera: str, message: Any) -> np.ndarray:
        try:
            image = rgb_from_message(message)
        except ValueError as error:
            raise ValueError(f"{camera}/image_raw: {error}") from None
        size = image.shape[:2]
        before = self._sizes.setdefault(camera, size)
        if size != before:
            raise ValueError(
                f"{camera}/image_raw changed its size from {before[1]}x{before[0]} to {size[1]}x{size[0]}"
                "; set the driver back, or deactivate, clean up and configure this node again"
            )
        return image

    def _intrinsics(self, camera: str, info: CameraInfo | None, size: tuple[int, int]) -> np.ndarray:
        if info is None:
            raise ValueError(f"nothing came on {camera}/camera_info; calibrate the camera and publish it")
        try:
            K, calibrated = intrinsics_from_camera_info(info)
        except ValueError as error:
            raise ValueError(f"{camera}/camera_info: {error}") from None
        if calibrated != size:
            raise ValueError(
                f"{camera}/camera_info is for {calibrated[1]}x{calibrated[0]}, the image is "
                f"{size[1]}x{size[0]}; publish the calibration of this resolution"
            )
        return K

    def _pose_at(self, stamp_ns: int, poses: Sequence[tuple[int, PoseStamped]]) -> np.ndarray:
        """The tool pose `[7]` when the images were taken, interpolated between the two nearest messages."""
        if not poses:
            raise ValueError("nothing came on current_pose; the driver must publish the TCP's pose in the base frame")
        before = max((entry for entry in poses if entry[0] <= stamp_ns), key=lambda e: e[0], default=None)
        after = min((entry for entry in poses if entry[0] >= stamp_ns), key=lambda e: e[0], default=None)
        near = [
            entry
            for entry in (before, after)
            if entry is not None and abs(entry[0] - stamp_ns) * 1e-9 <= self.settings.max_pose_age_s
        ]
        if not near:
            gap = min(abs(entry[0] - stamp_ns) for entry in poses) * 1e-9
            raise ValueError(
                f"current_pose is {gap:.2f} s away from the images (max_pose_age is "
                f"{self.settings.max_pose_age_s:g} s); check the driver's rate and clocks"
            )
        values = [pose7_from_pose_stamped(message, self.settings.base_frame, "current_pose") for _, message in near]
        if len(near) == 1 or near[0][0] == near[1][0]:
            return values[0]
        return interpolate(*values, (stamp_ns - near[0][0]) / (near[1][0] - near[0][0]))

    def _openness(self, joints: JointState | None, gripper: tuple[int, float] | None, now_ns: int) -> float:
        """Openness 0..1: what was last commanded, as in the training data, since a thing between the fingers holds them
        half open; what the finger joints say where no command was heard, or where after `gripper_settle_s` they are at
        the other end of the range (the gripper was moved by somebody else). Joints up to 10 % beyond their range are
        taken to be at its end.
        """
        s = self.settings
        if joints is None:
            raise ValueError(
                "nothing came on joint_states; the gripper's opening is needed "
                f"(finger_joints is {list(s.finger_joints)})"
            )
        measured = openness_from_joints(joint_sum(joints, s.finger_joints), s.finger_closed, s.finger_open)
        if gripper is None:
            return measured
        commanded_ns, commanded = gripper
        settled = abs(now_ns - commanded_ns) * 1e-9 > s.gripper_settle_s
        return measured if settled and abs(measured - commanded) > 0.9 else commanded
