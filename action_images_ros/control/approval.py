"""One chunk at a time shown to a person, who approves or rejects exactly that one.

An approval that names a chunk's id (its observation stamp) approves that chunk or nothing. One that names none means
the chunk that waits, and is refused where the person may have seen another one: when the waiting chunk took the place
of one that lapsed unanswered, or came up a moment ago after another. The refusal names the chunk that waits; after it,
the same call means that chunk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .chunk import Chunk

__all__ = ["Approval"]

_NOTICE_S = 0.5  # a chunk that follows another is shown this long before a call without an id can mean it


@dataclass(frozen=True)
class _Proposal:
    chunk: Chunk
    shown: float
    follows_approved: bool
    follows_lapsed: int | None


class Approval:
    """Holds the proposed chunk. Newer chunks do not replace it, so what is approved is what was shown.

    Times are given: `steady` in seconds of the steady clock, `now_ns` in ROS time.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._proposed: _Proposal | None = None
        self._busy_until_ns = 0
        self._approved = False
        self._lapsed_ns: int | None = None
        self._named_ns: int | None = None
        self._begun: tuple[int, int] | None = None

    def propose(self, chunk: Chunk, steady: float) -> bool:
        """Whether the chunk is now the proposal: not while another one waits or an approved one is executed."""
        if self.waiting(steady) is not None or chunk.stamp_ns < self._busy_until_ns:
            return False
        self._proposed = _Proposal(chunk, steady, self._approved, self._lapsed_ns)
        return True

    def waiting(self, steady: float) -> int | None:
        """Id of the chunk that waits for an answer, or None."""
        if self._proposed is not None and steady - self._proposed.shown >= self.timeout_s:
            self._lapsed_ns, self._proposed = self._proposed.chunk.stamp_ns, None
        return None if self._proposed is None else self._proposed.chunk.stamp_ns

    def refusal(self, steady: float, chunk_ns: int | None = None) -> str:
        """Why `approve` would refuse this id, or a call without one; empty when it would not."""
        waiting = self.waiting(steady)
        if waiting is None:
            which = "" if chunk_ns is None else f"; chunk {chunk_ns} has lapsed, was answered or was never shown"
            return f"nothing waits for approval{which}"
        if chunk_ns is not None:
            return "" if chunk_ns == waiting else f"chunk {chunk_ns} does not wait for approval, {waiting} does"
        assert self._proposed is not None
        if waiting == self._named_ns:
            return ""
        if self._proposed.follows_lapsed is not None:
            return (
                f"chunk {self._proposed.follows_lapsed} has lapsed and {waiting} waits now; "
                "look at it, then approve again"
            )
        if self._proposed.follows_approved and steady - self._proposed.shown < _NOTICE_S:
            return f"chunk {waiting} has only just come up; look at it, then approve again"
        return ""

    def approve(self, steady: float, now_ns: int, chunk_ns: int | None = None) -> Chunk | None:
        """The proposal, to be begun now instead of at its observation; None when `refusal` has a reason."""
        if self.refusal(steady, chunk_ns):
            self._named_ns = self.waiting(steady)
            return None
        assert self._proposed is not None
        chunk = replace(self._proposed.chunk, stamp_ns=now_ns)
        self._begun = (now_ns, self._proposed.chunk.stamp_ns)
        self._answered(approved=True)
        self._busy_until_ns = chunk.end_ns
        return chunk

    def id_of(self, stamp_ns: int | None) -> int | None:
        """Id of a chunk that is executed by its stamp: an approved one begins later than it was observed."""
        return self._begun[1] if self._begun is not None and stamp_ns == self._begun[0] else stamp_ns

    def clear(self) -> bool:
        """Drop the proposal; whether there was one."""
        had = self._proposed is not None
        self._answered(approved=False)
        self._busy_until_ns = 0
        return had

    def _answered(self, *, approved: bool) -> None:
        self._proposed, self._approved, self._lapsed_ns, self._named_ns = None, approved, None, None
