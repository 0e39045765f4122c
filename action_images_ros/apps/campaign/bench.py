"""The live graph on the bench: what a fault can do to it, and what it says meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.serialization import deserialize_message
from std_msgs.msg import UInt64
from std_srvs.srv import SetBool, Trigger

from ...control.chunk import Chunk
from ...graph.client import GraphClient, GraphError
from ...graph.session import Session
from ...interfaces import topics
from ...interfaces.fields import ns_from_stamp, pose7_from_pose_stamped
from ...ros import qos
from ...ros.chunk_messages import confidence_message, gripper_message, poses_message
from .tap import Tap, tapped

__all__ = ["Bench"]

_RESTARTS = 20
_NEWER_S = 0.05  # of a foreign chunk's stamp than now, so that its age is no reason to refuse it

_PARTS = {"chunk/poses": poses_message, "chunk/gripper": gripper_message, "chunk/confidence": confidence_message}


class Bench:
    """Processes, services and topics of a running session; `lines` are the warnings and errors of its nodes."""

    def __init__(self, session: Session, client: GraphClient, tap: Tap) -> None:
        self.session, self.client, self.tap = session, client, tap
        self.lines: list[tuple[float, str, str]] = []
        self.stop_ms: float | None = None
        self.answer = ""
        self._chunks = {
            name: client.node.create_publisher(
                topics.message_type(topics.topic(name).type), name, qos.PROFILES[topics.topic(name).qos]
            )
            for name in _PARTS
        }
        self._approve_id = client.node.create_publisher(UInt64, "arm_command/approve_id", qos.EVENTS)
        self._clients = {
            name: client.node.create_client(kind, f"arm_command/{name}")
            for name, kind in (("enable", SetBool), ("stop", Trigger))
        }

    def hear(self, name: str, line: str) -> None:
        """Note a line of a node's output."""
        if "[WARN]" in line or "[ERROR]" in line:
            self.lines.append((time.monotonic(), name, line.rsplit("]: ", 1)[-1]))

    def told(self, since: float) -> str:
        """What the user was told: the state's reason, or else the first new warning of a node."""
        state = self.client.state
        if self.answer:
            return self.answer
        if state is not None and state.reason and state.state in ("faulted", "holding", "stopped", "disabled", "idle"):
            return f"{state.state}: {state.reason}"
        new = [f"{name}: {line}" for when, name, line in self.lines if when >= since]
        return new[0] if new else ""

    def refusal(self, since: float, words: str = "") -> str:
        """What arm_command says about a refused chunk or approval, in diagnostics or in its log; the first line that
        has these words, a regular expression."""
        status = self.client.diagnostics.get("arm_command")
        said = [line for when, name, line in self.lines if when >= since and name == "arm_command"]
        return next(
            (
                text
                for text in [*said, status.message if status else ""]
                if "refused" in text and re.search(words, text)
            ),
            "",
        )

    def wait(self, ready: Callable[[], Any], seconds: float) -> Any:
        """Poll until `ready()` is true; its last value."""
        end = time.monotonic() + seconds
        while not (value := ready()) and time.monotonic() < end:
            time.sleep(0.05)
        return value

    # What faults do.
    def send(self, node: str, sign: signal.Signals) -> None:
        """Send a signal to one process of the session."""
        self.session.supervisor.processes[node].send_signal(sign)

    def restart(self, node: str) -> None:
        """Start a killed process anew and wait until it is active."""
        self.session.supervisor.processes[node].wait(timeout=10.0)
        self.session.supervisor.restart(node)
        for attempt in range(_RESTARTS):  # a call may still go to the dead process, and is never answered
            try:
                self.client.wait_until_active([node], 4.0)
                return
            except GraphError:
                if attempt == _RESTARTS - 1:
                    raise

    def ask(self, name: str, seconds: float = 10.0) -> Any:
        """Call `enable`, `disable` or `stop` without waiting for a graph that has lost a node; the answer or None."""
        request = SetBool.Request(data=name == "enable") if name != "stop" else Trigger.Request()
        future = self._clients["stop" if name == "stop" else "enable"].call_async(request)
        self.wait(future.done, seconds)
        answer = future.result() if future.done() else None
        self.answer = "" if answer is None or answer.success else str(answer.message)
        return answer

    def exchange(self, first: str, second: str) -> None:
        """Let two cameras show each other's pictures."""
        kind = topics.message_type(topics.topic("<cam>/image_raw").type)

        def show(other: str) -> Callable[[Any], Any]:
            def spoil(message: Any) -> Any:
                picture = deserialize_message(self.tap.last[other], kind)
                picture.header = message.header
                return picture

            return spoil

        self.tap.spoil.update({first: show(second), second: show(first)})

    def again(self, name: str, spoil: Callable[[Any], Any]) -> None:
        """Publish a latched message of the cell once more, spoilt."""
        kind = topics.message_type(topics.topic(tapped()[name]).type)
        self.tap.say(name, spoil(deserialize_message(self.tap.last[name], kind)))

    def approve(self, chunk_ns: int) -> None:
        """Approve a chunk by its id."""
        self._approve_id.publish(UInt64(data=chunk_ns))

    def foreign_chunk(self, kind: str) -> None:
        """Publish, beside the decoder's, a chunk that must not move the arm; several times, as somebody wrong would."""
        if kind == "100000 frames":  # from a process of its own: building it would hold up the relayed messages
            command = [sys.executable, "-m", "action_images_ros.apps.campaign.flood", kind]
            subprocess.run(command, env=self.session.environment, timeout=120.0, check=True, capture_output=True)
            return
        for _ in range(3):
            chunk, spoil = _foreign(kind, self._pose(), self._cell_ns())
            for name, make in _PARTS.items():
                message = make(chunk, "camera" if kind == "in another frame" else "base")
                self._chunks[name].publish(spoil(name, message))
            time.sleep(0.15)

    def stop_under_flood(self, kind: str) -> None:
        """Call ~/stop while another process floods arm_command; `stop_ms` is how long the answer took."""
        command = [sys.executable, "-m", "action_images_ros.apps.campaign.flood", kind]
        flood = subprocess.Popen(command, env=self.session.environment, stdout=subprocess.PIPE, text=True)
        try:
            assert flood.stdout is not None
            flood.stdout.readline()  # it says when it has begun
            time.sleep(1.0)
            begin = time.monotonic()
            if self.ask("stop") is not None:
                self.stop_ms = 1000 * (time.monotonic() - begin)
        finally:
            flood.kill()
            flood.wait()

    def _pose(self) -> Any:
        return pose7_from_pose_stamped(
            deserialize_message(self.tap.last["current_pose"], PoseStamped), "base", "current_pose"
        )

    def _cell_ns(self) -> int:
        stamp = deserialize_message(self.tap.last["current_pose"], PoseStamped).header.stamp
        return ns_from_stamp(stamp)


