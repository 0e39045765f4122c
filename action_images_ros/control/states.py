"""The states of the controller, and what is said about the present one."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "DISABLED",
    "EXECUTING",
    "FAULTED",
    "HOLDING",
    "IDLE",
    "PROPOSED",
    "STATES",
    "STOPPED",
    "StateReport",
]

DISABLED, IDLE, PROPOSED, EXECUTING = "disabled", "idle", "proposed", "executing"
HOLDING, FAULTED, STOPPED = "holding", "faulted", "stopped"
STATES = (DISABLED, IDLE, PROPOSED, EXECUTING, HOLDING, FAULTED, STOPPED)


@dataclass(frozen=True)
class StateReport:
    """One of `STATES`, why, and the chunk concerned: its id (observation stamp, ns) or None.

    chunk_ns: with "proposed" the chunk that waits, with "executing" the one that moves the arm. answer: what became of
    the last approval or rejection, with its id; empty before the first.
    """

    state: str = DISABLED
    reason: str = ""
    chunk_ns: int | None = None
    answer: str = ""

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"state is {self.state!r}; give one of {', '.join(STATES)}")

    @property
    def gist(self) -> tuple[str, str, int | None, str]:
        """What makes it another report: the reason without its numbers, since an age that grows is nothing new."""
        return self.state, re.sub(r"[-\d.]+", "", self.reason), self.chunk_ns, self.answer
