"""Chunks of poses in, limited commands out, at a fixed rate whatever the model is doing.

Starts disabled. A thread of its own, timed by the steady clock, asks the executor for the command of the moment; the
callbacks only hand it messages. `~/stop` brakes and holds; it is no emergency stop.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import deque

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from rclpy.serialization import deserialize_message
from std_msgs.msg import Float64
from std_srvs.srv import SetBool, Trigger

from ..control.approval import Approval
from ..control.executor import ChunkExecutor, ChunkRejected
from ..control.settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits
from ..control.watchdog import Watchdog
from ..interfaces.pairing import Pairing
from ..interfaces.topics import message_type, topic
from ..ros.chunk_messages import MAX_BYTES, MAX_FRAMES, chunk_from_messages
from ..ros.conversions import path_from_poses, pose7_from_pose_stamped, pose_stamped, stamp_from_ns
from ..ros.graph_node import ERROR, WARN, GraphNode, run_node, stamp_of
from ..ros.newest import Newest
from ..ros.node_parameters import ArmCommandParameters

_PARTS = ("poses", "gripper", "confidence")
_EXECUTED_POSES = 200  # kept for rviz
_EXECUTED_SECONDS = 0.1  # between two of them


class ArmCommandNode(GraphNode):
    """Node `arm_command`."""

    def __init__(self, **kwargs) -> None:
        super().__init__("arm_command", **kwargs)
        self.executor_core: ChunkExecutor | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def configure(self) -> None:
        """Read parameters, refuse limits that make no sense, connect."""
        own = self.parameters(ArmCommandParameters)
        self._base, self._period, self._priority = own.base_frame, 1.0 / own.rate, own.realtime_priority
        self._require_approval, self._approval = own.require_approval, Approval(own.approval_timeout)
        self.executor_core = ChunkExecutor(
            self.parameters(Limits),
            period_s=self._period,
            settings=self.parameters(ExecutorSettings),
            rules=self.parameters(AcceptanceRules),
            gripper=self.parameters(GripperSettings),
        )
        self._watchdog = Watchdog({"current_pose": own.pose_timeout})
        self._pairing = Pairing(_PARTS)
        self._waiting = Newest()
        self._pose: np.ndarray | None = None
        self._pose_ns: int | None = None
        self._enabled_ns = 0
        self._last: tuple[str, str] = ("", "")
        self._periods: deque[float] = deque(maxlen=2000)
        self._executed: deque[PoseStamped] = deque(maxlen=_EXECUTED_POSES)
        self._executed_at = 0.0
        self._target_pose = self.advertise("target_pose")
        self._gripper_command = self.advertise("gripper_command")
        self._plan = self.advertise("plan")
        self._executed_path = self.advertise("executed")
        for part in _PARTS:
            self.listen(f"chunk/{part}", lambda m, part=part: self._waiting.put(part, m), raw_depth=1)
        self.listen("current_pose", self._on_pose)
        self._robot_fault = ""
        self.listen("robot_check", self._on_robot_check)
        self.serve(SetBool, "~/enable", self._on_enable)
        self.serve(Trigger, "~/approve", self._on_approve)
        self.serve(Trigger, "~/reject", self._on_reject)
        self.serve(Trigger, "~/stop", self._on_stop)
        self.every(0.5, self._publish_executed)

    # Messages.
    def _on_pose(self, message: PoseStamped) -> None:
        try:
            pose = pose7_from_pose_stamped(message, self._base, "current_pose")
        except ValueError as error:
            self.complain("pose", str(error))
            return
        with self.lock:
            self._pose, self._pose_ns = pose, stamp_of(message)
        self._watchdog.beat("current_pose")
        self.solved("pose")

    def _on_robot_check(self, message: DiagnosticStatus) -> None:
        """What robot_bridge found by the robot's description: with a wrong TCP or base nothing is enabled."""
        self._robot_fault = message.message if message.level == ERROR else ""

    def _on_part(self, part: str, data: bytes) -> None:
        """One serialised part of a chunk, in the thread that reads chunks."""
        if len(data) > MAX_BYTES:
            self.complain(
                "chunk", f"chunk/{part} of {len(data)} bytes is refused unread; send at most {MAX_FRAMES} frames", WARN
            )
            return
        message = deserialize_message(bytes(data), message_type(topic(f"chunk/{part}").type))
        parts = self._pairing.add(part, stamp_of(message), message)
        if parts is None or not self.active:
            return
        try:
            chunk = chunk_from_messages(*(parts[name] for name in _PARTS), self._base)
        except ValueError as error:
            self.complain("chunk", f"a chunk is refused: {error}", WARN)
            return
        with self.lock:
            if not self.executor_core.enabled or chunk.stamp_ns < self._enabled_ns:
                return  # what was seen before the arm was enabled must not move it
            if not self._require_approval:
                self._execute(chunk)
            elif self._approval.propose(chunk, time.monotonic()):
                self._plan.publish(path_from_poses(_finite(chunk), chunk.stamp_ns, self._base))
                self.values["approval"] = "waiting for ~/approve or ~/reject"

    def _execute(self, chunk) -> str:
        """Hand a chunk to the executor; the reason when it refuses, else an empty string."""
        try:
            frames = self.executor_core.add(chunk, self.now_ns())
        except ChunkRejected as error:
            self.complain("chunk", f"a chunk is refused: {error}", WARN)
            return str(error)
        self.solved("chunk")
        self.values["chunks_executed"] = int(self.values.get("chunks_executed", 0)) + 1
        if not self._require_approval:
            self._plan.publish(path_from_poses(chunk.poses[:frames], chunk.stamp_ns, self._base))
        return ""

    # Services.
    def _on_enable(self, request, response):
        with self.lock:
            if request.data and not self.active:
                response.success, response.message = False, "the node is not active"
                return response
            silence = self._watchdog.reason() or self._robot_fault
            if request.data and silence:
                response.success, response.message = False, f"not enabled: {silence}"
                return response
            if request.data:
                self._enabled_ns = self.now_ns()
                self.executor_core.enable()
            else:
                self.executor_core.disable()
            self._approval.clear()
            self._executed.clear()
        response.success, response.message = True, "enabled" if request.data else "disabled"
        self.get_logger().info(f"commands {response.message}")
        return response

    def _on_approve(self, _, response):
        with self.lock:
            now_ns = self.now_ns()
            chunk = self._approval.approve(time.monotonic(), now_ns) if self._require_approval else None
            if chunk is None:
                response.success, response.message = False, "nothing waits for approval"
                return response
            reason = self._execute(chunk)
        self.values["approval"] = "approved" if not reason else "refused"
        response.success, response.message = not reason, reason or "approved"
        return response

    def _on_reject(self, _, response):
        with self.lock:
            response.success = self._approval.clear()
        response.message = "rejected" if response.success else "nothing waits for approval"
        self.values["approval"] = response.message
        return response

    def _on_stop(self, _, response):
        with self.lock:
            self.executor_core.stop()
            self._approval.clear()
        response.success, response.message = True, "braking to a hold; ~/enable to go on. No emergency stop."
        self.get_logger().warning("stopped by ~/stop")
        return response

    # Commands.
    def activate(self) -> None:
        """Start the command thread; nothing is commanded until enabled."""
        self._stop.clear()
        sys.setswitchinterval(0.001)  # the command thread must not wait 5 ms for a callback's Python
        gc.collect()
        gc.freeze()
        self._waiting.open()
        self._threads = [
            threading.Thread(target=self._command_loop, name="commands", daemon=True),
            threading.Thread(target=self._read_chunks, name="chunks", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def deactivate(self) -> None:
        """Stop commanding."""
        with self.lock:
            self.executor_core.disable()
        self._stop.set()
        self._waiting.close()
        for thread in self._threads:
            thread.join(timeout=2.0)
        self._threads = []

    def _read_chunks(self) -> None:
        """Read chunks, so that no message, however long, keeps the services waiting."""
        read = self.guarded("reading a chunk", self._on_part)
        while not self._stop.is_set():
            waiting = self._waiting.take()
            if waiting is not None:
                read(*waiting)

    def _take_priority(self) -> None:
        """Real-time scheduling of this thread where asked for and allowed (limits.conf: rtprio)."""
        if self._priority == 0:
            return
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(self._priority))
        except OSError as error:
            self.get_logger().info(
                f"realtime_priority {self._priority} is not granted ({error}), commands run at the "
                "usual priority; grant it with rtprio in /etc/security/limits.conf"
            )

    def _command_loop(self) -> None:
        self._take_priority()
        due = last = time.monotonic()
        while not self._stop.is_set():
            try:
                self._tick()
            except Exception as error:  # never die silently: without commands the driver's own timeout holds the arm
                with self.lock:
                    self.executor_core.disable()
                self.complain("commands", f"commands stopped, the arm is disabled: {error!r}")
            due += self._period
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            else:
                due = time.monotonic()
            now = time.monotonic()
            self._periods.append(now - last)
            last = now

    def _tick(self) -> None:
        reason = self._watchdog.reason()
        with self.lock:  # time is taken inside: a command waits here while the arm is enabled
            command = self.executor_core.command(self.now_ns(), None if reason else self._pose, self._pose_ns)
        if command.pose is not None and command.fresh:
            self._target_pose.publish(pose_stamped(command.pose, command.time_ns, self._base))
            self._remember(command.pose, command.time_ns)
        if command.gripper_changed:
            self._gripper_command.publish(Float64(data=float(command.openness)))
        if (command.state, command.reason) != self._last:
            self._report(command.state, command.reason)

    def _report(self, state: str, reason: str) -> None:
        self._last = (state, reason)
        self.values["state"], self.values["reason"] = state, reason
        if state == "holding":
            self.complain("hold", f"holding: {reason}", WARN)
        else:
            self.solved("hold")
        if state == "faulted":
            self.complain("fault", f"disabled by a fault: {reason}; ~/enable when it is mended")
        else:
            self.solved("fault")

    def _remember(self, pose: np.ndarray, now_ns: int) -> None:
        if time.monotonic() - self._executed_at >= _EXECUTED_SECONDS:
            self._executed_at = time.monotonic()
            self._executed.append(pose_stamped(pose, now_ns, self._base))

    def _publish_executed(self) -> None:
        if self._executed and self._executed_path.get_subscription_count():
            message = Path(poses=list(self._executed))
            message.header.stamp, message.header.frame_id = stamp_from_ns(self.now_ns()), self._base
            self._executed_path.publish(message)

    def check(self) -> None:
        """Report the pose's silence and the command period."""
        reason = self._watchdog.reason()
        if reason:
            self.complain("current_pose", f"{reason}; the driver must publish it", self.missing)
        else:
            self.solved("current_pose")
        waiting = self._pairing.incomplete()
        if waiting:
            self.values["incomplete_chunks"] = "; ".join(f"{i} lacks {', '.join(p)}" for i, p in waiting.items())
        if len(self._periods) > 10:
            milliseconds = 1000 * np.array(self._periods)
            self.values["period_ms"] = (
                f"median {np.median(milliseconds):.2f} p99 "
                f"{np.percentile(milliseconds, 99):.2f} max {milliseconds.max():.2f}"
            )


def _finite(chunk) -> np.ndarray:
    return chunk.poses[np.isfinite(chunk.poses).all(axis=1)]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(ArmCommandNode, argv, leave_at_once=True)  # ruckig's binding complains of leaks at a usual end


if __name__ == "__main__":
    raise SystemExit(main())
