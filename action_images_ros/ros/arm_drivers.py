"""Target poses to an arm's driver: one adapter per kind of interface, chosen by the table in `drivers/table.py`.

An adapter passes a command on or raises ValueError with the reason; `problem()` says what the driver lacks now. Nothing
is passed on while there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from ..drivers.commands import Throttle
from ..drivers.inverse_kinematics import InverseKinematics
from ..drivers.message_types import MissingType, interface_type
from . import qos
from .arm_settings import ArmSettings, JointState
from .conversions import duration_from_seconds, pose_stamped
from .endpoints import other_publishers
from .service_call import ServiceCall
from .xarm_driver import XARM_MODES, XarmDriver

__all__ = ["ArmDriver", "ArmSettings", "JointState", "make_arm_driver"]

Array = npt.NDArray[np.float64]
_POSE_COMMANDS = 2  # moveit_msgs/srv/ServoCommandType POSE
_RETRY_S = 1.0  # between two attempts to prepare a driver
_FRESH_S = 0.5  # joint states older than this start no inverse kinematics


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
        self._switch = ServiceCall(node, self._type, service)
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
    if settings.interface.name in XARM_MODES:
        return XarmDriver(node, settings)
    return PoseTopicDriver(node, settings)
