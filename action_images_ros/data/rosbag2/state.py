"""What the small messages of a recording say at a given time, by the same rules as in the live graph."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ...geometry.pose import matrix_from_pose7, rotation_angle, to_model_tool
from ...interfaces.arm_state import ArmState
from ...interfaces.calibration import Calibration, read_calibration
from ...interfaces.camera_model import CameraModel, CameraModels
from ...interfaces.camera_poses import CameraPoses
from ...interfaces.fields import ns_from_stamp, pose7_from_transform
from ...interfaces.series import StampedSeries
from ...interfaces.transforms import TransformHistory
from .bag import Bag, BagError, BagMessage
from .gripper_record import GripperRecord, arm_rules
from .topics import BagSetup, CameraTopics, RecordedTopics

__all__ = ["RecordedState", "read_setup_calibration"]

Problems = list[tuple[str, str]]
Handler = Callable[[BagMessage, int, int], None]
"""(message, its header stamp, the newest stamp of all topics)"""
_APART_M, _APART_RAD = 5e-3, 0.01  # poses of a camera from two sources that contradict each other
_SAME_M, _SAME_RAD = 1e-3, 2e-3  # a static transform sent twice that differs by less is the same


def read_setup_calibration(bag: Bag, setup: BagSetup) -> Calibration:
    """The setup's calibration files; BagError naming the recording where they cannot be used."""
    if not setup.calibration_file:
        return Calibration()
    try:
        return read_calibration(setup.calibration_file, setup.base_frame)
    except ValueError as error:
        raise BagError(f"{bag.path}: {error}") from None


