"""Base class of every node: lifecycle with autostart, diagnostics, heartbeat, typed topics.

A node is a lifecycle node that configures and activates itself unless `autostart` is false. It reports problems by
key: each is logged (at most once in a while) and shown in /diagnostics until it is solved.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.serialization import deserialize_message
from std_msgs.msg import Header

from ..interfaces import nodes as node_table
from ..interfaces import topics
from . import qos
from .conversions import ns_from_stamp
from .endpoints import other_publishers
from .guarded_node import ERROR, OK, WARN
from .node_parameters import CommonParameters
from .once import Once
from .parameter_node import ParameterNode

__all__ = ["ERROR", "OK", "WARN", "GraphNode", "stamp_of"]


class GraphNode(ParameterNode):
    """Base of the nodes. Subclasses write `configure()`, `activate()`, `deactivate()`, `cleanup()` as needed.

    `configure()` raises ValueError (ParameterError included) on an error: it is reported and the node stays
    unconfigured.
    """

    heartbeat_seconds = 0.1
    diagnostics_seconds = 0.5
    start_up_seconds = 10.0

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.autostart = self.parameters(CommonParameters).autostart
        self.values: dict[str, Any] = {}
        self._mine: list[tuple[Callable, Any]] = []
        self._niced = 0
        self._active_since = 0.0
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.EVENTS)
        self._heartbeat = self.create_publisher(Header, "~/heartbeat", qos.EVENTS)
        self.create_timer(self.heartbeat_seconds, self._beat, clock=self.steady)
        self.create_timer(self.diagnostics_seconds, self._diagnose, clock=self.steady)

    # To be written by subclasses.
    def configure(self) -> None:
        """Read parameters, make publishers and subscriptions."""

    def activate(self) -> None:
        """Begin to work."""

    def deactivate(self) -> None:
        """Stop working; publishers and subscriptions stay."""

    def cleanup(self) -> None:
        """Forget what was configured; publishers, subscriptions and timers made here are destroyed afterwards."""

    def check(self) -> None:
        """Report missing inputs; called before diagnostics are published."""

    # Topics, by the table.
    def advertise(self, name: str, camera: str | None = None):
        """A publisher for a row of the table of topics."""
        row = self._row(name, publishes=True)
        publisher = self.create_publisher(
            topics.message_type(row.type), topics.topic_name(name, camera), qos.PROFILES[row.qos]
        )
        self._mine.append((self.destroy_publisher, publisher))
        return publisher

    def listen(
        self,
        name: str,
        callback: Callable[[Any], None],
        camera: str | None = None,
        *,
        raw_depth: int = 0,
        max_bytes: int = 0,
    ):
        """A subscription to a row of the table of topics; with raw_depth to serialised messages, so many of which may
        wait; with max_bytes a serialised message that is longer is refused unread, with a complaint."""
        row = self._row(name, publishes=False)
        if max_bytes:
            callback = self._bounded(
                topics.topic_name(name, camera), topics.message_type(row.type), max_bytes, callback
            )
            raw_depth = raw_depth or qos.PROFILES[row.qos].depth
        profile = qos.deeper(qos.PROFILES[row.qos], raw_depth) if raw_depth else qos.PROFILES[row.qos]
        kind, topic = topics.message_type(row.type), topics.topic_name(name, camera)
        once = Once(callback) if row.said_by_user else None
        heard = callback if once is None else once.hears("latched")
        subscription = self.create_subscription(kind, topic, heard, profile, raw=raw_depth > 0)
        self._mine.append((self.destroy_subscription, subscription))
        if once is not None:
            # What a person says with `ros2 topic pub` is volatile: a transient local subscription never hears it.
            volatile = self.create_subscription(
                kind, topic, once.hears("volatile"), qos.volatile(profile), raw=raw_depth > 0
            )
            self._mine.append((self.destroy_subscription, volatile))
        return subscription

    def _bounded(
        self, topic: str, kind: type, max_bytes: int, callback: Callable[[Any], None]
    ) -> Callable[[bytes], None]:
        """`callback` for serialised messages of at most max_bytes: reading a huge one would keep all others waiting."""
        key = f"size of {topic}"

        def take(data: bytes) -> None:
            if len(data) > max_bytes:
                self.complain(key, f"{topic} of {len(data)} bytes is refused unread; send at most {max_bytes}", WARN)
                return
            if key in self._problems:
                self.solved(key)
            callback(deserialize_message(bytes(data), kind))

        return take

    def hear(self, kind: type, topic: str, profile: qos.QoSProfile, callback: Callable[[bytes], None]) -> None:
        """A subscription to serialised messages of a topic that is in no table, such as heartbeats."""
        self._mine.append(
            (self.destroy_subscription, self.create_subscription(kind, topic, callback, profile, raw=True))
        )

    def _row(self, name: str, *, publishes: bool) -> topics.Topic:
        row = topics.topic(name)
        side = "publishers" if publishes else "subscribers"
        named = {
            *(row.publishers + row.instead if publishes else row.subscribers),
            *(("robot_bridge",) if "driver" in row.outside else ()),
        }
        if self.get_name() not in named and self.get_name() in {n.name for n in node_table.NODES}:
            raise KeyError(f"{self.get_name()} is not among the {side} of {name} in the table of topics")
        return row

    def serve(self, kind: type, name: str, callback: Callable[[Any, Any], Any], group: CallbackGroup | None = None):
        """A service that lives until cleanup; group: see `OwnThread`."""
        service = self.create_service(kind, name, callback, callback_group=group)
        self._mine.append((self.destroy_service, service))
        return service

    def ask(self, kind: type, name: str):
        """A client of another node's service that lives until cleanup."""
        client = self.create_client(kind, name)
        self._mine.append((self.destroy_client, client))
        return client

    def every(self, seconds: float, callback: Callable[[], None]):
        """A timer on the steady clock that lives until cleanup."""
        timer = self.create_timer(seconds, callback, clock=self.steady)
        self._mine.append((self.destroy_timer, timer))
        return timer

    def others(self, topic: str) -> list[Any]:
        """Publishers of a topic besides the one of this node, as rclpy describes them."""
        return other_publishers(self, self.resolve_topic_name(topic))

    # Problems and diagnostics.
    def now_ns(self) -> int:
        """ROS time in nanoseconds."""
        return self.get_clock().now().nanoseconds

    @property
    def missing(self) -> bytes:
        """Diagnostic level of a missing input: a warning while other nodes are starting, then an error."""
        return WARN if time.monotonic() - self._active_since < self.start_up_seconds else ERROR

    @property
    def active(self) -> bool:
        """Whether the lifecycle state is active."""
        return self._state == "active"

    def _beat(self) -> None:
        """Publish a heartbeat; at once where the lifecycle state has changed."""
        self._heartbeat.publish(Header(stamp=self.get_clock().now().to_msg(), frame_id=self._state))

    def _diagnose(self) -> None:
        if self._state == "active":
            self.check()
        with self.lock:
            problems = dict(self._problems)
            values = dict(self.values)
        status = DiagnosticStatus(
            level=max((level for level, _ in problems.values()), default=OK),
            name=self.get_fully_qualified_name().lstrip("/"),
            hardware_id="action_images_ros",
            message="; ".join(m for _, m in problems.values()) or self._state,
        )
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    # Lifecycle.
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a wrong parameter is named and leaves the node unconfigured."""
        try:
            self._refuse_undeclared()
            before = _threads()
            self.configure()
            self._be_nice(self.parameters(CommonParameters).nice, _threads() - before)
        except Exception as error:  # rclpy would swallow it and say nothing
            self._destroy_mine()
            known = isinstance(error, ValueError | OSError | ImportError)
            self.complain("configure", f"cannot configure: {error if known else repr(error)}")
            return TransitionCallbackReturn.FAILURE
        self.solved("configure")
        self._state = "inactive"
        return super().on_configure(state)

    def _be_nice(self, nice: int, workers: set[int]) -> None:
        """Lower the priority of this thread, those it will start, and the `workers` that configuring has started.

        Not before: on a busy machine a niced process loads its model for minutes.
        """
        added, self._niced = max(0, nice - self._niced), max(nice, self._niced)
        target = os.nice(added)
        for thread in workers - {threading.get_native_id()}:
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread, max(target, os.getpriority(os.PRIO_PROCESS, thread)))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work."""
        self._active_since = time.monotonic()
        self.activate()
        self._state = "active"
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working."""
        self._state = "inactive"
        self._beat()
        self.deactivate()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget everything configured."""
        self._state = "unconfigured"
        self.cleanup()
        self._destroy_mine()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop for good."""
        if self._state == "active":
            self.deactivate()
        if self._state != "unconfigured":
            self.cleanup()
        self._state = "finalized"
        self._destroy_mine()
        return super().on_shutdown(state)

    def _destroy_mine(self) -> None:
        for destroy, entity in self._mine:
            destroy(entity)
        self._mine.clear()

    def start(self) -> bool:
        """Configure and activate if `autostart` is set; whether all went well."""
        if not self.autostart:
            return True
        for step in (self.trigger_configure, self.trigger_activate):
            if step() != TransitionCallbackReturn.SUCCESS:
                return False
        return True

    def destroy_node(self) -> None:
        """Stop working, then destroy."""
        if self._state in ("active", "inactive"):
            before, self._state = self._state, "finalized"
            self._beat()  # whoever relies on this node knows at once
            self._state = before
            if self._state == "active":
                self.deactivate()
            self.cleanup()
            self._state = "finalized"
        super().destroy_node()


def _threads() -> set[int]:
    """Native ids of this process's threads."""
    tasks = "/proc/self/task"
    return {int(name) for name in os.listdir(tasks)} if os.path.isdir(tasks) else set()


def stamp_of(message: Any) -> int:
    """Integer nanoseconds of a message's header."""
    return ns_from_stamp(message.header.stamp)
