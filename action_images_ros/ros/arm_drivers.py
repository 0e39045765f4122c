"""Target poses to an arm's driver: one adapter per kind of interface, chosen by the table in `drivers/table.py`.

An adapter passes a command on or raises ValueError with the reason; `problem()` says what the driver lacks now. Nothing
is passed on while there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from ..drivers.commands import Throttle, xarm_pose
from ..drivers.inverse_kinematics import InverseKinematics
from ..drivers.message_types import MissingType, interface_type
from ..drivers.table import PoseInterface
from . import qos
from .conversions import duration_from_seconds, pose_stamped
from .endpoints import other_publishers

__all__ = ["ArmDriver", "ArmSettings", "JointState", "make_arm_driver"]

Array = npt.NDArray[np.float64]
_POSE_COMMANDS = 2  # moveit_msgs/srv/ServoCommandType POSE
_XARM_MODES = {"xarm_servo": 1, "xarm_position": 7}
_RETRY_S = 1.0  # between two attempts to prepare a driver
_FRESH_S = 0.5  # joint states older than this start no inverse kinematics
_ANSWER_S = 0.5  # a service that does not answer within this is asked again


@dataclass
class JointState:
    """The newest joint positions by name, and the steady second at which they came."""

    positions: dict[str, float] = field(default_factory=dict)
    at_s: float = -np.inf


@dataclass(frozen=True)
class ArmSettings:
    """What an adapter has to know. target: name of the topic or service. joints: their order for the driver, empty:
    that of the chain. lookahead_s: time given to reach a joint target. max_joint_step: rad, between two commands.
    linear_speed, linear_acceleration: m/s and m/s^2 handed to drivers that plan themselves.
    """

    interface: PoseInterface
    target: str
    base_frame: str
    joints: tuple[str, ...] = ()
    lookahead_s: float = 0.1
    max_joint_step: float = 0.1
    linear_speed: float = 0.1
    linear_acceleration: float = 0.5


class ArmDriver(Protocol):
    """Passes poses `[7]` of the tool in the base on to a driver."""

    settings: ArmSettings

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Pass a target on. Raises ValueError when it must not or cannot be followed."""

    def prepare(self, steady_s: float) -> None:
        """Called a few times a second: switch the driver to the mode it needs."""

    def problem(self, steady_s: float) -> str:
        """What the driver lacks, or an empty string."""

    def close(self) -> None:
        """Give publishers and clients back."""


class _TopicDriver:
    """What publishing adapters share: a publisher, and whether somebody listens."""

    def __init__(self, node: Node, settings: ArmSettings, kind: type, profile: QoSProfile = qos.COMMAND) -> None:
        self._node, self.settings = node, settings
        self._publisher = node.create_publisher(kind, settings.target, profile)

    def prepare(self, steady_s: float) -> None:
        """Nothing to prepare."""

    def problem(self, steady_s: float) -> str:
        """Nobody listens, or somebody else commands too."""
        name = self._publisher.topic_name
        others = [info.node_name for info in other_publishers(self._node, name)]
        if others:
            return f"{name} is also published by {', '.join(sorted(others))}; stop it: one node commands an arm"
        if not self._publisher.get_subscription_count():
            return (
                f"nobody subscribes to {name}; start the driver's controller ({self.settings.interface.what}) or "
                "set pose_target"
            )
        return ""

    def close(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._publisher)


class DirectDriver:
    """The driver subscribes to arm_command's target_pose itself: only its presence is watched."""

    def __init__(self, node: Node, settings: ArmSettings) -> None:
        self._node, self.settings = node, settings
        self._topic = node.resolve_topic_name(settings.target)
        self._own = node.resolve_topic_name("target_pose")

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Nothing: the driver has the message already."""

    def prepare(self, steady_s: float) -> None:
        """Nothing to prepare."""

    def problem(self, steady_s: float) -> str:
        """The driver does not listen, or somebody else commands too."""
        if self._topic != self._own:
            return (
                f"pose_target is {self._topic}, arm_command publishes {self._own}; start the graph in the driver's "
                "namespace, or remap the driver"
            )
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        if len(publishers) > 1:
            names = ", ".join(sorted(info.node_name for info in publishers))
            return f"{self._topic} has {len(publishers)} publishers ({names}); the driver ignores all of them: keep one"
        own = {"robot_bridge", "cell"}
        listeners = self._node.get_subscriptions_info_by_topic(self._topic)
        if all(info.node_name in own for info in listeners):
            return f"nobody subscribes to {self._topic}; start the driver's controller ({self.settings.interface.what})"
        return ""

    def close(self) -> None:
        """Nothing to give back."""


class AbsentDriver:
    """A driver whose message package is not installed: nothing is passed on, and the package is named."""

    def __init__(self, settings: ArmSettings, reason: str) -> None:
        self.settings, self._reason = settings, reason

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Refuse."""
        raise ValueError(self._reason)

    def prepare(self, steady_s: float) -> None:
        """Nothing to prepare."""

    def problem(self, steady_s: float) -> str:
        """The package to install."""
        return self._reason

    def close(self) -> None:
        """Nothing to give back."""


