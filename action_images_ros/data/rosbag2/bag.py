"""Reads a rosbag2 recording (MCAP or sqlite3, a file or a folder) message by message, without touching it."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader
from rosbags.interfaces import MessageDefinitionFormat, Qos
from rosbags.rosbag2 import Reader
from rosbags.rosbag2.errors import ReaderError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

__all__ = ["Bag", "BagError", "BagMessage", "BagTopic", "header_of", "is_bag", "ros_types", "stamp_of"]

_MAGIC = {b"\x89MCAP0\r\n": ".mcap", b"SQLite format 3\0": ".db3", b"#ROSBAG V": ".bag"}
_BROKEN = (
    ReaderError,
    McapError,
    sqlite3.Error,
    OSError,
    EOFError,
    struct.error,
    ValueError,
    KeyError,
    TypeError,
    AssertionError,
    IndexError,
    RuntimeError,
)


class BagError(ValueError):
    """A recording that cannot be read; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class BagTopic:
    """One topic of a recording. definition: the type's text as recorded, format ros2msg or ros2idl ("" unknown)."""

    name: str
    type: str
    count: int
    qos: tuple[Qos, ...]
    definition: str
    definition_format: str
    type_hash: str


@dataclass(frozen=True, slots=True)
class BagMessage:
    """One recorded message. log_ns: when it was recorded; publish_ns: when it was sent, where the file says so.

    data: the serialised message (CDR with its 4-byte header), as it lies in the file.
    """

    topic: str
    type: str
    log_ns: int
    publish_ns: int
    sequence: int
    data: bytes


@cache
def ros_types() -> Typestore:
    """ROS 2 Jazzy's own message types; one store for all, since it makes its code when a type is first used."""
    return get_typestore(Stores.ROS2_JAZZY)


def is_bag(path: str | Path) -> bool:
    """Whether this looks like one rosbag2 recording: a folder with metadata.yaml or a storage file, or such a file."""
    path = Path(path)
    if path.is_dir():
        return (path / "metadata.yaml").is_file() or bool([*path.glob("*.mcap"), *path.glob("*.db3")])
    return path.suffix in (".mcap", ".db3", ".bag") or _magic(path) is not None


def _magic(path: Path) -> str | None:
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError:
        return None
    return next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), None)


def header_of(data: bytes) -> tuple[int, str]:
    """Stamp (ns) and frame_id of a serialised message that begins with a std_msgs/Header, without reading the rest."""
    order = "<" if data[1] & 1 else ">"
    seconds, nanoseconds, length = struct.unpack_from(order + "iII", data, 4)
    return seconds * 1_000_000_000 + nanoseconds, data[16 : 16 + length - 1].decode(errors="replace")


def stamp_of(data: bytes) -> int:
    """Header stamp (ns) of a serialised message that begins with a std_msgs/Header."""
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return seconds * 1_000_000_000 + nanoseconds


