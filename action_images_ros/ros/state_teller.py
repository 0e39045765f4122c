"""Says the controller's state: on its latched topic, in diagnostics, and in the log what a person does next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..control.approval import Approval
from ..control.command import Command
from ..control.states import EXECUTING, FAULTED, HOLDING, IDLE, PROPOSED, StateReport
from .graph_node import WARN, GraphNode
from .state_messages import state_message

__all__ = ["StateTeller", "approval_hint"]


class StateTeller:
    """Publishes a report on `arm_command/state` where it differs from the one before; `hint` gives the log's line for
    two states that follow each other, or an empty one."""

    def __init__(self, node: GraphNode, hint: Callable[[str, StateReport], str]) -> None:
        self._node, self._hint = node, hint
        self._publisher: Any = node.advertise("arm_command/state")
        self._told = StateReport()
        self._begun = False
        self.answer = ""

    def answered(self, answer: str) -> None:
        """Let the state say what became of an approval or rejection, also when it says the same as before."""
        self.answer, self._told = answer, replace(self._told, answer="")

    def report(self, command: Command, approval: Approval, steady_s: float) -> StateReport:
        """The node's state: the executor's, or that a chunk waits for a person."""
        waiting, state = approval.waiting(steady_s), command.state
        if waiting is not None and state in (IDLE, HOLDING):
            told = f"chunk {waiting} waits for approval: publish its id on ~/approve_id, or call ~/reject"
            return StateReport(PROPOSED, told, waiting, self.answer)
        if waiting is not None and state != EXECUTING:
            approval.clear()
        if state == EXECUTING:
            return StateReport(state, "", approval.id_of(command.chunk_stamp_ns), self.answer)
        return StateReport(state, command.reason, None, self.answer)

    def say(self, report: StateReport) -> None:
        """Publish the state where it has changed; diagnostics say the same."""
        if report.gist == self._told.gist and self._begun:
            return
        node, before, self._told, self._begun = self._node, self._told.state, report, True
        if hint := self._hint(before, report):
            node.get_logger().info(hint)
        self._publisher.publish(state_message(report, node.get_fully_qualified_name().lstrip("/")))
        state, reason = report.state, report.reason
        chunk = "" if report.chunk_ns is None else report.chunk_ns
        node.values.update(state=state, reason=reason, chunk_id=chunk, approval=report.answer)
        if state == HOLDING:
            node.complain("hold", f"holding: {reason}", WARN)
        else:
            node.solved("hold")
        if state == FAULTED:
            node.complain("fault", f"disabled by a fault: {reason}; ~/enable when it is mended")
        else:
            node.solved("fault")


def approval_hint(plan: str, approve: str, before: str, report: StateReport, *, approval: bool) -> str:
    """What a person is told of a chunk that waits for approval, or was executed after one."""
    if report.state == PROPOSED and before != PROPOSED:
        return f"a chunk waits for approval: look at {plan}, then call {approve} or ~/reject (std_srvs/srv/Trigger)"
    if before == EXECUTING and report.state == HOLDING and approval:
        return f"done: {report.reason}; the next chunk waits for approval"
    return ""