class RecordedState:
    """Feed the messages through `handlers` in the order of recording, ask about any time, `forget` what is past.

    handlers: topic to (function; whether the topic's messages are timed by their own header). What is fixed (static
    transforms, pose topics of cameras, the first camera_info) is read beforehand: it holds for the whole recording,
    whenever it was sent. notes: what the user should know about that. skipped: topic to messages that say nothing.
    """

    def __init__(self, bag: Bag, setup: BagSetup, topics: RecordedTopics, keep_ns: int) -> None:
        self._bag, self._setup, self._topics = bag, setup, topics
        self.notes: list[str] = []
        self.skipped: Counter[str] = Counter()
        self._tolerance = round(setup.pose_tolerance * 1e9)
        self._models = CameraModels()
        calibration = read_setup_calibration(bag, setup)
        self._infos: dict[str, Any] = {name: info for name, info in calibration.infos.items()}
        self._info_bytes: dict[str, bytes] = {}
        self._broken_infos: dict[str, str] = {}
        self._tf = TransformHistory(keep_ns)
        self._tf_fault = ""
        self._compared: set[str] = set()
        self._cameras = CameraPoses(
            setup.base_frame,
            source=setup.extrinsics,
            calibration=calibration.mounts,
            tf=self._look_up if topics.tf else None,
            tolerance_s=setup.pose_tolerance,
        )
        self.arm = ArmState(arm_rules(setup, topics, keep_ns * 1e-9))
        self.gripper = GripperRecord(self.arm, topics.gripper_command, setup.gripper)
        self._said: dict[str, StampedSeries[Any]] = {"instruction": StampedSeries(), "status": StampedSeries()}
        if not bag.live:
            self._read_fixed()
        self.handlers = dict(self._make_handlers())

    def _make_handlers(self) -> Iterator[tuple[str, tuple[Handler, bool]]]:
        yield from self._camera_handlers()
        yield from self._arm_handlers()
        for what, said in self._said.items():
            topic = getattr(self._topics, what)
            if topic:
                yield topic, (partial(self._add_said, said), False)

    def _camera_handlers(self) -> Iterator[tuple[str, tuple[Handler, bool]]]:
        found, setup = self._topics, self._setup
        for camera in found.cameras:
            if camera.info:
                yield camera.info, (partial(self._hear_info, camera), False)
            # A recording's poses and static transforms are read before its pictures.
            if camera.pose and self._bag.live and setup.extrinsics in ("auto", "topic"):
                yield camera.pose, (partial(self._hear_camera_pose, camera), False)
        if setup.extrinsics in ("auto", "tf"):
            for name in found.tf:
                fixed = name.endswith("_static")
                if self._bag.live or not fixed:
                    yield name, (partial(self._hear_tf, fixed), False)

    def _arm_handlers(self) -> Iterator[tuple[str, tuple[Handler, bool]]]:
        found = self._topics
        if found.current_pose:
            yield found.current_pose, (lambda m, s, now: self._add_pose(m, s), True)
        if self._setup.finger_joints:
            for name in found.joint_states:
                yield name, (lambda m, s, now: self.arm.add_joints(self._bag.read(m), s), True)
        if found.gripper_command:  # no header: true from the newest stamp that had been seen by then
            yield (
                found.gripper_command,
                (lambda m, s, now: self.gripper.add_command(float(self._bag.read(m).data), now), False),
            )

    def _hear_info(self, camera: CameraTopics, message: BagMessage, stamp: int, now: int) -> None:
        self._add_info(camera, message)

    def _hear_camera_pose(self, camera: CameraTopics, message: BagMessage, stamp: int, now: int) -> None:
        self._add_camera_pose(camera, message)

    def _hear_tf(self, fixed: bool, message: BagMessage, stamp: int, now: int) -> None:
        self._add_tf(message, fixed)

    def _add_said(self, series: StampedSeries[Any], message: BagMessage, stamp: int, now: int) -> None:
        series.add(now, self._bag.read(message).data)

    # What holds for the whole recording.

    def _read_fixed(self) -> None:
        found, source = self._topics, self._setup.extrinsics
        static = {name for name in found.tf if name.endswith("_static")} if source in ("auto", "tf") else set()
        poses = {camera.pose: camera for camera in found.cameras if camera.pose} if source in ("auto", "topic") else {}
        infos = {camera.info: camera for camera in found.cameras if camera.info}
        for message in self._bag.messages([*static, *poses]):
            if message.topic in static:
                self._add_tf(message, True)
            else:
                self._add_camera_pose(poses[message.topic], message)
        for message in self._bag.messages(list(infos)) if infos else ():
            camera = infos.pop(message.topic, None)
            if camera is not None:
                self._add_info(camera, message)
            if not infos:
                break

    def _add_camera_pose(self, camera: CameraTopics, message: BagMessage) -> None:
        content = self._bag.read(message)
        stamp = message.log_ns if self._setup.log_time else ns_from_stamp(content.header.stamp)
        self._cameras.add_pose(camera.name, content, stamp)

    def _add_info(self, camera: CameraTopics, message: BagMessage) -> None:
        content = message.data[12:]  # all but the header's stamp
        if self._info_bytes.get(camera.name) == content:
            return
        self._info_bytes[camera.name] = content
        info = self._bag.read(message)
        try:
            self._models.model(camera.name, info, camera.rectified)
        except ValueError as error:  # one that says nothing does not undo those before
            self.skipped[camera.info or camera.name] += 1
            self._broken_infos[camera.name] = f"{camera.info}: {error}"
            return
        self._infos[camera.name] = info

    def _add_tf(self, message: BagMessage, fixed: bool) -> None:
        for entry in self._bag.read(message).transforms:
            stamp = message.log_ns if self._setup.log_time else ns_from_stamp(entry.header.stamp)
            child = entry.child_frame_id.lstrip("/")
            try:
                pose = pose7_from_transform(entry.transform)
            except ValueError as error:
                self.skipped[message.topic] += 1
                self._tf_fault = f"{message.topic}, {child}: {error}"
                continue
            if fixed:
                self._note_change(message.topic, entry.header.frame_id, child, pose)
            self._tf.add(entry.header.frame_id, child, stamp, pose, fixed=fixed)
            if child in self._tf.parents:
                self._note_parents(message.topic, child)

    def _note_parents(self, topic: str, child: str) -> None:
        before, now = self._tf.parents[child]
        text = (
            f"{topic}: {child!r} has two parents, {before!r} and {now!r}; the last one is taken: two publishers? leave "
            "one of them out"
        )
        self.notes[:] = list(dict.fromkeys([*self.notes, text]))

    def _note_change(self, topic: str, parent: str, child: str, pose: npt.NDArray[np.float64]) -> None:
        before = self._tf.fixed(child)
        if before is None or self._tf.parent(child) != parent.lstrip("/"):
            return
        moved = float(np.linalg.norm(before[:3] - pose[:3]))
        turned = rotation_angle(matrix_from_pose7(before)[:3, :3], matrix_from_pose7(pose)[:3, :3])
        if moved > _SAME_M or turned > _SAME_RAD:
            self.notes.append(
                f"{topic}: the static transform of {child!r} was sent again, {1000 * moved:.1f} mm and "
                f"{np.degrees(turned):.2f} degrees away from the one before; the last one is taken for "
                "the whole recording: cut the recording there if the camera was moved"
            )

    def _add_pose(self, message: BagMessage, stamp: int) -> None:
        try:
            self.arm.add_pose(self._bag.read(message), stamp)
        except ValueError as error:
            raise BagError(f"{self._bag.path}: {error}") from None

    # Answers.

    def model(self, camera: CameraTopics) -> CameraModel:
        """The camera's model; ValueError where no camera_info says what it is."""
        info = self._infos.get(camera.name)
        if info is None:
            raise ValueError(
                self._broken_infos.get(camera.name)
                or f"nothing on {camera.info}: the pictures' intrinsics are not known"
            )
        return self._models.model(camera.name, info, camera.rectified)

    def _look_up(self, frame: str, stamp: int) -> npt.NDArray[np.float64]:
        try:
            return self._tf.lookup(self._setup.base_frame, frame, stamp, self._tolerance)
        except ValueError as error:
            raise ValueError(f"{error}{'; ' + self._tf_fault if self._tf_fault else ''}") from None

    def camera_pose(self, camera: CameraTopics, frame_id: str, stamp: int) -> npt.NDArray[np.float64]:
        """world_from_camera `[4, 4]` of the optical frame; ValueError saying what to record."""
        pose = self.arm.tool_pose(stamp) if self._cameras.on_arm(camera.name) else None
        found = self._cameras.world_from_camera(camera.name, frame_id, stamp, pose)
        if camera.name not in self._compared:
            self._compared.add(camera.name)
            self._note_contradictions(camera.name, self._cameras.others(camera.name, frame_id, stamp, pose))
        return found

    def _note_contradictions(self, camera: str, poses: dict[str, npt.NDArray[np.float64]]) -> None:
        """Sources of a camera's pose that say different things: the user should know which one is taken."""
        names = {"tf": "/tf", "topic": f"{camera}/pose", "file": self._setup.calibration_file}
        for source in list(poses)[1:]:
            taken, other = next(iter(poses)), poses[source]
            moved = float(np.linalg.norm(poses[taken][:3, 3] - other[:3, 3]))
            turned = float(rotation_angle(poses[taken][:3, :3], other[:3, :3]))
            if moved > _APART_M or turned > _APART_RAD:
                self.notes.append(
                    f"camera {camera}: {names[source]} puts it {1000 * moved:.0f} mm and {np.degrees(turned):.1f} "
                    f"degrees from where {names[taken]} does, which is taken (--extrinsics {source} takes the other)"
                )

    def tool_pose(self, stamp: int, problems: Problems) -> npt.NDArray[np.float64] | None:
        """`[7]` of the model's tool frame in base_frame, interpolated; None, with a problem, where none is near."""
        turn = self._setup.robot_tool_from_model_tool
        if self._topics.current_pose is None or turn is None:
            return None
        try:
            return np.asarray(to_model_tool(self.arm.tool_pose(stamp), turn), np.float64)
        except ValueError as error:
            problems.append((f"{self._topics.current_pose}: no pose", str(error)))
            return None

    def openness(self, stamp: int, problems: Problems) -> float | None:
        """As `ArmState.openness`; None where it is not known, with a problem where the recording should have it."""
        try:
            self.gripper.compare(stamp)
            return self.arm.openness(stamp)
        except ValueError as error:
            fingers = self._topics.joint_states and self._setup.finger_joints
            if fingers or self.arm.skipped[self.arm.rules.name("gripper_command")]:
                problems.append(("openness not known", str(error)))
            return None

    def instruction(self, stamp: int) -> str:
        """The newest instruction until then, else the setup's; may be empty."""
        said = self._said["instruction"].until(stamp)
        return (str(said[1]).strip() if said else "") or self._setup.instruction_text

    def status(self, stamp: int) -> dict[str, Any]:
        """The cell's newest report until then; empty where there is none."""
        said = self._said["status"].until(stamp)
        text = said[1] if said else ""
        try:
            return dict(json.loads(text)) if text else {}
        except (ValueError, TypeError, RecursionError):
            raise BagError(
                f"{self._bag.path}: {self._topics.status} says {str(text)[:80]!r}, which is no JSON "
                "object; give another name for status"
            ) from None

    def forget(self, stamp: int) -> None:
        """What is not needed for that time or later."""
        self.arm.forget(stamp - self._tolerance)
        for series in self._said.values():
            series.forget(stamp)