def _foreign(kind: str, pose: Any, stamp_ns: int) -> tuple[Chunk, Callable[[str, Any], Any]]:
    frames = 9
    poses = np.tile(pose, (frames, 1))
    way = {"through the table": (0, 0, -0.4), "faster than an arm": (3.0, 3.0, 0)}.get(kind, (0, 0, 0.05))
    poses[:, :3] += np.outer(np.arange(frames) * 0.2, way)
    sigma = 0.3 if kind == "uncertain" else 0.003
    covariance = np.broadcast_to(sigma**2 * np.eye(6), (frames, 6, 6))
    chunk = Chunk(stamp_ns, 0.2, poses, np.ones(frames), covariance, np.ones(frames, dtype=bool))
    if kind == "begins 0.3 m away":
        poses[:, 1] += 0.3
    elif kind == "NaN marked valid":
        poses[2] = np.nan
    elif kind == "zero quaternion beside an invalid frame":
        poses[3, 3:] = 0.0
        chunk = replace(chunk, valid=np.arange(frames) != 4)
    late = {"5 s old": -5.0, "5 s ahead": 5.0}.get(kind, _NEWER_S)
    openness = np.full(frames, 7.0 if kind == "openness of 7" else 1.0)
    chunk = replace(chunk, poses=poses, openness=openness, stamp_ns=stamp_ns + round(late * 1e9))

    def spoil(name: str, message: Any) -> Any:
        if kind == "confidence of an absurd size" and name == "chunk/confidence":
            message.width = 2**31
        if kind == "dt of 0" and name == "chunk/poses":
            for point in message.points:
                point.time_from_start.sec = point.time_from_start.nanosec = 0
        return message

    return chunk, spoil