class PoseTopicDriver(_TopicDriver):
    """PoseStamped in metres in the base frame: cartesian_controllers' target_frame."""

    def __init__(self, node: Node, settings: ArmSettings) -> None:
        super().__init__(node, settings, PoseStamped)

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Publish the pose."""
        self._publisher.publish(pose_stamped(pose7, stamp_ns, self.settings.base_frame))


class ServoDriver(PoseTopicDriver):
    """MoveIt Servo: its command type is switched to POSE, again after Servo was restarted."""

    def __init__(self, node: Node, settings: ArmSettings) -> None:
        super().__init__(node, settings)
        self._type = interface_type("moveit_msgs/srv/ServoCommandType")
        service = (
            settings.target.rsplit("/", 1)[0] + "/switch_command_type"
            if "/" in settings.target
            else "switch_command_type"
        )
        self._switch = _Call(node, self._type, service)
        self._ready = False

    def prepare(self, steady_s: float) -> None:
        """Ask Servo for its POSE command type until it agrees."""
        if not self._switch.present:
            self._ready = False
            return
        answer = self._switch.answer()
        if answer is not None:
            self._ready = bool(answer.success)
        if not self._ready:
            self._switch.ask(self._type.Request(command_type=_POSE_COMMANDS), steady_s, _RETRY_S)

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Publish the pose once Servo takes poses."""
        if not self._ready:
            raise ValueError(f"{self._switch.name} has not answered; MoveIt Servo does not take poses yet")
        super().send(pose7, stamp_ns, steady_s)

    def problem(self, steady_s: float) -> str:
        """As for a topic, and the command type."""
        if not self._switch.present:
            return f"the service {self._switch.name} is not there; start MoveIt Servo (moveit_servo servo_node)"
        missing = super().problem(steady_s)
        return missing or ("" if self._ready else f"{self._switch.name} refuses the command type POSE (2)")

    def close(self) -> None:
        """Destroy publisher and client."""
        self._switch.close()
        super().close()


