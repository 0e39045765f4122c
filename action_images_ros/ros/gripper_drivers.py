"""Openness 0..1 to a gripper's driver: actions, services and topics, by the table in `drivers/table.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rclpy.node import Node
from std_msgs.msg import Float64MultiArray

from ..drivers.commands import gripper_position
from ..drivers.message_types import MissingType, interface_type
from ..drivers.table import GripperInterface
from . import qos

__all__ = ["GripperDriver", "GripperSettings", "make_gripper_driver"]

_GRASP_BELOW = 0.05  # openness below which the Franka hand grasps with force instead of moving


@dataclass(frozen=True)
class GripperSettings:
    """target: name of the action, service or topic (franka_hand: of the gripper's node). closed, opened: the driver's
    command at openness 0 and 1. joint: name that a ParallelGripperCommand carries. speed: m/s; force: N (or Nm).
    """

    interface: GripperInterface
    target: str
    closed: float
    opened: float
    joint: str = ""
    speed: float = 0.1
    force: float = 20.0


class GripperDriver(Protocol):
    """Passes openness on to a driver."""

    settings: GripperSettings

    def send(self, openness: float) -> None:
        """Pass it on. Raises ValueError when it is out of range."""

    def problem(self) -> str:
        """What the driver lacks or answered, or an empty string."""

    def close(self) -> None:
        """Give publishers and clients back."""


class DirectGripper:
    """The driver subscribes to gripper_command itself."""

    def __init__(self, node: Node, settings: GripperSettings) -> None:
        self._node, self.settings = node, settings
        self._topic = node.resolve_topic_name(settings.target)

    def send(self, openness: float) -> None:
        """Nothing: the driver has the message already."""

    def problem(self) -> str:
        """Nobody but the graph itself listens."""
        own = {"policy", "label", "robot_bridge"}
        if [info for info in self._node.get_subscriptions_info_by_topic(self._topic) if info.node_name not in own]:
            return ""
        return f"nobody subscribes to {self._topic}; start the gripper's driver or set gripper_interface"

    def close(self) -> None:
        """Nothing to give back."""


class AbsentGripper:
    """A driver whose message package is not installed: nothing is passed on, and the package is named."""

    def __init__(self, settings: GripperSettings, reason: str) -> None:
        self.settings, self._reason = settings, reason

    def send(self, openness: float) -> None:
        """Refuse."""
        raise ValueError(self._reason)

    def problem(self) -> str:
        """The package to install."""
        return self._reason

    def close(self) -> None:
        """Nothing to give back."""


class TopicGripper:
    """Float64MultiArray of one position: forward_command_controller."""

    def __init__(self, node: Node, settings: GripperSettings) -> None:
        self._node, self.settings = node, settings
        self._publisher = node.create_publisher(Float64MultiArray, settings.target, qos.COMMAND)

    def send(self, openness: float) -> None:
        """Publish the position."""
        position = gripper_position(openness, self.settings.closed, self.settings.opened)
        self._publisher.publish(Float64MultiArray(data=[position]))

    def problem(self) -> str:
        """Nobody listens."""
        return (
            ""
            if self._publisher.get_subscription_count()
            else (
                f"nobody subscribes to {self._publisher.topic_name}; "
                "start the gripper's controller or set gripper_target"
            )
        )

    def close(self) -> None:
        """Destroy the publisher."""
        self._node.destroy_publisher(self._publisher)


class XarmGripper:
    """xarm_ros2's set_gripper_position: 0..850."""

    def __init__(self, node: Node, settings: GripperSettings) -> None:
        self._node, self.settings, self._answer = node, settings, ""
        self._type = interface_type(settings.interface.type)
        self._client = node.create_client(self._type, settings.target)

    def send(self, openness: float) -> None:
        """Call the service without waiting for the fingers."""
        position = gripper_position(openness, self.settings.closed, self.settings.opened)
        future = self._client.call_async(self._type.Request(pos=position, wait=False))
        future.add_done_callback(self._on_answer)

    def _on_answer(self, future: Any) -> None:
        answer = future.result()
        failure = f"{self._client.srv_name} returned {answer.ret} {answer.message}".rstrip()
        self._answer = "" if answer.ret == 0 else failure

    def problem(self) -> str:
        """The service is not there, or its last answer was an error."""
        if not self._client.service_is_ready():
            return (
                f"the service {self._client.srv_name} is not there; start xarm_api with services."
                "set_gripper_position: true, or set gripper_target"
            )
        return self._answer

    def close(self) -> None:
        """Destroy the client."""
        self._node.destroy_client(self._client)


class ActionGripper:
    """Goals of one or two actions; the newest wins: an older goal that still runs is cancelled."""

    def __init__(self, node: Node, settings: GripperSettings, make_client: Callable[..., Any] | None = None) -> None:
        if make_client is None:
            from rclpy.action import ActionClient

            make_client = ActionClient
        self.settings = settings
        self._types, names = _actions(settings)
        self._clients = {key: make_client(node, kind, names[key]) for key, kind in self._types.items()}
        self._names = names
        self._handle: Any = None
        self._sent, self._answer = 0, ""

    def send(self, openness: float) -> None:
        """Send the goal for that openness."""
        gripper_position(openness, self.settings.closed, self.settings.opened)
        key, goal = _goal(self.settings, self._types, float(openness))
        if self._handle is not None:
            self._handle.cancel_goal_async()
            self._handle = None
        self._sent += 1
        future = self._clients[key].send_goal_async(goal)
        future.add_done_callback(lambda done, number=self._sent: self._on_accepted(done, number, key))

    def _on_accepted(self, future: Any, number: int, key: str) -> None:
        handle = future.result()
        if not handle.accepted:
            self._answer = f"{self._names[key]} refused the goal; look at the gripper driver's log"
            return
        self._answer = ""
        if number != self._sent:
            handle.cancel_goal_async()
            return
        self._handle = handle
        handle.get_result_async().add_done_callback(lambda done: self._on_result(done, number, key))

    def _on_result(self, future: Any, number: int, key: str) -> None:
        if number != self._sent:
            return
        self._handle = None
        result = future.result().result
        error = getattr(result, "error", "")
        self._answer = f"{self._names[key]} failed: {error}" if error and not getattr(result, "success", True) else ""

    def problem(self) -> str:
        """An action server is not there, or its last answer was an error."""
        for key, client in self._clients.items():
            if not client.server_is_ready():
                return (
                    f"the action {self._names[key]} is not there; start the gripper's driver "
                    f"({self.settings.interface.what}) or set gripper_target"
                )
        return self._answer

    def close(self) -> None:
        """Destroy the clients."""
        for client in self._clients.values():
            client.destroy()


def _actions(settings: GripperSettings) -> tuple[dict[str, Any], dict[str, str]]:
    if settings.interface.name == "franka_hand":
        kinds = {key: interface_type(f"franka_msgs/action/{key}") for key in ("Move", "Grasp")}
        return kinds, {key: f"{settings.target}/{key.lower()}" for key in kinds}
    return {"goal": interface_type(settings.interface.type)}, {"goal": settings.target}


def _goal(settings: GripperSettings, types: dict[str, Any], openness: float) -> tuple[str, Any]:
    position = gripper_position(openness, settings.closed, settings.opened)
    if settings.interface.name == "franka_hand":
        if openness > _GRASP_BELOW:
            return "Move", types["Move"].Goal(width=position, speed=settings.speed)
        goal = types["Grasp"].Goal(width=position, speed=settings.speed, force=settings.force)
        goal.epsilon.inner = goal.epsilon.outer = abs(settings.opened - settings.closed)  # whatever lies between
        return "Grasp", goal
    goal = types["goal"].Goal()
    if settings.interface.name == "robotiq":
        goal.command.name, goal.command.position = [settings.joint], [position]
        goal.command.effort = [settings.force] if settings.force > 0 else []
    else:
        goal.command.position, goal.command.max_effort = position, settings.force
    return "goal", goal


def make_gripper_driver(node: Node, settings: GripperSettings) -> GripperDriver:
    """The adapter for `settings.interface`; where its message package is missing, one that says so."""
    if settings.interface.direct:
        return DirectGripper(node, settings)
    makers: dict[str, Callable[[Node, GripperSettings], GripperDriver]] = {
        "topic": TopicGripper,
        "service": XarmGripper,
        "action": ActionGripper,
    }
    try:
        return makers[settings.interface.kind](node, settings)
    except MissingType as error:
        return AbsentGripper(settings, f"gripper_interface is {settings.interface.name!r}: {error}")
