"""Reads a recording (rosbag2 in MCAP or sqlite3, or a ROS 1 bag) message by message, without touching it."""

from __future__ import annotations

import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import zstandard
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from .damage import BROKEN, broken
from .files import are_parts, is_bag, magic, storage_files
from .mcap_file import McapFile
from .metadata import FolderMetadata, read_metadata
from .ros1_file import Ros1File
from .sqlite_file import SqliteFile
from .storage import BagError, BagMessage, BagTopic, Storage, merge_topics

__all__ = ["Bag", "BagError", "BagMessage", "BagTopic", "header_of", "is_bag", "ros_types", "stamp_of"]

_ZSTD = b"\x28\xb5\x2f\xfd"
_OPEN: dict[str, Callable[[Path], Storage]] = {".mcap": McapFile, ".db3": SqliteFile, ".bag": Ros1File}
_LARGEST = 1 << 30  # bytes of an unpacked message
_UNPACKED = 200  # times its size that a packed file may unpack to


@cache
def ros_types() -> Typestore:
    """ROS 2 Jazzy's own message types; one store for all, since it makes its code when a type is first used."""
    return get_typestore(Stores.ROS2_JAZZY)


def header_of(data: bytes) -> tuple[int, str]:
    """Stamp (ns) and frame_id of a serialised message that begins with a std_msgs/Header, without reading the rest."""
    order = "<" if data[1] & 1 else ">"
    seconds, nanoseconds, length = struct.unpack_from(order + "iII", data, 4)
    return seconds * 1_000_000_000 + nanoseconds, data[16 : 16 + max(length - 1, 0)].decode(errors="replace")


def stamp_of(data: bytes) -> int:
    """Header stamp (ns) of a serialised message that begins with a std_msgs/Header."""
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _from_cdr(store: Typestore, data: bytes, kind: str) -> Any:
    """The message. Bytes behind it are passed over: rclpy's serialize_message leaves some where a sequence is empty,
    since it takes the size that it reserved for the one it used."""
    definition = store.get_msgdef(kind)
    if len(data) < 4 or data[:2] not in (b"\0\0", b"\0\1"):
        raise ValueError("it does not begin as CDR does")
    read = definition.deserialize_cdr_le if data[1] else definition.deserialize_cdr_be
    message, end = read(data[4:], 0, definition.cls, store)
    if end + 4 > len(data) or len(data) > 2 * (end + 4):
        raise ValueError(f"it takes {end + 4} of {len(data)} bytes")
    return message


