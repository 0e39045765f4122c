"""The controller's state as a message: `message` is the state itself, the rest are values with a name each."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from ..control.states import FAULTED, HOLDING, STATES, STOPPED, StateReport

__all__ = ["state_message", "state_report"]

_LEVELS = {FAULTED: DiagnosticStatus.ERROR, HOLDING: DiagnosticStatus.WARN, STOPPED: DiagnosticStatus.WARN}


def state_message(report: StateReport, name: str) -> DiagnosticStatus:
    """Of the node `name`: values state, reason, chunk_id (integer ns, empty: none) and approval (the last answer)."""
    values = {
        "state": report.state,
        "reason": report.reason,
        "chunk_id": "" if report.chunk_ns is None else str(report.chunk_ns),
        "approval": report.answer,
    }
    return DiagnosticStatus(
        level=_LEVELS.get(report.state, DiagnosticStatus.OK),
        name=name,
        message=report.state,
        hardware_id="action_images_ros",
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def state_report(message: DiagnosticStatus) -> StateReport:
    """Content of a message of `arm_command/state`; ValueError when it holds no state."""
    values = {pair.key: pair.value for pair in message.values}
    if message.message not in STATES:
        raise ValueError(f"arm_command/state is {message.message!r}; it must be one of {', '.join(STATES)}")
    chunk = values.get("chunk_id", "")
    return StateReport(
        message.message, values.get("reason", ""), int(chunk) if chunk.isdecimal() else None, values.get("approval", "")
    )
