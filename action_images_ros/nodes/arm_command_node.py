"""Chunks of poses in, limited commands out, at a fixed rate whatever the model is doing.

Starts disabled. A thread of its own, timed by the steady clock, asks the executor for the command of the moment; the
callbacks only hand it messages. `~/stop` brakes and holds; it is no emergency stop.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from dataclasses import replace

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from std_msgs.msg import Float64, UInt64
from std_srvs.srv import SetBool, Trigger

from ..control.approval import Approval
from ..control.chunk import Chunk
from ..control.executor import ChunkExecutor, ChunkRejected, Command
from ..control.settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits, WatchSettings
from ..control.states import EXECUTING, FAULTED, HOLDING, IDLE, PROPOSED, StateReport
from ..control.watchdog import Watchdog
from ..parameter import specs
from ..ros.chunk_reader import ChunkReader
from ..ros.conversions import path_from_poses, pose7_from_pose_stamped, pose_stamped, stamp_from_ns
from ..ros.graph_node import ERROR, WARN, GraphNode, stamp_of
from ..ros.node_parameters import ArmCommandParameters
from ..ros.node_watch import NodeWatch
from ..ros.robot_limits import RobotLimits
from ..ros.run_node import run_node
from ..ros.state_messages import state_message
from ..ros.steady_loop import SteadyLoop

_BRAKING_SECONDS = 2.0  # given to the arm to come to rest when the node is deactivated
_EXECUTED_POSES = 200  # kept for rviz
_EXECUTED_SECONDS = 0.1  # between two of them


class ArmCommandNode(GraphNode):
    """Node `arm_command`."""

    live_parameters = frozenset(
        spec.name for kind in (Limits, ExecutorSettings, AcceptanceRules, GripperSettings) for spec in specs(kind)
    ) | {"rate", "require_approval", "approval_timeout", "pose_timeout"}

    executor_core: ChunkExecutor  # set by `configure`

    def __init__(self, **kwargs) -> None:
        super().__init__("arm_command", **kwargs)
        self._told = StateReport(reason="the node is not active")

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
        self._robot = RobotLimits(self, self._base)
        self.executor_core = ChunkExecutor(
            self.parameters(Limits),
            period_s=self._period,
            settings=self.parameters(ExecutorSettings),
            rules=self.parameters(AcceptanceRules),
            gripper=self.parameters(GripperSettings),
            check=self._robot.check,
        )
        self._watchdog = Watchdog({"current_pose": own.pose_timeout})
        self._answer = ""
        self._closing: tuple[int, float] | None = None
        self._pose: np.ndarray | None = None
        self._pose_ns: int | None = None
        self._enabled_ns = 0
        self._executed: deque[PoseStamped] = deque(maxlen=_EXECUTED_POSES)
        self._executed_at = 0.0
        self._target_pose = self.advertise("target_pose")
        self._gripper_command = self.advertise("gripper_command")
        self._plan = self.advertise("plan")
        self._executed_path = self.advertise("executed")
        self._state_publisher = self.advertise("arm_command/state")
        self._chunks = ChunkReader(self, self._base, self._on_chunk)
        self.listen("current_pose", self._on_pose)
        self._robot_fault = self._sensor_fault = ""
        self.listen("robot_check", self._on_robot_check)
        self._nodes = NodeWatch(self, self.parameters(WatchSettings))
        self.listen("sensor_check", self._on_sensor_check)
        self.serve(SetBool, "~/enable", self._on_enable)
        self.listen("arm_command/approve_id", self._on_approve_id)
        self.serve(Trigger, "~/approve", self._on_approve)
        self.serve(Trigger, "~/reject", self._on_reject)
        self.serve(Trigger, "~/stop", self._on_stop)
        self.every(0.5, self._publish_executed)
        self._say(StateReport(reason="the node is not active"))

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
        self.get_logger().info(
            f"set: {', '.join(f'{name} {self.get_parameter(name).value}' for name in sorted(names))}"
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

    def _on_sensor_check(self, message: DiagnosticStatus) -> None:
        """What the policy thinks of its sensors: a doubt holds the arm, one that lasts is a fault."""
        self._sensor_fault = message.message if message.level == ERROR else ""
        if message.level not in (WARN, ERROR):
            return
        with self.lock:
            self._enabled_ns = max(self._enabled_ns, self.now_ns())  # chunks of pictures before it are on their way
            self._approval.clear()
            if message.level == ERROR:
                self.executor_core.fail(message.message)
            else:
                self.executor_core.hold(message.message)

    def _on_chunk(self, chunk: Chunk) -> None:
        """A complete chunk, in the thread that reads chunks."""
        with self.lock:
            if not self.executor_core.enabled or chunk.stamp_ns < self._enabled_ns:
                return  # what was seen before the arm was enabled must not move it
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
            joints = self._robot.joints()
            with self.lock:
                good, enabled_ns = core.judged(chunk, self.now_ns()), self._enabled_ns
            good = core.checked(good, joints)  # takes milliseconds, without the lock: commands go on meanwhile
            with self.lock:
                if self._enabled_ns != enabled_ns:
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

    # Services.
    def _on_enable(self, request, response):
        with self.lock:
            if request.data and not self.active:
                response.success, response.message = False, "the node is not active"
                return response
            faults = (self._nodes.reason(), self._robot_fault, self._sensor_fault, self._rival())
            silence = self._watchdog.reason() or next(filter(None, faults), "")
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

    def _approve(self, chunk_ns: int | None = None) -> str:
        """Execute the chunk that waits, if it is the one of this id; why it is refused, else an empty string."""
        with self.lock:
            steady, now_ns = time.monotonic(), self.now_ns()
            named = self._approval.waiting(steady) if chunk_ns is None else chunk_ns
            refusal = self._approval.refusal(steady, chunk_ns)
            chunk = self._approval.approve(steady, now_ns, chunk_ns)
            if chunk is not None:
                refusal = self._execute(chunk)
            about = "" if named is None else f"{named} "
            self._answered(f"{about}refused: {refusal}" if refusal else f"{about}approved")
        return refusal

    def _on_approve_id(self, message: UInt64) -> None:
        refusal = self._approve(int(message.data))
        if refusal:
            self.complain("approval", f"approval of chunk {message.data} is refused: {refusal}", WARN)
        else:
            self.solved("approval")

    def _on_approve(self, _, response):
        refusal = self._approve()
        response.success, response.message = not refusal, refusal or self._answer
        return response

    def _on_reject(self, _, response):
        with self.lock:
            waiting = self._approval.waiting(time.monotonic())
            response.success = self._approval.clear()
            response.message = "rejected" if response.success else "nothing waits for approval"
            if response.success:
                self._answered(f"{waiting} rejected")
        return response

    def _answered(self, answer: str) -> None:
        """Let the state say what became of an approval or rejection, also when it says the same as before."""
        self._answer, self._told = answer, replace(self._told, answer="")

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
        self._say(StateReport(reason="the node is not active"))

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
        self._say(StateReport(FAULTED, f"commands stopped: {error!r}"))

    def _tick(self) -> None:
        reason, lost = self._watchdog.reason(), self._nodes.reason()
        with self.lock:  # time is taken inside: a command waits here while the arm is enabled
            if lost:
                self.executor_core.fail(lost)
            command = self.executor_core.command(self._time_ns(), None if reason else self._pose, self._pose_ns)
            report = self._report(command, time.monotonic())
        if command.pose is not None and command.fresh:
            self._target_pose.publish(pose_stamped(command.pose, command.time_ns, self._base))
            self._remember(command.pose, command.time_ns)
        if command.gripper_changed and command.openness is not None:
            self._gripper_command.publish(Float64(data=float(command.openness)))
        self.values["limited"] = command.reason if command.state == EXECUTING else ""
        self._say(report)

    def _report(self, command: Command, steady: float) -> StateReport:
        """The node's state: the executor's, or that a chunk waits for a person."""
        waiting, state, reason = self._approval.waiting(steady), command.state, command.reason
        if waiting is not None and state in (IDLE, HOLDING):
            told = f"chunk {waiting} waits for approval: publish its id on ~/approve_id, or call ~/reject"
            return StateReport(PROPOSED, told, waiting, self._answer)
        if waiting is not None and state != EXECUTING:
            self._approval.clear()
        if state == EXECUTING:
            return StateReport(state, "", self._approval.id_of(command.chunk_stamp_ns), self._answer)
        return StateReport(state, reason, None, self._answer)

    def _say(self, report: StateReport) -> None:
        """Publish the state where it has changed; diagnostics say the same."""
        if report.gist == self._told.gist and self.values.get("state"):
            return
        self._tell_user(self._told.state, report)
        self._told = report
        self._state_publisher.publish(state_message(report, self.get_fully_qualified_name().lstrip("/")))
        state, reason = report.state, report.reason
        chunk = "" if report.chunk_ns is None else report.chunk_ns
        self.values.update(state=state, reason=reason, chunk_id=chunk, approval=report.answer)
        if state == HOLDING:
            self.complain("hold", f"holding: {reason}", WARN)
        else:
            self.solved("hold")
        if state == FAULTED:
            self.complain("fault", f"disabled by a fault: {reason}; ~/enable when it is mended")
        else:
            self.solved("fault")

    def _tell_user(self, before: str, report: StateReport) -> None:
        """One line of the log that says what a person does next."""
        if report.state == PROPOSED and before != PROPOSED:
            self.get_logger().info(
                f"a chunk waits for approval: look at {self._plan.topic_name}, then call "
                f"{self.resolve_service_name('~/approve')} or ~/reject (std_srvs/srv/Trigger)"
            )
        elif before == EXECUTING and report.state == HOLDING and self._require_approval:
            self.get_logger().info(f"done: {report.reason}; the next chunk waits for approval")

    def _remember(self, pose: np.ndarray, now_ns: int) -> None:
        if time.monotonic() - self._executed_at >= _EXECUTED_SECONDS:
            self._executed_at = time.monotonic()
            self._executed.append(pose_stamped(pose, now_ns, self._base))

    def _publish_executed(self) -> None:
        if self._executed and self._executed_path.get_subscription_count():
            message = Path(poses=list(self._executed))
            message.header.stamp, message.header.frame_id = stamp_from_ns(self.now_ns()), self._base
            self._executed_path.publish(message)

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
            with self.lock:
                self.executor_core.fail(rival)
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
