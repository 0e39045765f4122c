"""Chunks of poses in, limited commands out, at a fixed rate whatever the model is doing.

Starts disabled. A thread of its own, timed by the steady clock, asks the executor for the command of the moment; the
callbacks only hand it messages. `~/stop` brakes and holds; it is no emergency stop.
"""

from __future__ import annotations

import gc
import sys
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Float64

from ..control.approval import Approval
from ..control.chunk import Chunk
from ..control.executor import ChunkExecutor, ChunkRejected
from ..control.settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits, WatchSettings
from ..control.states import EXECUTING, FAULTED, HOLDING, IDLE, StateReport
from ..control.watchdog import Watchdog
from ..parameter import specs
from ..ros.approval_calls import ApprovalCalls
from ..ros.chunk_reader import ChunkReader
from ..ros.conversions import path_from_poses, pose7_from_pose_stamped, pose_stamped
from ..ros.executed_path import ExecutedPath
from ..ros.graph_node import ERROR, WARN, GraphNode, stamp_of
from ..ros.motion_switch import MotionSwitch
from ..ros.node_parameters import ArmCommandParameters
from ..ros.node_watch import NodeWatch
from ..ros.robot_limits import RobotLimits
from ..ros.run_node import run_node
from ..ros.state_teller import StateTeller, approval_hint
from ..ros.steady_loop import SteadyLoop

_BRAKING_SECONDS = 2.0  # given to the arm to come to rest when the node is deactivated
_FRESH_S = 0.1  # a current_pose that came longer ago is not compared with joint_states
_POSE_BYTES, _CHECK_BYTES = 1024, 65_536  # larger messages are refused unread


