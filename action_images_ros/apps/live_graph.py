"""What the running graph says, logged to Rerun as it comes: for the live page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..control.states import StateReport
from ..display.rerun_log import RerunLog
from ..display.urdf_meshes import meshes_of
from ..drivers.description import RobotDescription
from ..geometry.arrays import Floats
from ..geometry.pose import matrix_from_pose7
from ..graph.client import GraphClient
from ..interfaces.fields import intrinsics_from_camera_info, ns_from_stamp, pose7_from_pose_stamped
from ..ros.images import rgb_from_message
from ..ros.plan_watch import PARTS, PlanWatch
from ..ros.state_messages import state_report

__all__ = ["LiveGraph"]

_PICTURE_S, _ROBOT_S, _FIGURES_S = 0.2, 0.1, 0.5  # at most so often (steady time)


class LiveGraph:
    """Subscribes through `client`; callbacks run in its thread. cameras: of the policy; base_frame: of all poses."""

    def __init__(self, client: GraphClient, log: RerunLog, cameras: tuple[str, ...], base_frame: str) -> None:
        self._client, self._log, self._base = client, log, base_frame
        self._watch = PlanWatch(base_frame)
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        self._begin_ns: int | None = None
        self._report: StateReport | None = None
        self._cameras: dict[str, dict[str, Any]] = {camera: {} for camera in cameras}
        self._robot: RobotDescription | None = None
        self._links: tuple[str, ...] = ()
        self.failures, self._closed = 0, False
        for camera in cameras:
            self._hear("<cam>/image_raw", partial(self._on_picture, camera), camera)
            self._hear("view/<cam>", partial(self._on_strip, camera), camera)
            for part, name in (("info", "chunk/<cam>/camera_info"), ("pose", "chunk/<cam>/pose")):
                self._hear(name, partial(self._on_camera, camera, part), camera)
        for part in PARTS:
            self._hear(f"chunk/{part}", partial(self._on_part, part))
        self._hear("current_pose", self._on_pose)
        self._hear("executed", self._on_executed)
        self._hear("arm_command/state", self._on_state)
        self._hear("instruction", self._on_instruction)
        self._hear("robot_description", self._on_description)
        self._hear("joint_states", self._on_joints)

    def close(self) -> None:
        """Log nothing more."""
        with self._lock:
            self._closed = True

    def told(self) -> dict[str, str]:
        """State, reason, id of the chunk that waits or runs, instruction."""
        report = self._report
        return {
            "state": "" if report is None else report.state,
            "reason": "" if report is None else report.reason,
            "chunk": "" if report is None or report.chunk_ns is None else str(report.chunk_ns),
            "instruction": self._watch.instruction,
        }

    def _hear(self, name: str, callback: Callable[[Any], None], camera: str | None = None) -> None:
        def take(message: Any) -> None:
            with self._lock:
                if self._closed:
                    return
                try:
                    callback(message)
                except Exception:  # what cannot be shown is complained of by the nodes that use it
                    self.failures += 1

        self._client.listen(name, take, camera)

    def _ready(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def _at(self, message: Any) -> None:
        self._at_ns(ns_from_stamp(message.header.stamp))

    def _at_ns(self, stamp_ns: int) -> None:
        if self._begin_ns is None:
            self._begin_ns = stamp_ns
        self._log.at((stamp_ns - self._begin_ns) * 1e-9)

    def _now(self) -> None:
        """What has no stamp of its own is of the newest pose's time."""
        measured = self._watch.newest_ns
        if measured is not None:
            self._at_ns(measured)

    # Messages.
    def _on_picture(self, camera: str, message: Any) -> None:
        if self._ready(f"picture {camera}", _PICTURE_S):
            self._at(message)
            self._log.picture(camera, rgb_from_message(message))

    def _on_strip(self, camera: str, message: Any) -> None:
        self._at(message)
        self._log.strip(camera, rgb_from_message(message))

    def _on_camera(self, camera: str, part: str, message: Any) -> None:
        parts = self._cameras[camera]
        parts[part] = message
        if len(parts) == 2 and self._ready(f"camera {camera}", 1.0):
            K, size = intrinsics_from_camera_info(parts["info"])
            self._now()
            pose = pose7_from_pose_stamped(parts["pose"], self._base, "pose")
            self._log.camera(camera, K, matrix_from_pose7(pose), size)

    def _on_part(self, part: str, message: Any) -> None:
        chunk = self._watch.add_part(part, message)
        if chunk is None:
            return
        newest = self._watch.newest_ns or chunk.stamp_ns
        self._at_ns(max(newest, chunk.stamp_ns))
        self._log.plan(chunk)
        sigma = chunk.sigma_position[chunk.valid]
        self._log.figures(
            {
                "chunk_age_s": max(0.0, (newest - chunk.stamp_ns) * 1e-9),
                "certainty_mm": 1000 * float(np.median(sigma)) if len(sigma) else float("nan"),
            }
        )

    def _on_pose(self, message: Any) -> None:
        self._watch.add_pose(message)
        if self._ready("measured", _PICTURE_S):
            self._at(message)
            self._log.path("measured", self._watch.measured[:, :3])
        if self._ready("figures", _FIGURES_S):
            self._figures()

    def _figures(self) -> None:
        status = self._client.diagnostics.get("policy")
        values = {} if status is None else {pair.key: pair.value for pair in status.values}
        numbers = {}
        for key, text in values.items():
            if key.startswith("stage_") or key in ("chunk_seconds", "video_action_mm"):
                try:
                    numbers[key] = float(text)
                except ValueError:
                    continue
        self._log.figures(numbers)

    def _on_executed(self, message: Any) -> None:
        self._now()
        points = [(p.pose.position.x, p.pose.position.y, p.pose.position.z) for p in message.poses]
        self._log.path("commanded", np.array(points).reshape(-1, 3))

    def _on_state(self, message: Any) -> None:
        self._report = state_report(message)
        self._now()
        self._log.state(self._report.state, self._report.reason)

    def _on_instruction(self, message: Any) -> None:
        self._watch.instruction = message.data
        self._now()
        self._log.instruction(message.data)

    def _on_description(self, message: Any) -> None:
        meshes = meshes_of(message.data)
        self._robot, self._links = RobotDescription(message.data), tuple(meshes)
        self._log.meshes(meshes)

    def _on_joints(self, message: Any) -> None:
        if self._robot is None or not self._ready("robot", _ROBOT_S):
            return
        joints = dict(zip(message.name, message.position, strict=False))
        self._at(message)
        poses: dict[str, Floats] = {}
        for link in self._links:
            chain = self._robot.chain(self._base, link)
            if set(chain.moving) <= set(joints):
                poses[link] = chain.base_from_tip(joints)
        self._log.links(poses)