class Bag:
    """An open recording; use it in a `with` statement. Opened read-only.

    Attributes: path; topics (name to BagTopic); start_ns, end_ns (log time of the first and last message); count.
    Raises BagError naming the file for truncated, damaged, foreign or empty recordings, also while messages are read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._reader = Reader(self._checked())
        self._files: list = []
        try:
            self._reader.open()
        except _BROKEN as error:
            raise self._broken(error) from error
        self.topics = self._read_topics()
        self.count = self._reader.message_count
        self.start_ns, self.end_ns = self._reader.start_time, max(self._reader.end_time - 1, 0)
        self.typestore = self._make_typestore()

    def _checked(self) -> Path:
        path = self.path
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; give a rosbag2 folder, a .mcap or a .db3 file")
        if path.is_dir():
            if (path / "metadata.yaml").is_file():
                return path
            files = sorted([*path.glob("*.mcap"), *path.glob("*.db3")])
            if not files:
                raise BagError(f"{path} is no rosbag2 recording: it holds no metadata.yaml, .mcap or .db3 file")
            if len(files) > 1:
                raise BagError(
                    f"{path} lacks metadata.yaml (the recorder did not end properly); "
                    f"run `ros2 bag reindex {path}` or give one of {[file.name for file in files]}"
                )
            path = files[0]
        kind = _magic(path)
        if kind == ".bag":
            raise BagError(f"{path} is a ROS 1 bag; convert it with `rosbags-convert --src {path.name} --dst FOLDER`")
        if path.stat().st_size == 0:
            raise BagError(f"{path} is empty (0 bytes): nothing was recorded")
        if kind is None:
            raise BagError(f"{path} is neither MCAP nor sqlite3; give a rosbag2 folder, a .mcap or a .db3 file")
        if path.suffix != kind:
            raise BagError(f"{path} holds {kind[1:]} data; give it the suffix {kind}")
        return path

    def _broken(self, error: Exception) -> BagError:
        what = str(error) or type(error).__name__
        cut = any(word in what.lower() for word in ("magic", "truncated", "footer", "malformed", "end of", "ord()"))
        remedy = (
            "the recording was cut off; try `mcap recover` (MCAP) or `ros2 bag reindex`"
            if cut
            else "the recording is damaged or was made by something else; record it again"
        )
        return BagError(f"{self.path} cannot be read: {what}; {remedy}")

    def _read_topics(self) -> dict[str, BagTopic]:
        formats = {MessageDefinitionFormat.MSG: "ros2msg", MessageDefinitionFormat.IDL: "ros2idl"}
        topics: dict[str, BagTopic] = {}
        for c in self._reader.connections:
            known = topics.get(c.topic)
            if known is not None and known.type != c.msgtype:
                self._reader.close()
                raise BagError(
                    f"{self.path}: topic {c.topic} has messages of two types, {known.type} and {c.msgtype}; "
                    "split the recording by type"
                )
            count = c.msgcount + (known.count if known else 0)
            qos = tuple(dict.fromkeys([*(known.qos if known else ()), *c.ext.offered_qos_profiles]))
            topics[c.topic] = BagTopic(
                c.topic, c.msgtype, count, qos, c.msgdef.data, formats.get(c.msgdef.format, ""), c.digest
            )
        return topics

    def _make_typestore(self) -> Typestore:
        """ROS's own types, and beside them those that the recording defines."""
        foreign = [t for t in self.topics.values() if t.definition and t.type not in ros_types().fielddefs]
        if not foreign:
            return ros_types()
        store = get_typestore(Stores.ROS2_JAZZY)
        for topic in foreign:
            try:
                types = (
                    get_types_from_idl(topic.definition)
                    if topic.definition_format == "ros2idl"
                    else get_types_from_msg(topic.definition, topic.type)
                )
                store.register({name: fields for name, fields in types.items() if name not in store.fielddefs})
            except (TypesysError, KeyError):
                pass  # copied as it is; `read` says that it is not known
        return store

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        if self._reader.is_open:
            self._reader.close()

    def messages(
        self, topics: Collection[str] | None = None, start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Messages in the order of log time, of these topics (default all), `start_ns <= log_ns < end_ns`.

        Memory does not grow with the recording. A file of several (a split recording) is read after the other.
        """
        wanted = [c for c in self._reader.connections if topics is None or c.topic in topics]
        if not wanted:
            return
        try:
            if self._is_plain_mcap():
                yield from self._mcap_messages({c.topic for c in wanted}, start_ns, end_ns)
            else:
                for c, log_ns, data in self._reader.messages(wanted, start_ns, end_ns):
                    yield BagMessage(c.topic, c.msgtype, log_ns, log_ns, 0, bytes(data))
        except _BROKEN as error:
            raise self._broken(error) from error

    def _storages(self) -> list:
        return getattr(self._reader.storage, "storages", None) or [self._reader.storage]

    def _is_plain_mcap(self) -> bool:
        return self._reader.compression_mode != "message" and all(
            Path(storage.path).suffix == ".mcap" for storage in self._storages()
        )

    def _mcap_messages(self, topics: set[str], start_ns, end_ns) -> Iterator[BagMessage]:
        """rosbags' reader leaves out publish time and sequence; mcap's own has them."""
        for storage in self._storages():
            with open(storage.path, "rb") as file:
                reader = make_reader(file, validate_crcs=True)
                summary = reader.get_summary()
                indexed = summary is not None and bool(summary.chunk_indexes)
                for schema, channel, m in reader.iter_messages(
                    topics, starting_at=start_ns, ending_before=end_ns, log_time_order=indexed
                ):
                    yield BagMessage(
                        channel.topic, schema.name if schema else "", m.log_time, m.publish_time, m.sequence, m.data
                    )

    def read(self, message: BagMessage) -> Any:
        """The message as an object with the type's fields (sequences are numpy arrays); BagError when it cannot be."""
        try:
            return self.typestore.deserialize_cdr(message.data, message.type)
        except KeyError:
            raise BagError(
                f"{self.path}: the type {message.type} of {message.topic} is not known and the recording "
                "does not define it; record it with Jazzy, or leave the topic out"
            ) from None
        except Exception as error:  # whatever the deserialiser trips over: the bytes are not of that type
            raise BagError(
                f"{self.path}: a message of {message.topic} at {message.log_ns} ns is no {message.type} "
                f"({type(error).__name__}: {error}); the recording is damaged"
            ) from error

    def describe_topics(self) -> str:
        """`name (type, count)` of every topic, for error messages."""
        return ", ".join(f"{t.name} ({t.type}, {t.count})" for t in self.topics.values()) or "no topics at all"
