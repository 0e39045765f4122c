"""What the small messages of a recording say at a given time: intrinsics, camera and tool poses, openness, words."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

import numpy as np

from ...geometry.pose import interpolate, matrix_from_pose7, to_model_tool
from ...interfaces.calibration import read_calibration
from ...interfaces.fields import (
    intrinsics_from_camera_info,
    joint_sum,
    ns_from_stamp,
    openness_from_joints,
    pose7_from_pose_stamped,
    pose7_from_transform,
)
from .bag import Bag, BagError, BagMessage
from .topics import BagSetup, CameraTopics, RecordedTopics
from .transforms import TransformHistory

__all__ = ["RecordedState"]

Problems = list[tuple[str, str]]


class RecordedState:
    """Feed the messages through `handlers` in the order of recording, ask about any time, `forget` what is past.

    handlers: topic to (function of message, stamp and the newest stamp of all topics; whether the topic's messages
    are timed by their own header). What cannot be right (a zero K, a NaN pose) is a BagError naming the topic.
    """

    def __init__(self, bag: Bag, setup: BagSetup, topics: RecordedTopics, keep_ns: int) -> None:
        self._bag, self._setup, self._topics = bag, setup, topics
        self._tolerance = round(setup.pose_tolerance * 1e9)
        self._alone = self._tolerance // 4
        self._infos: dict[str, tuple[bytes, np.ndarray, tuple[int, int]]] = {}
        self._camera_poses: dict[str, np.ndarray] = {}
        self._calibrated = read_calibration(setup.calibration_file, setup.base_frame) if setup.calibration_file else {}
        self._tf = TransformHistory(keep_ns)
        self._poses: deque[tuple[int, np.ndarray]] = deque()
        self._joints: deque[tuple[int, float]] = deque()
        self._said: dict[str, deque[tuple[int, object]]] = {
            "instruction": deque(),
            "gripper_command": deque(),
            "status": deque(),
        }
        self.handlers = self._make_handlers()

    def _make_handlers(self) -> dict[str, tuple[Callable, bool]]:
        found, setup, handlers = self._topics, self._setup, {}
        for camera in found.cameras:
            handlers[camera.info] = (lambda m, s, now, c=camera: self._add_info(c, m), False)
            if camera.pose and setup.extrinsics in ("auto", "topic"):
                handlers[camera.pose] = (lambda m, s, now, c=camera: self._add_camera_pose(c, m), False)
        if setup.extrinsics in ("auto", "tf"):
            handlers.update({name: (lambda m, s, now: self._add_tf(m), False) for name in found.tf})
        if found.current_pose and setup.robot_tool_from_model_tool is not None:
            handlers[found.current_pose] = (lambda m, s, now: self._add_pose(m, s), True)
        if found.joint_states and setup.finger_joints:
            handlers[found.joint_states] = (lambda m, s, now: self._add_joints(m, s), True)
        for what, said in self._said.items():
            if getattr(found, what):  # no header: true from the newest stamp that had been seen by then
                handlers[getattr(found, what)] = (
                    lambda m, s, now, said=said: said.append((now, self._bag.read(m).data)),
                    False,
                )
        return handlers

    # Taking messages in.

    def _add_info(self, camera: CameraTopics, message: BagMessage) -> None:
        content = message.data[12:]
        known = self._infos.get(camera.name)
        if known is None or known[0] != content:
            try:
                K, size = intrinsics_from_camera_info(self._bag.read(message))
            except ValueError as error:
                raise BagError(f"{self._bag.path}: {camera.info}: {error}") from None
            self._infos[camera.name] = (content, K, size)

    def _add_camera_pose(self, camera: CameraTopics, message: BagMessage) -> None:
        try:
            pose = pose7_from_pose_stamped(self._bag.read(message), self._setup.base_frame, camera.pose)
        except ValueError as error:
            raise BagError(f"{self._bag.path}: {error}") from None
        self._camera_poses[camera.name] = matrix_from_pose7(pose)

    def _add_tf(self, message: BagMessage) -> None:
        for entry in self._bag.read(message).transforms:
            stamp = message.log_ns if self._setup.log_time else ns_from_stamp(entry.header.stamp)
            try:
                pose = pose7_from_transform(entry.transform)
            except ValueError as error:
                raise BagError(f"{self._bag.path}: {message.topic}, {entry.child_frame_id}: {error}") from None
            self._tf.add(entry.header.frame_id, entry.child_frame_id, stamp, pose, fixed=message.topic == "/tf_static")

    def _add_pose(self, message: BagMessage, stamp: int) -> None:
        try:
            pose = pose7_from_pose_stamped(self._bag.read(message), self._setup.base_frame, message.topic)
        except ValueError as error:
            raise BagError(f"{self._bag.path}: {error}") from None
        self._poses.append((stamp, pose))

    def _add_joints(self, message: BagMessage, stamp: int) -> None:
        joints, setup = self._bag.read(message), self._setup
        if not set(setup.finger_joints) <= set(joints.name):
            return  # another part of the robot
        try:
            total = joint_sum(joints, setup.finger_joints)
            self._joints.append((stamp, openness_from_joints(total, setup.finger_closed, setup.finger_open)))
        except ValueError as error:
            raise BagError(f"{self._bag.path}: {message.topic}: {error}") from None

    # Answers.

    def intrinsics(self, camera: str) -> tuple[np.ndarray, tuple[int, int]] | None:
        """K `[3, 3]` px and the size (H, W) it is for; None where nothing has come yet."""
        known = self._infos.get(camera)
        return None if known is None else known[1:]

    def camera_pose(self, camera: CameraTopics, frame_id: str, stamp: int) -> np.ndarray:
        """world_from_camera `[4, 4]` of the optical frame; ValueError saying what to record."""
        tried = []
        if self._topics.tf and self._setup.extrinsics in ("auto", "tf"):
            try:
                return self._tf.lookup(self._setup.base_frame, frame_id, stamp, self._tolerance)
            except ValueError as error:
                tried.append(str(error))
        if camera.name in self._camera_poses:
            return self._camera_poses[camera.name]
        if self._setup.extrinsics in ("auto", "file") and camera.name in self._calibrated:
            return self._calibrated[camera.name]
        raise ValueError(
            "; ".join(
                [
                    *tried,
                    f"record /tf and /tf_static ({self._setup.base_frame} to "
                    f"{frame_id or 'its optical frame'}) or {camera.name}/pose, or give a calibration "
                    "file",
                ]
            )
        )

    def tool_pose(self, stamp: int, problems: Problems) -> np.ndarray | None:
        """`[7]` of the model's tool frame in base_frame, interpolated; None, with a problem, where none is near."""
        turn = self._setup.robot_tool_from_model_tool
        if self._topics.current_pose is None or turn is None:
            return None
        near = self._neighbours(self._poses, stamp)
        if not near:
            problems.append((f"{self._topics.current_pose}: no pose", self._away(self._poses, stamp)))
            return None
        pose = (
            near[0][1]
            if len(near) == 1
            else interpolate(near[0][1], near[1][1], (stamp - near[0][0]) / (near[1][0] - near[0][0]))
        )
        return to_model_tool(pose, turn)

    def openness(self, stamp: int, problems: Problems) -> float | None:
        """The newest gripper_command, before the first one what the finger joints say; None where neither is there."""
        command = self._last_said("gripper_command", stamp)
        if command is not None:
            if not 0.0 <= command <= 1.0:
                raise BagError(
                    f"{self._bag.path}: {self._topics.gripper_command} says {command}; it must be 0 "
                    "(closed) to 1 (open)"
                )
            return float(command)
        near = self._neighbours(self._joints, stamp)
        if near:
            return min(near, key=lambda entry: abs(entry[0] - stamp))[1]
        if self._topics.joint_states in self.handlers:
            problems.append((f"{self._topics.joint_states}: no finger joints", self._away(self._joints, stamp)))
        return None

    def _neighbours(self, series: deque, stamp: int) -> list:
        """The entries before and after, within pose_tolerance both; one alone if it is exact or within a quarter."""
        index = bisect_left(series, stamp, key=lambda entry: entry[0])
        if index < len(series) and series[index][0] == stamp:
            return [series[index]]
        near = [
            series[i]
            for i in (index - 1, index)
            if 0 <= i < len(series) and abs(series[i][0] - stamp) <= self._tolerance
        ]
        return near if len(near) == 2 or (near and abs(near[0][0] - stamp) <= self._alone) else []

    def _away(self, series: deque, stamp: int) -> str:
        nearest = min((abs(s - stamp) for s, _ in series), default=None)
        away = "none has come" if nearest is None else f"the nearest is {nearest * 1e-9:.3f} s away"
        pair, alone = self._tolerance * 1e-9, self._alone * 1e-9
        return f"{away} (pose_tolerance {pair:g} s for a pair around it, {alone:g} s for one alone)"

    def _last_said(self, what: str, stamp: int):
        return next((value for when, value in reversed(self._said[what]) if when <= stamp), None)

    def instruction(self, stamp: int) -> str:
        """The newest instruction until then, else the setup's; may be empty."""
        return str(self._last_said("instruction", stamp) or "").strip() or self._setup.instruction_text

    def status(self, stamp: int) -> dict:
        """The cell's newest report until then; empty where there is none."""
        text = self._last_said("status", stamp)
        try:
            return dict(json.loads(text)) if text else {}
        except (ValueError, TypeError):
            raise BagError(
                f"{self._bag.path}: {self._topics.status} says {text!r}, which is no JSON object; give "
                "another name for status"
            ) from None

    def forget(self, stamp: int) -> None:
        """What is not needed for that time or later."""
        for series in (self._poses, self._joints, *self._said.values()):
            while len(series) > 1 and series[1][0] <= stamp:
                series.popleft()
