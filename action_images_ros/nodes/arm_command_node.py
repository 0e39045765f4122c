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

from ..control.acceptance import AcceptanceRules
from ..control.approval import Approval
from ..control.executor import ChunkExecutor, ChunkRejected, ExecutorSettings
from ..control.gripper import GripperSwitch
from ..control.limits import Limits
from ..control.watchdog import Watchdog
from ..interfaces.pairing import Pairing
from ..interfaces.topics import message_type, topic
from ..ros.chunk_messages import MAX_BYTES, MAX_FRAMES, chunk_from_messages
from ..ros.conversions import path_from_poses, pose7_from_pose_stamped, pose_stamped, stamp_from_ns
from ..ros.graph_node import ERROR, WARN, GraphNode, run_node, stamp_of
from ..ros.newest import Newest
from ..ros.parameters import choice, declare

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
        self._base = declare(self, "base_frame", "base", "frame of all poses: the robot's base")
        self._period = 1.0 / declare(self, "rate", 100.0, "commands per second", low=10.0, high=500.0)
        self._priority = declare(
            self, "realtime_priority", 10, "SCHED_FIFO priority of the commands, 0: none", low=0, high=99
        )
        self._require_approval = declare(self, "require_approval", False, "each chunk waits for ~/approve")
        self._approval = Approval(declare(self, "approval_timeout", 20.0, "a proposal lapses after, s", low=0.1))
        self._pose_timeout = declare(self, "pose_timeout", 0.3, "steady time without current_pose, s", low=0.01)
        self.executor_core = ChunkExecutor(
            self._limits(), settings=self._settings(), rules=self._rules(), gripper=self._gripper_switch()
        )
        self._watchdog = Watchdog({"current_pose": self._pose_timeout})
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

    def _limits(self) -> Limits:
        box = {}
        for name, default in (("workspace_min", [0.25, -0.4, 0.0]), ("workspace_max", [0.75, 0.4, 0.6])):
            box[name] = tuple(declare(self, name, default, "corner of the workspace of the TCP, m"))
        return Limits(
            **box,
            max_linear_speed=declare(self, "max_linear_speed", 0.25, "m/s", low=0.001, high=2.0),
            max_angular_speed=declare(self, "max_angular_speed", 1.0, "rad/s", low=0.001, high=6.0),
            max_linear_acceleration=declare(self, "max_linear_acceleration", 2.0, "m/s^2", low=0.01),
            max_angular_acceleration=declare(self, "max_angular_acceleration", 8.0, "rad/s^2", low=0.01),
        )

    def _settings(self) -> ExecutorSettings:
        default = ExecutorSettings()
        return ExecutorSettings(
            splice_seconds=declare(self, "splice_seconds", default.splice_seconds, "blend into a new chunk, s"),
            alignment=declare(self, "alignment", default.alignment, "nearest or stamp"),
            max_lead_seconds=declare(self, "max_lead_seconds", default.max_lead_seconds, "s"),
            max_tracking_error=declare(self, "max_tracking_error", default.max_tracking_error, "m"),
            max_tracking_angle=declare(self, "max_tracking_angle", default.max_tracking_angle, "rad"),
            enable_seconds=declare(self, "enable_seconds", default.enable_seconds, "held before any motion, s"),
            max_enable_drift=declare(self, "max_enable_drift", default.max_enable_drift, "m"),
            max_enable_turn=declare(self, "max_enable_turn", default.max_enable_turn, "rad"),
            max_measured_speed=declare(self, "max_measured_speed", default.max_measured_speed, "m/s"),
            max_measured_angular_speed=declare(
                self, "max_measured_angular_speed", default.max_measured_angular_speed, "rad/s"
            ),
            max_pose_age=declare(self, "max_pose_age", default.max_pose_age, "s, by its stamp"),
            max_execution_age=declare(self, "max_execution_age", default.max_execution_age, "s"),
            clock_stall_seconds=declare(self, "clock_stall_seconds", default.clock_stall_seconds, "s"),
        )

    def _rules(self) -> AcceptanceRules:
        d = AcceptanceRules()
        return AcceptanceRules(
            max_age_seconds=declare(self, "max_chunk_age", d.max_age_seconds, "older chunks are refused, s"),
            min_valid_frames=declare(self, "min_valid_frames", d.min_valid_frames, "fewer are refused"),
            max_bridged_frames=declare(self, "max_bridged_frames", d.max_bridged_frames, "0: none"),
            max_first_pose_distance=declare(self, "max_first_pose_distance", d.max_first_pose_distance, "m"),
            max_first_pose_angle=declare(self, "max_first_pose_angle", d.max_first_pose_angle, "rad"),
            max_position_sigma=declare(self, "max_position_sigma", d.max_position_sigma, "m"),
            max_rotation_sigma=declare(self, "max_rotation_sigma", d.max_rotation_sigma, "rad"),
            max_chunk_speed=declare(self, "max_chunk_speed", d.max_chunk_speed, "m/s"),
            max_chunk_angular_speed=declare(self, "max_chunk_angular_speed", d.max_chunk_angular_speed, "rad/s"),
            outside_workspace=choice(
                "outside_workspace",
                declare(self, "outside_workspace", d.outside_workspace, "reject or truncate"),
                ("reject", "truncate"),
            ),
        )

    def _gripper_switch(self) -> GripperSwitch:
        return GripperSwitch(
            declare(self, "gripper_close_below", 0.4, "openness"),
            declare(self, "gripper_open_above", 0.6, "openness"),
            declare(self, "gripper_dwell", 0.3, "least time between two switches, s"),
        )

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
        now_ns = self.now_ns()
        with self.lock:
            command = self.executor_core.command(now_ns, None if reason else self._pose, self._pose_ns)
        if command.pose is not None:
            self._target_pose.publish(pose_stamped(command.pose, now_ns, self._base))
            self._remember(command.pose, now_ns)
        if command.gripper_changed:
            self._gripper_command.publish(Float64(data=float(command.openness)))
        if (command.state, command.reason) != self._last:
            self._report(command.state, command.reason)

    def _report(self, state: str, reason: str) -> None:
        self._last = (state, reason)
        self.values["state"], self.values["reason"] = state, reason
        if state == "hold":
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
    return run_node(ArmCommandNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
