"""What keeps the arm from following chunks, and which of it lasts until a person enables again."""

from __future__ import annotations

from .states import DISABLED, EXECUTING, FAULTED, HOLDING, IDLE, STOPPED

__all__ = ["Latches"]

_STOPPED = "stopped; enable to go on"


class Latches:
    """enabled: a person allows motion; fault: why that ended, until `enable`; stopped: by a person, until `enable`;
    why: of a hold that ends with the next good chunk."""

    def __init__(self) -> None:
        self.enabled = False
        self.fault = self.stopped = self.why = ""

    def enable(self) -> None:
        """Allow motion; whatever was latched is released."""
        self.enabled, self.fault, self.stopped, self.why = True, "", "", ""

    def disable(self) -> None:
        """Allow no motion."""
        self.enabled, self.fault, self.stopped, self.why = False, "", "", ""

    def fail(self, reason: str) -> bool:
        """Latch a fault; whether it is new: the first reason is kept, and a disabled arm has none."""
        if not self.enabled or self.fault:
            return False
        self.fault = reason
        return True

    def stop(self) -> None:
        """Latch a stop by a person."""
        self.stopped = _STOPPED

    @property
    def refusal(self) -> str:
        """Why no chunk may be taken; empty when one may."""
        if not self.enabled:
            return "commands are disabled; enable first"
        if self.fault:
            return f"disabled by a fault: {self.fault}; enable to go on"
        return self.stopped

    def state(self, *, executing: bool) -> str:
        """One of the states of `Command`."""
        if not self.enabled:
            return DISABLED
        if self.fault:
            return FAULTED
        if self.stopped:
            return STOPPED
        if executing:
            return EXECUTING
        return HOLDING if self.why else IDLE

    def reason(self, state: str) -> str:
        """What the person is told in a state; nothing while executing."""
        return {
            DISABLED: "commands are disabled",
            IDLE: "no chunk yet",
            HOLDING: self.why,
            FAULTED: self.fault,
            STOPPED: self.stopped,
            EXECUTING: "",
        }[state]