class JointDriver(_TopicDriver):
    """Joint targets through inverse kinematics: joint_trajectory_controller or forward_command_controller."""

    def __init__(self, node: Node, settings: ArmSettings, joints: JointState) -> None:
        self._trajectory = settings.interface.name == "joint_trajectory"
        super().__init__(node, settings, JointTrajectory if self._trajectory else Float64MultiArray)
        self.solver: InverseKinematics | None = None
        self._joints = joints
        self._throttle = Throttle(settings.interface.rate_hz[1])
        self._last: tuple[float, dict[str, float]] | None = None

    def _names(self) -> tuple[str, ...]:
        assert self.solver is not None
        return self.settings.joints or self.solver.joints

    def problem(self, steady_s: float) -> str:
        """As for a topic, and what the inverse kinematics lacks."""
        if self.solver is None:
            return "robot_description has not come; start robot_state_publisher: inverse kinematics needs it"
        missing = sorted(set(self.solver.joints) - set(self._joints.positions))
        if missing:
            return f"joint_states lacks {', '.join(missing)}; start the joint state broadcaster"
        if set(self._names()) != set(self.solver.joints):
            return (
                f"joints is {list(self._names())}, the chain has {list(self.solver.joints)}; name exactly these in "
                "the controller's order"
            )
        if steady_s - self._joints.at_s > _FRESH_S:
            return f"joint_states are {steady_s - self._joints.at_s:.1f} s old; check the joint state broadcaster"
        return super().problem(steady_s)

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Solve for the joints from the last command, or from where the arm is, and publish them."""
        if not self._throttle.ready(steady_s):
            return
        problem = self.problem(steady_s)
        if problem:
            raise ValueError(problem)
        assert self.solver is not None
        start = self._start(steady_s)
        found = self.solver.solve(pose7, start, max_step=self.settings.max_joint_step)
        target = dict(zip(self.solver.joints, found.tolist(), strict=True))
        self._last = (steady_s, {**start, **target})
        positions = [target[name] for name in self._names()]
        if not self._trajectory:
            self._publisher.publish(Float64MultiArray(data=positions))
            return
        point = JointTrajectoryPoint(
            positions=positions, time_from_start=duration_from_seconds(self.settings.lookahead_s)
        )
        self._publisher.publish(JointTrajectory(joint_names=list(self._names()), points=[point]))

    def _start(self, steady_s: float) -> Mapping[str, float]:
        if self._last is not None and steady_s - self._last[0] < _FRESH_S:
            return {**self._joints.positions, **self._last[1]}
        return dict(self._joints.positions)


class XarmDriver:
    """xarm_ros2's services, in mm and rad. Mode 1 takes every command at once, mode 7 plans from sparse ones."""

    def __init__(self, node: Node, settings: ArmSettings) -> None:
        self.settings = settings
        self._type = interface_type(settings.interface.type)
        self._int16 = interface_type("xarm_msgs/srv/SetInt16")
        self._mode = _XARM_MODES[settings.interface.name]
        prefix = settings.target.rsplit("/", 1)[0] + "/" if "/" in settings.target else ""
        self._move = _Call(node, self._type, settings.target)
        self._steps = [
            (_Call(node, self._int16, f"{prefix}set_mode"), self._mode),
            (_Call(node, self._int16, f"{prefix}set_state"), 0),
        ]
        self._throttle = Throttle(settings.interface.rate_hz[1])
        self._prepared, self._refusal = 0, ""

    def prepare(self, steady_s: float) -> None:
        """Set the mode, then the state, until both are answered with 0."""
        if not self._move.present:
            self._prepared = 0
        if self._prepared == len(self._steps) or not self._move.present:
            return
        call, value = self._steps[self._prepared]
        answer = call.answer()
        if answer is not None and answer.ret == 0:
            self._prepared += 1
            return
        if answer is not None:
            self._refusal = f"{call.name} {value} returned {answer.ret} {answer.message}".rstrip()
        call.ask(self._int16.Request(data=value), steady_s, _RETRY_S)

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Call the service; while the last call waits for its answer, a target is passed over."""
        if not self._throttle.ready(steady_s):
            return
        problem = self.problem(steady_s)
        if problem:
            raise ValueError(problem)
        request = self._type.Request(pose=xarm_pose(pose7), wait=False)
        if self._mode == 7:
            request.speed = 1000.0 * self.settings.linear_speed
            request.acc = 1000.0 * self.settings.linear_acceleration
        answer = self._move.answer()
        if answer is not None and answer.ret != 0:
            self._prepared = 0  # an error of the arm takes it out of its mode
            self._refusal = f"{self._move.name} returned {answer.ret} {answer.message}".rstrip()
            raise ValueError(f"{self._refusal}; clear the arm's error and look at its state")
        self._move.ask(request, steady_s, 0.0)

    def problem(self, steady_s: float) -> str:
        """The service is not there, or the arm is not in its mode."""
        if not self._move.present:
            service = self._move.name.rsplit("/", 1)[1]
            return (
                f"the service {self._move.name} is not there; start xarm_api with services.{service}: true in "
                "xarm_user_params.yaml, or set pose_target"
            )
        if self._prepared < len(self._steps):
            return f"the arm is not in mode {self._mode}: {self._refusal or 'set_mode and set_state have not answered'}"
        return ""

    def close(self) -> None:
        """Destroy the clients."""
        for call in (self._move, *(call for call, _ in self._steps)):
            call.close()


class _Call:
    """One service, asked without waiting: at most one question is open."""

    def __init__(self, node: Node, kind: Any, name: str) -> None:
        self._node = node
        self._client = node.create_client(kind, name)
        self._open: Any = None
        self._asked_s = -np.inf
        self.name: str = self._client.srv_name

    @property
    def present(self) -> bool:
        """Whether the service is there."""
        return bool(self._client.service_is_ready())

    def ask(self, request: Any, steady_s: float, pause_s: float) -> bool:
        """Send a request unless one is open, or the last was sent less than `pause_s` ago; whether it was sent."""
        if self._open is not None and steady_s - self._asked_s < _ANSWER_S:
            return False
        if steady_s - self._asked_s < pause_s or not self.present:
            return False
        if self._open is not None:
            self._client.remove_pending_request(self._open)
        self._open, self._asked_s = self._client.call_async(request), steady_s
        return True

    def answer(self) -> Any:
        """The answer to the open question, once; None while there is none."""
        if self._open is None or not self._open.done():
            return None
        future, self._open = self._open, None
        return future.result()

    def close(self) -> None:
        """Destroy the client."""
        self._node.destroy_client(self._client)


def make_arm_driver(node: Node, settings: ArmSettings, joints: JointState) -> ArmDriver:
    """The adapter for `settings.interface`; where its message package is missing, one that says so."""
    try:
        return _make(node, settings, joints)
    except MissingType as error:
        return AbsentDriver(settings, f"pose_interface is {settings.interface.name!r}: {error}")


def _make(node: Node, settings: ArmSettings, joints: JointState) -> ArmDriver:
    if settings.interface.direct:
        return DirectDriver(node, settings)
    if settings.interface.name == "moveit_servo":
        return ServoDriver(node, settings)
    if settings.interface.joints:
        return JointDriver(node, settings, joints)
    if settings.interface.name in _XARM_MODES:
        return XarmDriver(node, settings)
    return PoseTopicDriver(node, settings)
