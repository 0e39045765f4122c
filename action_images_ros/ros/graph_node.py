"""What every node of the graph has in common: lifecycle with autostart, diagnostics, heartbeat, typed topics.

A node is a lifecycle node that configures and activates itself unless `autostart` is false. It reports problems by
key: each is logged (at most once in a while) and shown in /diagnostics until it is solved.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import Header

from ..interfaces import nodes as node_table
from ..interfaces import topics
from ..interfaces.nodes import PARENT_VARIABLE
from ..parameter import Parameters, refuse_unknown, specs
from . import qos
from .conversions import ns_from_stamp
from .endpoints import other_publishers
from .node_parameters import NODE_PARAMETERS, CommonParameters, allowed_names
from .once import Once
from .parameters import ParameterError, checked, declare_parameters, typed

__all__ = ["GraphNode", "run_node"]

_PARENT_SECONDS, _PARENT_PATIENCE = 0.2, 5.0  # between two looks at the parent; given to a graceful end
Declared = TypeVar("Declared", bound=Parameters)

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class GraphNode(LifecycleNode):
    """Base of the nodes. Subclasses write `configure()`, `activate()`, `deactivate()`, `cleanup()` as needed.

    `configure()` raises ValueError (ParameterError among them) when something is wrong: the node then says so and
    stays unconfigured.
    """

    heartbeat_seconds = 0.1
    diagnostics_seconds = 0.5
    start_up_seconds = 10.0
    complaint_seconds = 5.0  # the same problem is logged again after this long

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._declared: list[type[Parameters]] = []
        self.autostart = self.parameters(CommonParameters).autostart
        self.lock = threading.RLock()
        self.values: dict[str, Any] = {}
        self._problems: dict[str, tuple[bytes, str]] = {}
        self._logged: dict[str, tuple[str, float]] = {}
        self._mine: list[tuple[Callable, Any]] = []
        self._state = "unconfigured"
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
        """Called before diagnostics are published, to report what is missing."""

    # Parameters. A node calls `parameters(Class)` in configure() for each of its classes (node_parameters.py). Setting
    # one later is checked as a whole, the class made anew of all its values. Names in `live_parameters` may be set
    # while the node is configured, and `parameters_changed` then acts on them; others are refused until cleanup.
    live_parameters: frozenset[str] = frozenset()

    def parameters(self, kind: type[Declared]) -> Declared:
        """Declare the parameters of a class and return their values. Raises ParameterError."""
        values = declare_parameters(self, kind)
        if kind not in self._declared:
            if not self._declared:
                self.add_pre_set_parameters_callback(self._typed_parameters)
                self.add_on_set_parameters_callback(self._judge_parameters)
                self.add_post_set_parameters_callback(self._apply_parameters)
            self._declared.append(kind)
        return values

    def refuse_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise ValueError with the reason when these live parameters, right by themselves, cannot be set now."""

    def parameters_changed(self, names: set[str]) -> None:
        """Act on live parameters that were set; their values are checked. Called outside of any lock."""

    def _typed_parameters(self, parameters: list[Parameter]) -> list[Parameter]:
        known = {spec.name: spec for kind in self._declared for spec in specs(kind)}
        return [typed(given, known[given.name]) if given.name in known else given for given in parameters]

    def _judge_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        given = {parameter.name: parameter.value for parameter in parameters}
        for kind in self._declared:
            own = {spec.name for spec in specs(kind)}
            if not own & set(given):
                continue
            fixed = (own & set(given)) - self.live_parameters
            if fixed and self._state in ("inactive", "active"):
                name = min(fixed)
                return SetParametersResult(
                    successful=False,
                    reason=f"{name} is fixed while the node is configured; set it in the parameter file, or clean the "
                    f"node up first (ros2 lifecycle set {self.get_fully_qualified_name()} cleanup)",
                )
            try:
                checked(kind, {name: self.get_parameter(name).value for name in own} | given)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        try:
            if self._state in ("inactive", "active"):
                self.refuse_parameters(given)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply_parameters(self, parameters: list[Parameter]) -> None:
        names = {parameter.name for parameter in parameters} & self.live_parameters
        if names and self._state in ("inactive", "active"):
            self.guarded("parameters", self.parameters_changed)(names)

    def _refuse_undeclared(self) -> None:
        """Refuse a parameter given to this node that no node of the graph has: it would be ignored in silence."""
        if self.get_name() in NODE_PARAMETERS:
            given = [name for name in self._parameter_overrides if "." not in name]
            unknown = [name for name in given if name not in allowed_names()]  # a /** section is for all nodes
            refuse_unknown(unknown, allowed_names(self.get_name()), self.get_name())

    # Callbacks: an exception in one is a problem that is reported, never the end of the node. All that is made on this
    # node passes here, also what rclpy and tf2 make for themselves.
    def create_subscription(self, msg_type, topic, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: see `guarded`."""
        return super().create_subscription(msg_type, topic, self.guarded(f"topic {topic}", callback), *args, **kwargs)

    def create_service(self, srv_type, srv_name, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: its exception is the answer."""
        return super().create_service(
            srv_type, srv_name, self.guarded(f"service {srv_name}", callback), *args, **kwargs
        )

    def create_timer(self, timer_period_sec, callback, *args, **kwargs):
        """As of rclpy, the callback guarded: see `guarded`."""
        name = getattr(callback, "__name__", "timer")
        return super().create_timer(timer_period_sec, self.guarded(f"timer {name}", callback), *args, **kwargs)

    def guarded(self, what: str, callback: Callable) -> Callable:
        """`callback`, its exceptions reported as the problem `what` until it runs through again; `self.failed` is
        called with each."""
        if inspect.iscoroutinefunction(callback):
            return callback

        @functools.wraps(callback)
        def run(*arguments):
            try:
                result = callback(*arguments)
            except Exception as error:
                self.complain(what, f"{what} failed: {error!r}")
                self.failed(what, error)
                return _answer(arguments, f"{what} failed: {error!r}")
            if what in self._problems:
                self.solved(what)
            return result

        return run

    def failed(self, what: str, error: Exception) -> None:
        """Called after a callback has raised; subclasses take what they have to in safety."""

    # Topics, by the table.
    def advertise(self, name: str, camera: str | None = None):
        """A publisher for a row of the table of topics."""
        row = self._row(name, publishes=True)
        publisher = self.create_publisher(
            topics.message_type(row.type), topics.topic_name(name, camera), qos.PROFILES[row.qos]
        )
        self._mine.append((self.destroy_publisher, publisher))
        return publisher

    def listen(self, name: str, callback: Callable[[Any], None], camera: str | None = None, *, raw_depth: int = 0):
        """A subscription to a row of the table of topics; with raw_depth to serialised messages, so many of which may
        wait."""
        row = self._row(name, publishes=False)
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

    def serve(self, kind: type, name: str, callback: Callable[[Any, Any], Any]):
        """A service that lives until cleanup."""
        service = self.create_service(kind, name, callback)
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
    def complain(self, key: str, message: str, level: bytes = ERROR) -> None:
        """Report a problem until `solved(key)`; thread-safe."""
        with self.lock:
            self._problems[key] = (level, message)
            text, when = self._logged.get(key, ("", -1e9))
            now = time.monotonic()
            if now - when < (self.complaint_seconds if _gist(text) == _gist(message) else 0.5):
                return
            self._logged[key] = (message, now)
        if level == ERROR:  # two lines: rclpy wants every line to keep its severity
            self.get_logger().error(message)
        else:
            self.get_logger().warning(message)

    def solved(self, *keys: str) -> None:
        """The problems of these keys are gone."""
        with self.lock:
            for key in keys:
                if self._problems.pop(key, None) is not None and key in self._logged:
                    self.get_logger().info(f"solved: {self._logged.pop(key)[0]}")

    def problems(self) -> dict[str, str]:
        """What is wrong now, by key."""
        with self.lock:
            return {key: message for key, (_, message) in self._problems.items()}

    def now_ns(self) -> int:
        """ROS time in nanoseconds."""
        return self.get_clock().now().nanoseconds

    @property
    def missing(self) -> bytes:
        """Level of something that has not come yet: a warning while the others are still starting, then an error."""
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


def _answer(arguments: tuple, reason: str) -> Any:
    """What a failed callback returns: the response of a service with the reason where it has a place, else None."""
    if len(arguments) != 2:
        return None
    response = arguments[1]
    if hasattr(response, "success"):
        response.success = False
    if hasattr(response, "message"):
        response.message = reason
    return response


def _gist(text: str) -> str:
    """A message without its numbers: an age that grows makes no new problem."""
    return re.sub(r"[-\d.]+", "", text)


def stamp_of(message: Any) -> int:
    """Integer nanoseconds of a message's header."""
    return ns_from_stamp(message.header.stamp)


def _end_with_parent(stop: threading.Event) -> None:
    """End this node when whoever started it ended, even by kill -9: nothing commands an arm unattended.

    At first as on SIGTERM, which brakes the arm; after some seconds at once.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdecimal():
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(_PARENT_SECONDS)
        stop.set()
        time.sleep(_PARENT_PATIENCE)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def run_node(make: Callable[[], GraphNode], argv: list[str] | None = None, *, leave_at_once: bool = False) -> int:
    """main() of a node: 0 after SIGINT or SIGTERM, 1 when it could not be configured, 2 on a wrong parameter type.

    leave_at_once: end the process when the node is destroyed, without taking down the interpreter: torch needs many
    seconds for that on a busy machine.
    """
    stop, started = threading.Event(), threading.Event()

    def leave(*_: object) -> None:
        stop.set()
        if not started.is_set():  # a model takes long to load, and nothing moves yet
            raise KeyboardInterrupt

    for sign in (signal.SIGINT, signal.SIGTERM):  # also where SIGINT is ignored: a process started with &
        signal.signal(sign, leave)
    _end_with_parent(stop)
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)  # threads end before the context does
    node, code = None, 0
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        if not node.start():
            code = 1
        started.set()
        while code == 0 and not stop.is_set():
            try:
                executor.spin_once(timeout_sec=0.1)
            except ExternalShutdownException:
                raise
            except Exception as error:  # rclpy itself, e.g. over a message that is no valid text
                node.complain("executor", f"a message or call could not be handled: {error!r}")
    except ParameterError as error:
        print(f"{error}", file=sys.stderr)
        code = 2
    except (ExternalShutdownException, KeyboardInterrupt):
        code = 0
    finally:
        started.set()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    if leave_at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
