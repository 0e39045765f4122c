"""Writes a rosbag2 recording (MCAP) that rviz, Foxglove and `ros2 bag play` open; appears only when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import yaml
from mcap.writer import CompressionType, Writer
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

from ...interfaces.qos import QOS
from .bag import Bag, BagError, BagTopic, ros_types

__all__ = ["BagWriter", "qos_named"]


class _Plain(yaml.SafeDumper):
    """YAML without references to what was said before: other readers need not know them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(content: Any) -> str:
    return str(yaml.dump(content, Dumper=_Plain, sort_keys=False))


_FOREVER = QosTime(9223372036, 854775807)  # rmw's infinite duration


def qos_named(name: str) -> tuple[Qos, ...]:
    """The offered QoS of that meaning (`qos_table.QOS`), as a recording stores it."""
    if name not in QOS:
        raise ValueError(f"qos is {name!r}; choose one of {', '.join(QOS)}")
    delivery = QOS[name]
    return (
        Qos(
            QosHistory.KEEP_LAST,
            delivery.depth,
            QosReliability.RELIABLE if delivery.reliable else QosReliability.BEST_EFFORT,
            QosDurability.TRANSIENT_LOCAL if delivery.latched else QosDurability.VOLATILE,
            _FOREVER,
            _FOREVER,
            QosLiveliness.AUTOMATIC,
            _FOREVER,
            False,
        ),
    )


