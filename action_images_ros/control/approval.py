"""One chunk at a time shown to a person, who approves or rejects exactly that one."""

from __future__ import annotations

from dataclasses import replace

from .chunk import Chunk

__all__ = ["Approval"]


class Approval:
    """Holds the proposed chunk. Newer chunks do not replace it, so what is approved is what was shown.

    Times are given: `steady` in seconds of the steady clock, `now_ns` in ROS time.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._proposed: tuple[Chunk, float] | None = None
        self._busy_until_ns = 0

    def propose(self, chunk: Chunk, steady: float) -> bool:
        """Whether the chunk is now the proposal: not while another one waits or an approved one is executed."""
        if self._proposed is not None and steady - self._proposed[1] < self._timeout_s:
            return False
        if chunk.stamp_ns < self._busy_until_ns:
            return False
        self._proposed = (chunk, steady)
        return True

    def approve(self, steady: float, now_ns: int) -> Chunk | None:
        """The proposal, to be begun now instead of at its observation; None when there is none or it has lapsed."""
        if self._proposed is None or steady - self._proposed[1] >= self._timeout_s:
            self._proposed = None
            return None
        chunk = replace(self._proposed[0], stamp_ns=now_ns)
        self._proposed, self._busy_until_ns = None, chunk.end_ns
        return chunk

    def clear(self) -> bool:
        """Drop the proposal; whether there was one."""
        had = self._proposed is not None
        self._proposed, self._busy_until_ns = None, 0
        return had
