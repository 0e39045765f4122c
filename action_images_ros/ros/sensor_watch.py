"""Feeds the health of the sensors from messages and tells the graph: diagnostics, `sensor_check` for arm_command."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus

from ..geometry.pose import matrix_from_pose7
from ..policy.picture_health import MOVED
from ..policy.sensor_health import Doubt, SensorHealth, combined
from .collector import ObservationCollector
from .conversions import ns_from_stamp
from .graph_node import ERROR, OK, WARN, GraphNode
from .images import rgb_from_message

__all__ = ["SensorWatch"]

CHECK_S = 0.05
_JUMP_S, _FASTEST = 1.0, 2.0  # ROS time that is further ahead, or passes faster than real time, has jumped
_GAP_S = 2.0  # pictures further apart than this show another scene, perhaps; their silence was a fault already
_SETTLE_S = 0.5  # K and place of the cameras of a new scene come one by one, in any order
_LATE_S = 0.3  # this process itself was held up: the silence of the others means nothing


class SensorWatch:
    """Judges what a node hears from cameras and arm. Callbacks call `picture` and `joints`; a timer calls `check`.

    node: advertises `sensor_check`. Doubts stop the collector's observations.
    judging: whether to judge pictures and joints at all; without, only the doubts of others count (`doubt`).
    """

    def __init__(self, node: GraphNode, collector: ObservationCollector, *, judging: bool = True) -> None:
        self._node, self._collector, self._judging = node, collector, judging
        cameras = collector.settings.cameras
        self.health = SensorHealth(cameras, carried=[name for name in cameras if collector.extrinsics.on_arm(name)])
        self._lock = threading.RLock()
        self._publisher = node.advertise("sensor_check")
        self._told: tuple[bytes, str] | None = None
        self._complained: set[str] = set()
        self._doubts: dict[str, Doubt] = {}
        self._stamps: dict[str, int] = {}
        self._extra: dict[str, tuple[str, bool]] = {}
        self._fingers_ns: int | None = None
        self._last_s = self._last_steady = 0.0
        self._checked_s = self._listened_s = 0.0
        self._settled_s = -np.inf
        collector.doubt = self.reason
        node.every(CHECK_S, self.check)

    def begin(self) -> None:
        """Forget what was seen before the node became active."""
        with self._lock:
            self._begin_anew()
            self._told = None
        self.tell()

    def reason(self) -> str:
        """Why no chunk may be computed now; empty when nothing is wrong."""
        if self._doubts:
            self._look_at_places(self._now_s())  # it may just have been mended
        return self._text()

    def _text(self) -> str:
        with self._lock:
            return "; ".join(filter(None, [combined(self._doubts)[1], *(text for text, _ in self._extra.values())]))

    def doubt(self, key: str, reason: str, *, fault: bool = False) -> None:
        """A doubt that somebody else has (the calibration watch); an empty reason takes it back."""
        with self._lock:
            if reason:
                self._extra[key] = (reason, fault)
            else:
                self._extra.pop(key, None)
        self.tell()

    def kind(self, camera: str) -> str:
        """What is wrong with this camera's pictures, in one word."""
        return self.health.cameras[camera].kind

    def unreadable(self) -> bool:
        """Whether the pictures say nothing about where the cameras are."""
        with self._lock:
            return any(doubt.kind != MOVED for doubt in self._doubts.values())

    def accept(self, camera: str) -> None:
        """What this camera shows from now on is its usual picture."""
        with self._lock:
            self.health.cameras[camera].forget()

    def picture(self, camera: str, message: Any) -> None:
        """A camera's message, before it is used."""
        if not self._judging:
            return
        now_s, stamp_ns = self._now_s(), ns_from_stamp(message.header.stamp)
        with self._lock:
            if stamp_ns - self._stamps.get(camera, stamp_ns) > _GAP_S * 1e9:
                self._new_scene(now_s)
            self._stamps[camera] = stamp_ns
            self.health.heard(camera, now_s)
            try:
                image = rgb_from_message(message)
            except ValueError as error:
                self.health.unreadable(camera, str(error))
                doubtful = True
            else:
                tool = self._collector.tool_sight(camera, stamp_ns)
                doubtful = bool(self.health.look(camera, image, tool))
            doubtful = doubtful or camera in self._doubts
        if doubtful:
            self._judge(now_s)

    def joints(self) -> None:
        """After a joint state was taken in."""
        if not self._judging:
            return
        newest = self._collector.fingers_ns()
        if newest is not None and newest != self._fingers_ns:
            self._fingers_ns = newest
            joints = list(self._collector.settings.finger_joints)
            with self._lock:
                self.health.heard(
                    "joint_states",
                    self._now_s(),
                    f"joint_states lacks the finger joints (finger_joints is {joints}); start the gripper's driver",
                )

    def check(self) -> None:
        """Judge silence, the cameras' places and how long a doubt has lasted."""
        steady, late = time.monotonic(), time.monotonic() - self._checked_s > _LATE_S
        self._checked_s = steady
        if late or not self._node.active:
            return
        now_s = self._listened_s = self._now_s()
        if self._judging:
            self._look_at_places(now_s)
        self.tell()

    def _look_at_places(self, now_s: float) -> None:
        newest = self._collector.newest_pose()
        tool = None if newest is None else matrix_from_pose7(newest)
        places = self._collector.places()
        with self._lock:
            if now_s >= self._settled_s:
                for camera, (K, world_from_camera) in places.items():
                    self.health.place(camera, K, world_from_camera, tool, now_s)
            self._doubts = self.health.doubts(now_s, min(now_s, self._listened_s))

    def _now_s(self) -> float:
        """ROS time in seconds. When it jumps, another scene or recording has begun: everything begins anew."""
        now_s, steady = self._node.now_ns() * 1e-9, time.monotonic()
        ahead, passed = now_s - self._last_s, steady - self._last_steady
        self._last_s, self._last_steady = now_s, steady
        if ahead < -0.5 or ahead > _JUMP_S + _FASTEST * passed:
            with self._lock:
                self._new_scene(now_s)
        return now_s

    def _new_scene(self, now_s: float) -> None:
        self._settled_s = now_s + _SETTLE_S
        self._listened_s = now_s
        self._collector.new_scene()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.health.forget()
        self._doubts = {}
        self._stamps.clear()

    def _judge(self, now_s: float) -> None:
        with self._lock:
            self._doubts = self.health.doubts(now_s, min(now_s, self._listened_s))
        self.tell()

    def tell(self) -> None:
        """Publish what has changed; report every sensor."""
        with self._lock:
            fault, reason = combined(self._doubts)
            fault = fault or any(is_fault for _, is_fault in self._extra.values())
            reason = self._text()
            problems = {f"sensor {name}": (d.reason, d.fault) for name, d in self._doubts.items()}
            problems |= {f"sensor {name}": value for name, value in self._extra.items()}
            healthy = {name: "good" if self._judging else "not judged" for name in self.health.cameras}
            for name, doubt in self._doubts.items():
                healthy[name] = doubt.kind
            solved, self._complained = self._complained - set(problems), set(problems)
        level = ERROR if fault else WARN if reason else OK
        for key, (text, is_fault) in problems.items():
            self._node.complain(key, text, ERROR if is_fault else WARN)
        self._node.solved(*solved)
        self._node.values.update({f"health_{name}": value for name, value in healthy.items()})
        if self._told is None or self._told[0] != level or (reason and _shape(self._told[1]) != _shape(reason)):
            self._told = (level, reason)
            self._publisher.publish(
                DiagnosticStatus(level=level, name="sensors", hardware_id="action_images_ros", message=reason)
            )


def _shape(text: str) -> str:
    """A reason without its numbers, which grow."""
    return "".join(letter for letter in text if not letter.isdigit())