class BagWriter:
    """A new recording in the folder `path`; use it in a `with` statement.

    Everything is written to `.NAME.part` beside it, which is renamed when the block ends, and removed when the block
    ends with an error. Raises ValueError when `path` exists. compression: "zstd" (of chunks) or "" (faster to play).

        writer.copy(bag)                          # every message of a recording, byte by byte
        writer.add_topic("/labels", "std_msgs/msg/String", "latched")
        writer.write("/labels", message, log_ns)  # an object of `writer.typestore.types[...]`, or CDR bytes
    """

    def __init__(self, path: str | Path, *, compression: str = "") -> None:
        self.path = Path(path)
        if self.path.exists():
            raise ValueError(f"{self.path} exists already; give a new name, recordings are never overwritten")
        if compression not in ("", "zstd"):
            raise ValueError(f"compression is {compression!r}; choose zstd or an empty string")
        self.typestore = ros_types()
        self.topics: dict[str, BagTopic] = {}
        self.counts: dict[str, int] = {}
        self.start_ns: int | None = None
        self.end_ns = 0
        self._part = self.path.with_name(f".{self.path.name}.part")
        if self._part.exists():
            shutil.rmtree(self._part)
        self._part.mkdir(parents=True)
        self._file = open(self._part / f"{self.path.name}.mcap", "wb")
        kind = CompressionType.ZSTD if compression else CompressionType.NONE
        self._mcap = Writer(self._file, compression=kind)
        self._mcap.start("ros2", "action_images_ros")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close() if kind is None else self.abort()

    def add_topic(self, name: str, type_name: str, qos: str | Sequence[Qos] = "state") -> None:
        """Announce a topic of one of ROS's own types. qos: a name of `qos_table.QOS` or recorded profiles."""
        if type_name not in self.typestore.fielddefs:
            raise ValueError(f"type {type_name!r} of {name} is not one of ROS 2 Jazzy's own; copy it from a recording")
        definition, _ = self.typestore.generate_msgdef(type_name, ros_version=2)
        profiles = qos_named(qos) if isinstance(qos, str) else tuple(qos)
        self._add(BagTopic(name, type_name, 0, profiles, definition, "ros2msg", self.typestore.hash_rihs01(type_name)))

    def _add(self, topic: BagTopic) -> None:
        if topic.name in self.topics:
            raise ValueError(f"{self.path}: the topic {topic.name} is there already; give the new one another name")
        definition = topic.definition
        if topic.type not in self._schemas:
            self._schemas[topic.type] = self._mcap.register_schema(
                topic.type, topic.definition_format if definition else "", definition.encode()
            )
        text = _yaml([_qos_dict(qos) for qos in topic.qos]).strip() if topic.qos else ""
        self._channels[topic.name] = self._mcap.register_channel(
            topic.name,
            topic.encoding,
            self._schemas[topic.type],
            {"offered_qos_profiles": text, "topic_type_hash": topic.type_hash},
        )
        self.topics[topic.name], self.counts[topic.name] = topic, 0

    def write(self, topic: str, message: Any, log_ns: int, *, publish_ns: int | None = None, sequence: int = 0) -> None:
        """Add a message: CDR bytes (such as rclpy's serialize_message gives), or an object of `typestore.types`.

        log_ns: when it counts as recorded; publish_ns: when it was sent (default the same).
        """
        if topic not in self.topics:
            raise ValueError(f"topic {topic} was not announced; call add_topic first. There are {list(self.topics)}")
        if not isinstance(message, bytes | bytearray | memoryview):
            message = self.typestore.serialize_cdr(message, self.topics[topic].type)
        log_ns = int(log_ns)
        self._mcap.add_message(
            self._channels[topic], log_ns, bytes(message), log_ns if publish_ns is None else int(publish_ns), sequence
        )
        self.counts[topic] += 1
        self.start_ns = log_ns if self.start_ns is None else min(self.start_ns, log_ns)
        self.end_ns = max(self.end_ns, log_ns)

    def add_topics_of(self, bag: Bag, topics: Collection[str] | None = None) -> None:
        """Announce the topics of a recording as they are there: type, definition, hash, QoS."""
        for topic in bag.topics.values():
            if topics is None or topic.name in topics:
                self._add(self._complete(topic))

    def _complete(self, topic: BagTopic) -> BagTopic:
        """Definition and hash where the recording (sqlite3 before Iron) did not keep them."""
        if topic.type not in self.typestore.fielddefs or (topic.definition and topic.type_hash):
            return topic
        definition, _ = self.typestore.generate_msgdef(topic.type, ros_version=2)
        kept = (topic.definition, topic.definition_format) if topic.definition else (definition, "ros2msg")
        return BagTopic(
            topic.name,
            topic.type,
            topic.count,
            topic.qos,
            *kept,
            topic.type_hash or self.typestore.hash_rihs01(topic.type),
        )

    def copy(
        self, bag: Bag, topics: Collection[str] | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        """Copy every message (of these topics): same bytes, topic, type, QoS, log and publish time, sequence.

        progress: called with 1 after each message.
        """
        if bag.shortfall:
            raise BagError(f"{bag.path}: a copy would not be complete; {bag.describe_shortfall()}")
        self.add_topics_of(bag, topics)
        for m in bag.messages(topics):
            self.write(m.topic, m.data, m.log_ns, publish_ns=m.publish_ns, sequence=m.sequence)
            if progress is not None:
                progress(1)

    def close(self) -> None:
        """Finish the files and let the recording appear under its name."""
        try:
            information = self._information()
            self._mcap.add_metadata("rosbag2", {"serialized_metadata": _yaml(information)})
            self._mcap.finish()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            (self._part / "metadata.yaml").write_text(_yaml({"rosbag2_bagfile_information": information}))
            os.rename(self._part, self.path)
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Throw away what was written."""
        self._file.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def _information(self) -> dict[str, Any]:
        start, count = self.start_ns or 0, sum(self.counts.values())
        duration = max(self.end_ns - start, 0)
        times = {
            "duration": {"nanoseconds": duration},
            "starting_time": {"nanoseconds_since_epoch": start},
            "message_count": count,
        }
        name = f"{self.path.name}.mcap"
        return {
            "version": 9,
            "storage_identifier": "mcap",
            **times,
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": t.name,
                        "type": t.type,
                        "serialization_format": "cdr",
                        "offered_qos_profiles": [_qos_dict(qos) for qos in t.qos],
                        "type_description_hash": t.type_hash,
                    },
                    "message_count": self.counts[t.name],
                }
                for t in self.topics.values()
            ],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [name],
            "files": [{"path": name, **times}],
            "custom_data": None,
            "ros_distro": "jazzy",
        }


def _qos_dict(qos: Qos) -> dict[str, Any]:
    times = {
        name: {"sec": t.sec, "nsec": t.nsec}
        for name, t in (
            ("deadline", qos.deadline),
            ("lifespan", qos.lifespan),
            ("liveliness_lease_duration", qos.liveliness_lease_duration),
        )
    }
    return {
        "history": qos.history.name.lower(),
        "depth": qos.depth,
        "reliability": qos.reliability.name.lower(),
        "durability": qos.durability.name.lower(),
        "deadline": times["deadline"],
        "lifespan": times["lifespan"],
        "liveliness": qos.liveliness.name.lower(),
        "liveliness_lease_duration": times["liveliness_lease_duration"],
        "avoid_ros_namespace_conventions": qos.avoid_ros_namespace_conventions,
    }
