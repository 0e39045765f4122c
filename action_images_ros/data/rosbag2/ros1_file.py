"""ROS 1 bags: each message handed on as ROS 2 would have recorded it (CDR, ROS 2 names and fields)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from rosbags.convert.converter import is_same_wireformat, migrate_bytes
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Qos
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from .storage import BagMessage, BagTopic, merge_topics

__all__ = ["Ros1File"]

_RENAMED = {"tf/msg/tfMessage": "tf2_msgs/msg/TFMessage"}
_HEADER = "std_msgs/msg/Header"


class Ros1File:
    """An open .bag file; see `storage.Storage`. Types that ROS 2 has are converted field by field (`K` becomes `k`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes = ["a ROS 1 bag: read as if it had been recorded with ROS 2"]
        self._reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS1_NOETIC))
        self._reader.open()
        try:
            self._target = get_typestore(Stores.ROS2_JAZZY)
            self._convert: dict[str, Callable[[bytes], bytes]] = {}
            self._cache: dict[str, object] = {}
            self.topics: dict[str, BagTopic] = {}
            self._ids: dict[int, BagTopic] = {}
            for connection in self._reader.connections:
                topic = self._topic(connection)
                self._ids[connection.id] = topic
                self.topics[topic.name] = merge_topics(self.topics.get(topic.name), topic, path)
            count = self._reader.message_count
            self.start_ns = self._reader.start_time if count else None
            self.end_ns = self._reader.end_time - 1 if count else None
        except BaseException:
            self._reader.close()
            raise

    def _topic(self, connection: Any) -> BagTopic:
        kind = _RENAMED.get(connection.msgtype, connection.msgtype)
        if kind not in self._target.fielddefs:
            text = self._reader.typestore.generate_msgdef(connection.msgtype, ros_version=2)[0]
            types = get_types_from_msg(text, kind)
            self._target.register(
                {
                    name: fields
                    for name, fields in types.items()
                    if name != _HEADER and name not in self._target.fielddefs
                }
            )
        if connection.msgtype not in self._convert:
            self._convert[connection.msgtype] = self._converter(connection.msgtype, kind)
        text, _ = self._target.generate_msgdef(kind, ros_version=2)
        qos: tuple[Qos, ...] = ()
        return BagTopic(
            connection.topic, kind, connection.msgcount, qos, text, "ros2msg", self._target.hash_rihs01(kind)
        )

    def _converter(self, source: str, kind: str) -> Callable[[bytes], bytes]:
        store = self._reader.typestore
        if is_same_wireformat(store, self._target, source, kind):
            return lambda data: bytes(self._target.ros1_to_cdr(data, kind))
        return lambda data: bytes(
            migrate_bytes(store, self._target, source, kind, self._cache, data, src_is2=False, dst_is2=True)
        )

    def messages(
        self, topics: Collection[str], start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """See `storage.Storage`."""
        wanted = [c for c in self._reader.connections if c.topic in topics]
        for connection, log_ns, data in self._reader.messages(wanted, start_ns, end_ns):
            topic = self._ids[connection.id]
            yield BagMessage(topic.name, topic.type, log_ns, log_ns, 0, self._convert[connection.msgtype](data))

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
