"""How a person approves or rejects the chunk that waits: by its id on a topic, or by services that name none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from std_msgs.msg import UInt64
from std_srvs.srv import Trigger

from ..control.approval import Approval
from ..control.chunk import Chunk
from .graph_node import WARN, GraphNode
from .state_teller import StateTeller

__all__ = ["ApprovalCalls"]


class ApprovalCalls:
    """`~/approve_id`, `~/approve` and `~/reject` of a node. `execute` hands an approved chunk on and says why it was
    refused, or nothing; `teller` says what became of every answer."""

    def __init__(
        self, node: GraphNode, approval: Approval, execute: Callable[[Chunk], str], teller: StateTeller
    ) -> None:
        self._node, self._approval, self._execute, self._teller = node, approval, execute, teller
        node.listen("arm_command/approve_id", self._on_approve_id)
        node.serve(Trigger, "~/approve", self._on_approve)
        node.serve(Trigger, "~/reject", self._on_reject)

    def _approve(self, chunk_ns: int | None = None) -> str:
        """Execute the chunk that waits, if it is the one of this id; why it is refused, else an empty string."""
        with self._node.lock:
            steady = time.monotonic()
            named = self._approval.waiting(steady) if chunk_ns is None else chunk_ns
            refusal = self._approval.refusal(steady, chunk_ns)
            chunk = self._approval.approve(steady, self._node.now_ns(), chunk_ns)
        if chunk is not None:
            refusal = self._execute(chunk)  # without the lock: checking takes milliseconds
        about = "" if named is None else f"{named} "
        with self._node.lock:
            self._teller.answered(f"{about}refused: {refusal}" if refusal else f"{about}approved")
        return refusal

    def _on_approve_id(self, message: UInt64) -> None:
        refusal = self._approve(int(message.data))
        if refusal:
            self._node.complain("approval", f"approval of chunk {message.data} is refused: {refusal}", WARN)
        else:
            self._node.solved("approval")

    def _on_approve(self, _: Any, response: Any) -> Any:
        refusal = self._approve()
        response.success, response.message = not refusal, refusal or self._teller.answer
        return response

    def _on_reject(self, _: Any, response: Any) -> Any:
        with self._node.lock:
            waiting = self._approval.waiting(time.monotonic())
            response.success = self._approval.clear()
            response.message = "rejected" if response.success else "nothing waits for approval"
            if response.success:
                self._teller.answered(f"{waiting} rejected")
        return response
