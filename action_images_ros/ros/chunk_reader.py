"""Reads chunks in a thread of its own, so that no message, however long, keeps a node's services waiting."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from rclpy.serialization import deserialize_message

from ..control.chunk import Chunk
from ..interfaces.pairing import Pairing
from ..interfaces.topics import message_type, topic
from .chunk_messages import MAX_BYTES, MAX_FRAMES, chunk_from_messages
from .graph_node import WARN, GraphNode, stamp_of
from .newest import Newest

__all__ = ["ChunkReader"]

_PARTS = ("poses", "gripper", "confidence")


class ChunkReader:
    """Puts the parts of chunks in the frame `base` together and hands each to `take`, in its thread.

    What is malformed or too long is a complaint of `node`, never an exception.
    """

    def __init__(self, node: GraphNode, base: str, take: Callable[[Chunk], None]) -> None:
        self._node, self._base, self._take = node, base, take
        self.pairing = Pairing(_PARTS)
        self._waiting = Newest()
        self._thread: threading.Thread | None = None
        for part in _PARTS:
            node.listen(f"chunk/{part}", functools.partial(self._waiting.put, part), raw_depth=1)

    def start(self) -> None:
        """Begin to read."""
        self._waiting.open()
        self._thread = threading.Thread(target=self._work, name="chunks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the chunk that is being decoded."""
        self._waiting.close()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        self._thread = None

    def _work(self) -> None:
        read = self._node.guarded("reading a chunk", self._on_part)
        while (waiting := self._waiting.take()) is not None:
            read(*waiting)

    def _on_part(self, part: str, data: bytes) -> None:
        """One serialised part of a chunk."""
        if len(data) > MAX_BYTES:
            self._node.complain(
                "chunk", f"chunk/{part} of {len(data)} bytes is refused unread; send at most {MAX_FRAMES} frames", WARN
            )
            return
        message = deserialize_message(bytes(data), message_type(topic(f"chunk/{part}").type))
        parts = self.pairing.add(part, stamp_of(message), message)
        if parts is None or not self._node.active:
            return
        try:
            chunk = chunk_from_messages(parts["poses"], parts["gripper"], parts["confidence"], self._base)
        except ValueError as error:
            self._node.complain("chunk", f"a chunk is refused: {error}", WARN)
            return
        self._take(chunk)
