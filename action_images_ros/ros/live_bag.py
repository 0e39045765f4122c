"""The running graph as if it were a recording, so that the same code joins and labels both."""

from __future__ import annotations

import queue
from collections.abc import Collection, Iterator
from pathlib import Path

from ..data.rosbag2.bag import Bag, BagMessage, BagTopic, ros_types

__all__ = ["LiveBag"]

_IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


class LiveBag:
    """Put serialised messages in; `messages` gives them to a `FrameStream` in another thread, as `Bag` does.

    topics: full name to type, of all that may come. `messages` waits for more; it ends after `end()`, or when nothing
    has come for `idle` seconds, and called again goes on, beginning with the newest message of every topic that stays
    true (intrinsics, camera poses, words), since it will not be sent again. most: bytes that may wait; pictures beyond
    are not taken and counted in `lost`.
    """

    read, describe_topics, describe_encoding, foreign = (
        Bag.read,
        Bag.describe_topics,
        Bag.describe_encoding,
        Bag.foreign,
    )
    live = True

    def __init__(self, topics: dict[str, str], *, idle: float = 3.0, most: int = 1_000_000_000) -> None:
        self.path, self.typestore = Path("the running graph"), ros_types()
        self.topics = {name: BagTopic(name, kind, 1, (), "", "", "") for name, kind in topics.items()}
        self.lost = 0
        self.notes: list[str] = []
        self._idle, self._most = idle, most
        self._queue: queue.Queue = queue.Queue()
        self._bytes = 0
        self._lasting: dict[str, BagMessage] = {}
        self.waiting = False  # whether everything put in has been used
        self.pictures = 0  # given since `messages` was last called

    def put(self, topic: str, data: bytes, now_ns: int, *, lasting: bool) -> None:
        """A message as it came over the wire. lasting: true until another one comes."""
        kind = self.topics[topic].type
        if kind in _IMAGES and self._bytes + len(data) > self._most:
            self.lost += 1
            return
        self.waiting = False
        self._bytes += len(data)
        self._queue.put((BagMessage(topic, kind, now_ns, now_ns, 0, data), lasting))

    def end(self) -> None:
        """Nothing belongs to what came so far any more."""
        self.waiting = False
        self._queue.put(None)

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """What comes, until it ends; see the class."""
        lasting = list(self._lasting.values())
        begun, self.pictures = False, 0
        while True:
            if self._queue.empty():
                self.waiting = True
            try:
                item = self._queue.get(timeout=self._idle if begun else None)
            except queue.Empty:
                return
            if item is None:
                return
            message, lasts = item
            self._bytes -= len(message.data)
            if not begun:
                begun = True
                yield from (m for m in lasting if topics is None or m.topic in topics)
            if lasts:
                self._lasting[message.topic] = message
            if topics is None or message.topic in topics:
                self.pictures += message.type in _IMAGES
                yield message