class Bag:
    """An open recording; use it in a `with` statement. Opened read-only.

    Attributes: path; topics (name to BagTopic, counted in the files); start_ns, end_ns (log time of the first and last
    message, 0 where there is none); count; notes (what the user should know about how it was read); shortfall (topic to
    (messages that metadata.yaml tells of, messages in the files), where files or messages are missing).
    Raises BagError naming the file for truncated, damaged or foreign recordings, also while messages are read: a topic
    of which another number of messages comes than the file counts is an error.
    """

    live = False  # all of it can be read before its pictures, and again

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        self.shortfall: dict[str, tuple[int, int]] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._storages: list[Storage] = []
        metadata = self._find()
        try:
            for file in metadata.files:
                self._storages.append(self._open(file))
        except BagError:
            self.close()
            raise
        except BROKEN as error:
            self.close()
            raise broken(self.path, error) from error
        # Whatever the order that metadata.yaml names them in.
        self._storages.sort(key=lambda storage: -1 if storage.start_ns is None else storage.start_ns)
        self._packed = metadata.compression == "message"
        self.topics = self._merged(metadata)
        self.count = sum(topic.count for topic in self.topics.values())
        self.start_ns = min((s.start_ns for s in self._storages if s.start_ns is not None), default=0)
        self.end_ns = max((s.end_ns for s in self._storages if s.end_ns is not None), default=0)
        self.typestore = self._make_typestore()

    # Finding and opening the files.

    def _find(self) -> FolderMetadata:
        path = self.path
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; give a rosbag2 folder, a .mcap, a .db3 or a .bag file")
        if path.is_dir():
            if (path / "metadata.yaml").is_file():
                metadata = read_metadata(path)
                self.notes += metadata.notes
                return metadata
            files = storage_files(path)
            if not files:
                raise BagError(f"{path} is no rosbag2 recording: it holds no metadata.yaml, .mcap or .db3 file")
            if len(files) > 1 and not are_parts(files):
                raise BagError(f"{path} holds several recordings; give one of {[file.name for file in files]}")
            if len(files) > 1:
                raise BagError(
                    f"{path} lacks metadata.yaml (the recorder did not end properly); "
                    f"run `ros2 bag reindex {path}` or give one of {[file.name for file in files]}"
                )
            self.notes.append("metadata.yaml is missing (the recorder did not end properly); the file is read alone")
            return FolderMetadata(files)
        if not path.is_file():
            raise BagError(f"{path} is no regular file; give a rosbag2 folder, a .mcap, a .db3 or a .bag file")
        return FolderMetadata([path])

    def _open(self, file: Path) -> Storage:
        if file.stat().st_size == 0:
            raise BagError(f"{file} is empty (0 bytes): nothing was recorded")
        with open(file, "rb") as stream:
            if stream.read(4) == _ZSTD:
                file = self._unpacked(file)
        kind = magic(file)
        if kind is None:
            raise BagError(
                f"{file} is neither MCAP nor sqlite3 nor a ROS 1 bag; give a rosbag2 folder, a .mcap, a "
                ".db3 or a .bag file"
            )
        storage = _OPEN[kind](file)
        if file.suffix in _OPEN and file.suffix != kind:
            storage.notes.append(f"{file.name} holds {kind[1:]} data in spite of its name; it is read as that")
        self.notes += storage.notes
        return storage

    def _unpacked(self, file: Path) -> Path:
        """A file packed as a whole, unpacked into a temporary folder."""
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="action-images-")
        target = Path(self._temporary.name) / file.stem
        limit = _UNPACKED * file.stat().st_size + (1 << 20)
        with open(file, "rb") as packed, open(target, "wb") as plain:
            for part in zstandard.ZstdDecompressor().read_to_iter(packed):
                plain.write(part)
                if plain.tell() > limit:
                    raise BagError(f"{file} unpacks to more than {_UNPACKED} times its size; is it a recording?")
        return target

    def _merged(self, metadata: FolderMetadata) -> dict[str, BagTopic]:
        topics: dict[str, BagTopic] = {}
        try:
            for storage in self._storages:
                for name, topic in storage.topics.items():
                    topics[name] = merge_topics(topics.get(name), topic, self.path)
        except BagError:
            self.close()
            raise
        for name, told in (metadata.counts or {}).items():
            found = topics[name].count if name in topics else 0
            if told > found:
                self.shortfall[name] = (told, found)
            elif told < found:
                self.notes.append(
                    f"{name}: the files hold {found} messages, metadata.yaml tells of {told}; all are read"
                )
        if self.shortfall:
            self.notes.append(self.describe_shortfall())
        for name, profiles in metadata.qos.items():
            if name in topics and profiles:  # what was edited by hand says what is meant
                topics[name] = replace(topics[name], qos=tuple(dict.fromkeys(profiles)))
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
            except (TypesysError, KeyError, ValueError, RecursionError):
                pass  # copied as it is; `read` says that it is not known
        return store

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for storage in self._storages:
            storage.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    # Messages.

    def messages(
        self, topics: Collection[str] | None = None, start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Messages in the order of log time, of these topics (default all), `start_ns <= log_ns < end_ns`.

        Memory does not grow with the recording. A file of several (a split recording) is read after the other. BagError
        at the end where a topic gave another number of messages than the files count.
        """
        wanted = {name for name in self.topics if topics is None or name in topics}
        if not wanted:
            return
        read: Counter[str] = Counter()
        try:
            for storage in self._storages:
                for message in storage.messages(wanted, start_ns, end_ns):
                    read[message.topic] += 1
                    yield self._plain(message) if self._packed else message
        except BagError:
            raise
        except BROKEN as error:
            raise broken(self.path, error) from error
        if start_ns is None and end_ns is None:
            wrong = [
                f"{name} gave {read[name]} of {self.topics[name].count}"
                for name in sorted(wanted)
                if read[name] != self.topics[name].count
            ]
            if wrong:
                raise BagError(
                    f"{self.path}: not every message could be read: {', '.join(wrong)}; the index of the "
                    "file is wrong: run `mcap recover` (MCAP) or `ros2 bag reindex`"
                )

    @staticmethod
    def _plain(message: BagMessage) -> BagMessage:
        size = zstandard.frame_content_size(message.data)
        if size > _LARGEST:
            raise ValueError(f"a message of {message.topic} says that it unpacks to {size:,} bytes")
        data = zstandard.ZstdDecompressor().decompress(message.data, max_output_size=_LARGEST if size < 0 else size)
        return replace(message, data=data)

    def read(self, message: BagMessage) -> Any:
        """The message as an object with the type's fields (sequences are numpy arrays); BagError when it cannot be."""
        topic = self.topics[message.topic]
        if topic.encoding != "cdr":
            raise BagError(f"{self.path}: {self.describe_encoding(topic)}")
        try:
            return _from_cdr(self.typestore, message.data, message.type)
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

    @staticmethod
    def describe_encoding(topic: BagTopic) -> str:
        """What to do with messages that are not in ROS 2's CDR."""
        what = {"json": "JSON", "protobuf": "protobuf", "ros1": "ROS 1's format"}.get(topic.encoding, topic.encoding)
        remedy = (
            "convert it with `mcap convert` from the original .bag, or give that .bag file"
            if topic.encoding == "ros1"
            else "record the ROS 2 topics themselves (`ros2 bag record`)"
        )
        return f"the messages of {topic.name} ({topic.type}) are in {what}, only ROS 2's CDR is read; {remedy}"

    def describe_shortfall(self) -> str:
        """Which messages metadata.yaml tells of and the files lack, and what to do."""
        parts = ", ".join(f"{name} has {found} of {told}" for name, (told, found) in self.shortfall.items())
        return (
            f"messages are missing: {parts}; copy the recording again, or run `ros2 bag reindex` if it is all there is"
        )

    @property
    def foreign(self) -> list[BagTopic]:
        """Topics that are not in CDR."""
        return [topic for topic in self.topics.values() if topic.encoding != "cdr"]

    def describe_topics(self) -> str:
        """`name (type, count)` of every topic, for error messages."""
        shown = [
            f"{t.name} ({t.type}, {t.count}{'' if t.encoding == 'cdr' else f', {t.encoding}'})"
            for t in list(self.topics.values())[:60]
        ]
        more = len(self.topics) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "no topics at all"