class ArmCommandNode(GraphNode):
    """Node `arm_command`."""

    live_parameters = frozenset(
        spec.name for kind in (Limits, ExecutorSettings, AcceptanceRules, GripperSettings) for spec in specs(kind)
    ) | {"rate", "require_approval", "approval_timeout", "pose_timeout"}

    executor_core: ChunkExecutor  # set by `configure`

    def __init__(self, **kwargs) -> None:
        super().__init__("arm_command", **kwargs)

    def configure(self) -> None:
        """Read parameters, refuse limits that make no sense, connect."""
        own = self.parameters(ArmCommandParameters)
        self._base, self._period = own.base_frame, 1.0 / own.rate
        self._loop = SteadyLoop(
            "commands",
            self._period,
            self._tick,
            self._failed,
            priority=own.realtime_priority,
            refused=self.get_logger().info,
        )
        self._require_approval, self._approval = own.require_approval, Approval(own.approval_timeout)
        self._pose: np.ndarray | None = None
        self._pose_ns: int | None = None
        self._wrong_pose = self._robot_fault = self._sensor_fault = ""
        self._watchdog = Watchdog({"current_pose": own.pose_timeout})
        fresh = lambda: self._watchdog.age("current_pose") < _FRESH_S  # noqa: E731
        self._robot = RobotLimits(self, self._base, lambda: self._pose if fresh() else None, self._fail)
        self.executor_core = ChunkExecutor(
            self.parameters(Limits),
            period_s=self._period,
            settings=self.parameters(ExecutorSettings),
            rules=self.parameters(AcceptanceRules),
            gripper=self.parameters(GripperSettings),
            check=self._robot,
        )
        self._closing: tuple[int, float] | None = None
        self._ticked_ns = 0
        self._target_pose = self.advertise("target_pose")
        self._gripper_command = self.advertise("gripper_command")
        self._plan = self.advertise("plan")
        self._executed = ExecutedPath(self, self._base)
        self._teller = StateTeller(self, self._hint)
        self._chunks = ChunkReader(self, self._base, self._on_chunk)
        self._nodes = NodeWatch(self, self.parameters(WatchSettings))
        self.listen("current_pose", self._on_pose, max_bytes=_POSE_BYTES)
        self.listen("robot_check", self._on_robot_check, max_bytes=_CHECK_BYTES)
        self.listen("sensor_check", self._on_sensor_check, max_bytes=_CHECK_BYTES)
        ApprovalCalls(self, self._approval, self._execute, self._teller)
        self._teller.say(StateReport(reason="the node is not active"))
        self._switch = MotionSwitch(self, self.executor_core, self._refusal_to_enable, self._changed)

    def cleanup(self) -> None:
        """End the thread of ~/stop before the service is destroyed."""
        self._switch.close()

    def parameters_changed(self, names: set[str]) -> None:
        """Take over what was set. New limits act when the arm has braked by the old ones; approval acts at once."""
        own = self.parameters(ArmCommandParameters)
        with self.lock:
            self._period = self._loop.period_s = 1.0 / own.rate
            self._watchdog.set_timeout("current_pose", own.pose_timeout)
            self._approval.timeout_s = own.approval_timeout
            if own.require_approval != self._require_approval:
                self._require_approval = own.require_approval
                self._approval.clear()
                if own.require_approval:
                    self.executor_core.hold("every chunk waits for approval from now on")
            self.executor_core.adjust(
                self.parameters(Limits),
                self._period,
                self.parameters(ExecutorSettings),
                self.parameters(AcceptanceRules),
                self.parameters(GripperSettings),
            )
        self.get_logger().info("set: " + ", ".join(f"{n} {self.get_parameter(n).value}" for n in sorted(names)))

    # Messages.
    def _on_pose(self, message: PoseStamped) -> None:
        try:
            pose = pose7_from_pose_stamped(message, self._base, "current_pose")
        except ValueError as error:
            self._wrong_pose = str(error)
            self.complain("pose", self._wrong_pose)
            self._fail(self._wrong_pose)
            return
        self._wrong_pose = ""
        with self.lock:
            self._pose, self._pose_ns = pose, stamp_of(message)
        self._watchdog.beat("current_pose")
        self.solved("pose")

    def _on_robot_check(self, message: DiagnosticStatus) -> None:
        """What robot_bridge found by the robot's description: with a wrong TCP or base nothing is enabled."""
        self._robot_fault = message.message if message.level == ERROR else ""

    def _on_sensor_check(self, message: DiagnosticStatus) -> None:
        """What the policy thinks of its sensors: a doubt holds the arm, one that lasts is a fault."""
        self._sensor_fault = message.message if message.level == ERROR else ""
        if message.level not in (WARN, ERROR):
            return
        with self.lock:
            self.executor_core.forget_before(self.now_ns())  # chunks of pictures before it are on their way
            self._approval.clear()
            if message.level == ERROR:
                self.executor_core.fail(message.message)
            else:
                self.executor_core.hold(message.message)

    def _on_chunk(self, chunk: Chunk) -> None:
        """A complete chunk, in the thread that reads chunks."""
        with self.lock:
            if not self.executor_core.enabled or self.executor_core.was_under_way(chunk.stamp_ns, self.now_ns()):
                return
            if self._require_approval:
                resting = self.executor_core.state in (IDLE, HOLDING)
                if resting and self._approval.propose(chunk, time.monotonic()):
                    self._plan.publish(path_from_poses(_finite(chunk), chunk.stamp_ns, self._base))
                return
        self._execute(chunk)

    def _execute(self, chunk: Chunk) -> str:
        """Hand a chunk to the executor; the reason when it refuses, else an empty string."""
        core = self.executor_core
        try:
            joints = self._robot.positions()
            with self.lock:
                good, since_ns = core.judged(chunk, self.now_ns()), core.since_ns
            good = core.checked(good, joints)  # takes milliseconds, without the lock: commands go on meanwhile
            with self.lock:
                if core.since_ns != since_ns:
                    raise ChunkRejected("the arm was enabled anew while the chunk was checked")
                core.take(good)
        except ChunkRejected as error:
            self.complain("chunk", f"a chunk is refused: {error}", WARN)
            return str(error)
        self.solved("chunk")
        self.values["chunks_executed"] = int(self.values.get("chunks_executed", 0)) + 1
        if not self._require_approval:
            self._plan.publish(path_from_poses(good.poses, good.stamp_ns, self._base))
        return ""

    def _refusal_to_enable(self) -> str:
        """Why the arm must not be enabled now; empty when it may."""
        if not self.active:
            return "the node is not active"
        faults = (
            self._watchdog.reason(),
            self._wrong_pose,
            self._nodes.reason(),
            self._robot_fault,
            self._sensor_fault,
            self.executor_core.unfit,
            self._robot.doubt(),
            self._rival(),
        )
        return next(filter(None, faults), "")

    def _changed(self) -> None:
        """Motion was allowed or ended: what waits for approval is void."""
        self._approval.clear()
        self._executed.clear()

    # Commands.
    def activate(self) -> None:
        """Start the command thread; nothing is commanded until enabled."""
        self.get_logger().info(
            f"ready, disabled: call {self.resolve_service_name('~/enable')} (std_srvs/srv/SetBool, data: true) to let "
            "chunks move the arm"
        )
        self._closing = None
        sys.setswitchinterval(0.001)  # the command thread must not wait 5 ms for a callback's Python
        gc.collect()
        gc.freeze()
        self._chunks.start()
        self._loop.start()

    def deactivate(self) -> None:
        """Brake within the limits, then command nothing."""
        self._chunks.stop()
        with self.lock:
            self._closing = (self.now_ns(), time.monotonic())
            self.executor_core.disable()
            self._approval.clear()
        deadline = time.monotonic() + _BRAKING_SECONDS
        while self._loop.running and not self.executor_core.resting and time.monotonic() < deadline:
            time.sleep(self._period)
        self._loop.stop()
        self._teller.say(StateReport(reason="the node is not active"))

    def _time_ns(self) -> int:
        """ROS time; while the node is deactivated nobody hears /clock, and it goes on as the steady clock does."""
        if self._closing is None:
            return self.now_ns()
        return self._closing[0] + round((time.monotonic() - self._closing[1]) * 1e9)

    def _failed(self, error: Exception) -> None:
        """An exception of a tick: the arm is disabled, and without commands the driver's own timeout holds it."""
        with self.lock:
            self.executor_core.disable()
        self.complain("commands", f"commands stopped, the arm is disabled: {error!r}")
        self._teller.say(StateReport(FAULTED, f"commands stopped: {error!r}"))

    def _fail(self, reason: str) -> None:
        """A fault, where the arm is enabled."""
        with self.lock:
            self.executor_core.fail(reason)

    def _tick(self) -> None:
        silent, lost = self._watchdog.reason() or "", self._nodes.reason()
        if silent and not lost:
            lost = "; ".join(filter(None, (silent, self._nodes.suspects())))
        with self.lock:  # time is taken inside: a command waits here while the arm is enabled
            if lost:
                self.executor_core.fail(lost)
            now_ns, before_ns = self._time_ns(), self._ticked_ns
            if now_ns < before_ns:
                self._approval.clear()
            self._ticked_ns = now_ns
            command = self.executor_core.command(now_ns, None if silent else self._pose, self._pose_ns)
            report = self._teller.report(command, self._approval, time.monotonic())
        if command.pose is not None and command.fresh:
            self._target_pose.publish(pose_stamped(command.pose, command.time_ns, self._base))
            self._executed.note(command.pose, command.time_ns)
        if command.gripper_changed and command.openness is not None:
            self._gripper_command.publish(Float64(data=float(command.openness)))
        self.values["limited"] = command.reason if command.state == EXECUTING else ""
        self._teller.say(report)

    def _hint(self, before: str, report: StateReport) -> str:
        approve = self.resolve_service_name("~/approve")
        return approval_hint(self._plan.topic_name, approve, before, report, approval=self._require_approval)

    def _rival(self) -> str:
        """Who else publishes target_pose; empty when nobody does."""
        others = [f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in self.others("target_pose")]
        named = ", ".join(sorted(others))
        return (
            f"{self._target_pose.topic_name} is also published by {named}; stop it: one node commands an arm"
            if named
            else ""
        )

    def check(self) -> None:
        """Report the pose's silence, a second commander (a fault while enabled) and the command period."""
        rival = self._rival()
        if rival:
            self.complain("rival", rival)
            self._fail(rival)
        else:
            self.solved("rival")
        reason = self._watchdog.reason()
        if reason:
            self.complain("current_pose", f"{reason}; the driver must publish it", self.missing)
        else:
            self.solved("current_pose")
        waiting = self._chunks.pairing.incomplete()
        if waiting:
            self.values["incomplete_chunks"] = "; ".join(f"{i} lacks {', '.join(p)}" for i, p in waiting.items())
        self.values["period_ms"] = self._loop.periods()


def _finite(chunk) -> np.ndarray:
    return chunk.poses[np.isfinite(chunk.poses).all(axis=1)]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(ArmCommandNode, argv, leave_at_once=True)  # ruckig's binding complains of leaks at a usual end


if __name__ == "__main__":
    raise SystemExit(main())
