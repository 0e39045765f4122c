"""Messages of cameras, arm and user gathered into one Observation, or the reason why there is none.

Thread-safe: callbacks add, the policy's thread observes. Every refusal is a ValueError that names the topic or
parameter, its value and the remedy; no chunk is computed from it. Pose and openness at the pictures' stamp, camera
poses and undistortion follow the rules that recordings are read by (`interfaces.arm_state`, `camera_poses`,
`camera_model`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, JointState

from ..geometry.camera import normalise_signs, project
from ..interfaces.arm_state import ArmRules, ArmState
from ..interfaces.views import camera_offsets
from ..policy.observation import Observation, Synchroniser, observe
from ..policy.picture_health import ToolSight
from .camera_images import CameraImages
from .camera_places import CameraPlaces, Place
from .collector_settings import CollectorSettings
from .conversions import ns_from_stamp
from .extrinsics import Extrinsics

__all__ = ["CollectorSettings", "ObservationCollector"]

_SIGHT_S = 0.15  # a pose so old still says about where the gripper is in a picture


class ObservationCollector:
    """Holds the newest of everything; `observe` makes an Observation of the newest synchronised images."""

    def __init__(self, settings: CollectorSettings, extrinsics: Extrinsics) -> None:
        self.settings, self.extrinsics = settings, extrinsics
        self.fresh = threading.Event()
        self._lock = threading.RLock()
        self._synchroniser = Synchroniser(settings.cameras, settings.slop_s)
        self._set: tuple[int, dict[str, Any]] | None = None
        self._infos: dict[str, Any] = dict(extrinsics.calibration.infos)
        self._images = CameraImages(settings.rectified)
        self._arm = ArmState(
            ArmRules(
                settings.base_frame,
                settings.finger_joints,
                settings.finger_closed,
                settings.finger_open,
                settings.max_pose_age_s,
                settings.gripper_settle_s,
            )
        )
        self._pose_fault = ""
        self._last_pose_ns = 0
        self._joints_heard_ns: int | None = None
        self._instruction = ""
        self._places = CameraPlaces()
        self._ready: tuple[int, dict[str, Any]] | None = None  # the newest set whose pose and joints came too
        self._past_scene: tuple[int, dict[str, Any]] | None = None
        self.doubt: Callable[[], str] = str
        """Says why the pictures are not to be believed; set by whoever judges them."""

    def add_image(self, camera: str, message: Any) -> None:
        """An Image or CompressedImage; sets `fresh` when it completes a set whose arm pose is known."""
        with self._lock:
            complete = self._synchroniser.add(camera, ns_from_stamp(message.header.stamp), message)
            if complete is not None:
                self._set = complete
                self._announce()

    def _announce(self) -> None:
        """A set counts when the arm's pose and fingers of its time have come too; until then the one before it does."""
        if self._set is None or self._set is self._past_scene:
            return
        if self._arm.has_pose(self._set[0]) or self._pose_fault:
            if not self._arm.joints_awaited(self._set[0], self.settings.max_joint_age_s):
                self._ready = self._set
                self.fresh.set()

    def _newest(self) -> tuple[int, dict[str, Any]] | None:
        """The newest set that counts; the newest of all where that is too old."""
        if self._set is None or self._ready is None:
            return self._set
        recent = 0 <= self._set[0] - self._ready[0] <= self.settings.max_image_age_s * 1e9
        return self._ready if recent else self._set

    def add_camera_info(self, camera: str, message: CameraInfo) -> None:
        """Intrinsics; judged when they are used."""
        with self._lock:
            self._infos[camera] = message

    def add_pose(self, message: PoseStamped) -> None:
        """The measured pose of the robot's tool."""
        stamp_ns = ns_from_stamp(message.header.stamp)
        with self._lock:
            if stamp_ns < self._last_pose_ns:
                self._arm.clear()
            waiting = self._set is not None and not self._arm.has_pose(self._set[0])
            before = self._arm.newest_pose()
            try:
                self._arm.add_pose(message, stamp_ns)
                self._places.note_pose(before, self._arm.newest_pose())
                self._pose_fault = self._arm.pose_fault
            except ValueError as error:
                self._pose_fault = str(error)
            self._last_pose_ns = stamp_ns
            if waiting:
                self._announce()

    def add_joints(self, message: JointState, now_ns: int | None = None) -> None:
        """Joint states; messages without the finger joints (another part of the robot) are ignored.

        now_ns: time of arrival; used where the driver leaves the header's stamp empty (default: the newest pose's).
        """
        with self._lock:
            stamp_ns = ns_from_stamp(message.header.stamp) or now_ns or self._last_pose_ns
            self._arm.add_joints(message, stamp_ns)
            self._joints_heard_ns = stamp_ns
            if self._ready is not self._set:
                self._announce()

    def add_gripper_command(self, openness: float, now_ns: int) -> None:
        """The openness 0..1 last commanded to the gripper; values out of range are ignored."""
        with self._lock:
            self._arm.add_command(openness, now_ns)

    def adjust(self, *, slop_s: float, max_image_age_s: float) -> None:
        """Other tolerances of an observation's pictures from now on, s."""
        with self._lock:
            self.settings = replace(self.settings, slop_s=slop_s, max_image_age_s=max_image_age_s)
            self._synchroniser.slop_ns = round(slop_s * 1e9)

    def set_instruction(self, text: str) -> None:
        """What to do; an empty one stops the policy."""
        with self._lock:
            self._instruction = text.strip()

    @property
    def instruction(self) -> str:
        """The present instruction."""
        return self._instruction

    def waiting_for(self, now_ns: int) -> str:
        """Why there is no recent synchronised set of images; empty when there is one."""
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
            if self._pose_fault:
                return self._pose_fault
            delay = self._arm.pose_delay_s(self._set[0])
            if delay is None or delay > s.max_image_age_s:
                return (
                    "nothing came on current_pose; the driver must publish the TCP's pose in the base frame"
                    if delay is None
                    else (
                        f"current_pose is {delay:.2f} s older than the images (max_pose_age is "
                        f"{s.max_pose_age_s:g} s); check the driver's rate and clocks"
                    )
                )
        return ""

    def observe(self, now_ns: int) -> Observation:
        """The newest complete observation; ValueError when there is none or something in it is wrong."""
        self.fresh.clear()
        observation = self.look(now_ns)
        doubt = self.doubt()
        if doubt:
            raise ValueError(doubt)
        return observation

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest synchronised images."""
        newest = self._newest()
        return None if newest is None else newest[0]

    def look(self, now_ns: int) -> Observation:
        """As `observe`, also for doubtful images, and without clearing `fresh`."""
        with self._lock:
            if not self._instruction:
                raise ValueError("instruction is empty; publish what to do on `instruction` (std_msgs/String)")
            reason = self.waiting_for(now_ns)
            if reason:
                raise ValueError(reason)
            if self._pose_fault:
                raise ValueError(self._pose_fault)
            newest = self._newest()
            assert newest is not None  # `waiting_for` names what is missing
            stamp_ns, messages = newest
            infos, instruction = dict(self._infos), self._instruction
            robot_pose = self._arm.tool_pose(stamp_ns)
            openness = self._openness(stamp_ns)
            on_arm = {
                camera: self._arm.tool_pose(ns_from_stamp(message.header.stamp))
                for camera, message in messages.items()
                if self.extrinsics.on_arm(camera)
            }
        frames = {camera: message.header.frame_id for camera, message in messages.items()}
        models = {camera: self._images.model(camera, infos.get(camera)) for camera in messages}
        offsets = camera_offsets(models, frames)
        images, intrinsics, poses = {}, {}, {}
        for camera, message in messages.items():
            images[camera] = self._images.image(camera, message, models[camera])
            intrinsics[camera] = models[camera].K
            E = self.extrinsics.world_from_camera(
                camera, frames[camera], ns_from_stamp(message.header.stamp), on_arm.get(camera)
            )
            poses[camera] = E @ offsets[camera]
        return observe(
            stamp_ns,
            images,
            intrinsics,
            poses,
            robot_pose,
            openness,
            instruction,
            size=self.settings.size,
            robot_tool_from_model_tool=self.settings.robot_tool_from_model_tool,
        )

    def tool_sight(self, camera: str, stamp_ns: int) -> ToolSight | None:
        """Where the tool was, and in which pixel of this camera's picture; None where the arm's pose is not known."""
        with self._lock:
            if self._places.in_leap(stamp_ns):
                return None
            try:
                pose = self._arm.tool_pose(stamp_ns)
            except ValueError:
                newest = self._arm.newest_pose()
                if newest is None or abs(newest[0] - stamp_ns) > _SIGHT_S * 1e9:
                    return None
                pose = newest[1]
            seen_from, place = self._places.known.get(camera), self._places.generation(camera)
        uv = None
        if seen_from is not None and not self.extrinsics.on_arm(camera):
            at, depth = project(pose[:3], *seen_from)
            uv = at if depth > 0.05 else None
        return ToolSight(pose[:3], uv, place)

    def new_scene(self) -> None:
        """A new scene: earlier images and poses are not comparable with later ones."""
        with self._lock:
            self._past_scene, self._ready = self._set, None
            self._places.new_scene()

    def places(self) -> dict[str, Place]:
        """K `[3, 3]` and world_from_camera `[4, 4]` of the cameras at the newest pictures, those that are known."""
        with self._lock:
            if self._set is None or self._set is self._past_scene:
                return {}
            (_, messages), infos, breaks = self._set, dict(self._infos), self._places.breaks
        found: dict[str, Place] = {}
        models = {}
        for camera in messages:
            try:
                models[camera] = self._images.model(camera, infos.get(camera))
            except ValueError:
                continue  # said by `observe`
        offsets = camera_offsets(models, {camera: messages[camera].header.frame_id for camera in models})
        for camera, model in models.items():
            header = messages[camera].header
            stamp_ns = ns_from_stamp(header.stamp)
            try:
                tool = self._arm.tool_pose(stamp_ns) if self.extrinsics.on_arm(camera) else None
                E = self.extrinsics.world_from_camera(camera, header.frame_id, stamp_ns, tool)
                found[camera] = normalise_signs(model.K, E @ offsets[camera])
            except ValueError:
                continue  # said by `observe`
        with self._lock:
            self._places.update(found, breaks)
        return found

    def fingers_ns(self) -> int | None:
        """Stamp of the newest joint state that has the finger joints."""
        return self._arm.newest_joints_ns()

    def newest_pose(self) -> npt.NDArray[np.float64] | None:
        """`[7]`, the robot's tool as it was last measured."""
        newest = self._arm.newest_pose()
        return None if newest is None else newest[1]

    def _openness(self, stamp_ns: int) -> float:
        """By the arm's rule; but a gripper that has stopped to report itself is refused, whatever was commanded."""
        joints, s = self.settings.finger_joints, self.settings
        if joints and self._joints_heard_ns is None:
            raise ValueError(
                f"nothing came on joint_states; the gripper's opening is needed (finger_joints is {list(joints)})"
            )
        newest = self._arm.newest_joints_ns()
        if joints and (newest is None or (stamp_ns - newest) * 1e-9 > s.max_joint_age_s):
            raise ValueError(self._arm.no_openness(stamp_ns))
        return self._arm.openness(stamp_ns)
