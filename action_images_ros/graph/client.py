"""Client of the graph in the cell: scenes, instructions, enabling of the arm, observation of the results.

Used by the demo, by trials and by tests; every wait has a timeout whose error names what did not happen.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String, UInt64
from std_srvs.srv import SetBool, Trigger

from ..control.states import PROPOSED, StateReport
from ..interfaces import topics
from ..interfaces.instruction import checked_instruction
from ..ros import qos
from ..ros.spinning import spin_until
from ..ros.state_messages import state_report

__all__ = ["GraphClient", "GraphError"]


class GraphError(RuntimeError):
    """A request to the graph failed; the message names the request and, where known, the reason."""


class GraphClient:
    """Talks to a graph in `namespace`. Spins in a thread of its own; use as a context manager."""

    def __init__(
        self, namespace: str = "cell", *, context=None, name: str = "user", broken: Callable[[], Any] = lambda: None
    ) -> None:
        """`broken()` says why waiting is of no use (a process has ended), or nothing."""
        self._broken = broken
        self.node = rclpy.create_node(name, namespace=namespace, context=context)
        self.changed = threading.Condition()
        self.status: dict[str, Any] = {}
        self.diagnostics: dict[str, Any] = {}
        self.state: StateReport | None = None
        self._instruction = self.node.create_publisher(String, "instruction", qos.LATCHED)
        self.node.create_subscription(String, "cell/status", self._on_status, qos.LATCHED)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.EVENTS)
        self._approve_id = self.node.create_publisher(UInt64, "arm_command/approve_id", qos.EVENTS)
        self.listen("arm_command/state", self._on_state)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=spin_until, args=(self._closed, self._executor, self._complain), name="client", daemon=True
        )
        self._thread.start()

    def _complain(self, error: Exception) -> None:
        self.node.get_logger().error(f"a message could not be handled: {error!r}")

    def close(self) -> None:
        """Stop spinning and leave the graph."""
        self._closed.set()
        self._executor.wake()
        self._thread.join(timeout=2.0)
        self._executor.shutdown(timeout_sec=0.0)
        self.node.destroy_node()

    def __enter__(self) -> GraphClient:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def listen(self, name: str, callback: Callable[[Any], None], camera: str | None = None) -> None:
        """Subscribe to a row of the table of topics; the callback runs in the client's thread."""
        row = topics.topic(name)

        def note(message: Any) -> None:
            callback(message)
            self.notify()

        self.node.create_subscription(
            topics.message_type(row.type), topics.topic_name(name, camera), note, qos.PROFILES[row.qos]
        )

    def notify(self) -> None:
        """Wake all waiting threads."""
        with self.changed:
            self.changed.notify_all()

    def _on_status(self, message: String) -> None:
        status = json.loads(message.data)
        if not isinstance(status, dict):
            raise ValueError(f"cell/status is {message.data[:80]!r}; it must be a JSON object")
        self.status = status
        self.notify()

    def _on_state(self, message: Any) -> None:
        self.state = state_report(message)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name.rsplit("/", 1)[-1]] = status
        self.notify()

    def wait_for(self, what: str, ready: Callable[[], Any], timeout: float) -> Any:
        """Wait until `ready()` is true and return it; GraphError naming `what` and the nodes' complaints otherwise."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                value = ready()
                if value:
                    return value
                left = deadline - time.monotonic()
                if self._broken():
                    raise GraphError(f"{what} cannot happen any more: {self._broken()}{self.complaints()}")
                if left <= 0:
                    raise GraphError(f"{what} did not happen within {timeout:g} s{self.complaints()}")
                self.changed.wait(min(left, 0.2))

    def complaints(self) -> str:
        """What the nodes report as wrong."""
        wrong = [f"{name}: {status.message}" for name, status in self.diagnostics.items() if status.level != b"\x00"]
        return "".join(f"\n  {line}" for line in wrong)

    def value(self, node: str, key: str) -> str:
        """A value of a node's diagnostics; empty when it has none."""
        status = self.diagnostics.get(node)
        return next((pair.value for pair in status.values if pair.key == key), "") if status else ""

    def call(self, kind: type, name: str, request: Any, timeout: float = 20.0) -> Any:
        """Call a service; GraphError when it is not there or does not answer."""
        client = self.node.create_client(kind, name)
        try:
            self.wait_for(f"the service {name}", client.service_is_ready, timeout)
            future = client.call_async(request)
            future.add_done_callback(lambda _: self.notify())
            self.wait_for(f"an answer from {name}", future.done, timeout)
            return future.result()
        finally:
            self.node.destroy_client(client)

    def trigger(self, name: str, timeout: float = 20.0) -> str:
        """Call a Trigger service; its message. GraphError when it refuses."""
        response = self.call(Trigger, name, Trigger.Request(), timeout)
        if not response.success:
            raise GraphError(f"{name} refused: {response.message}")
        return response.message

    def wait_until_active(self, names, timeout: float = 60.0) -> None:
        """Wait until these nodes are active; GraphError naming the one that is not."""
        deadline = time.monotonic() + timeout
        for name in names:
            label = "not there"
            while label != "active":
                if time.monotonic() > deadline:
                    raise GraphError(f"node {name} is {label} after {timeout:g} s{self.complaints()}")
                try:
                    label = self.call(
                        GetState, f"{name}/get_state", GetState.Request(), max(0.1, deadline - time.monotonic())
                    ).current_state.label
                except GraphError as error:
                    raise GraphError(f"node {name} did not start: {error}") from None
                if label != "active":
                    time.sleep(0.1)

    def enable(self, on: bool, patience_s: float = 5.0) -> None:
        """Enable or disable motion; GraphError with the reason when it is still refused after `patience_s`.

        A node that is active may not have heard of the arm's pose yet: the two are connected by discovery.
        """
        deadline = time.monotonic() + patience_s
        while True:
            response = self.call(SetBool, "arm_command/enable", SetBool.Request(data=on))
            if response.success:
                return
            if time.monotonic() >= deadline:
                raise GraphError(f"arm_command/enable refused: {response.message}")
            time.sleep(0.2)

    def _answer_since(self, before: StateReport | None, chunk: str) -> str:
        """What arm_command has answered about that chunk in a state newer than `before`; else an empty text."""
        state = self.state
        return state.answer if state is not None and state is not before and chunk in state.answer else ""

    def approve(self, chunk_ns: int | None = None, timeout: float = 10.0) -> str:
        """Approve the chunk of this id, default: the one that the state shows as waiting now; what became of it.

        GraphError when nothing waits or the approval is refused, for example because another chunk waits by then.
        """
        state = self.wait_for("the state of arm_command", lambda: self.state, timeout)
        if chunk_ns is None and state.state != PROPOSED:
            raise GraphError(f"nothing waits for approval: arm_command is {state.state} ({state.reason})")
        chunk_ns = state.chunk_ns if chunk_ns is None else chunk_ns
        self.wait_for("arm_command's subscription to approve_id", self._approve_id.get_subscription_count, timeout)
        before = self.state
        self._approve_id.publish(UInt64(data=chunk_ns))
        answer = self.wait_for(
            f"an answer to the approval of chunk {chunk_ns}",
            lambda: self._answer_since(before, str(chunk_ns)),
            timeout,
        )
        if not answer.endswith("approved"):
            raise GraphError(f"chunk {answer}")
        return f"chunk {answer}"

    def say(self, instruction: str):
        """Publish an instruction (latched); returns the publisher. ValueError when it is none."""
        self._instruction.publish(String(data=checked_instruction(instruction)))
        return self._instruction

    def set_up(self, task: str, seed: int, timeout: float = 60.0) -> dict[str, Any]:
        """Set the cell up anew; the answer has `instruction`, `episode` and `time_ns`."""
        request = SetParametersAtomically.Request(
            parameters=[
                ParameterMessage(
                    name="task", value=ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=task)
                ),
                ParameterMessage(
                    name="seed", value=ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=int(seed))
                ),
            ]
        )
        result = self.call(SetParametersAtomically, "cell/set_parameters_atomically", request).result
        if not result.successful:
            raise GraphError(f"the cell refused task {task!r}, seed {seed}: {result.reason}")
        answer = json.loads(self.trigger("cell/reset", timeout))
        self.wait_for("the new scene", lambda: self.cell_seconds(answer["episode"]) >= 0, timeout)
        return answer

    def cell_seconds(self, episode: int) -> float:
        """Simulated seconds since the scene of that episode began, from the last status; -1 before it came."""
        return self.status["cell_seconds"] if self.status.get("episode") == episode else -1.0
