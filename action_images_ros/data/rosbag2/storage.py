"""What every kind of storage file gives: topics as they are counted in the file, and messages in the order of time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rosbags.interfaces import Qos

__all__ = ["BagError", "BagMessage", "BagTopic", "Storage", "merge_topics"]


class BagError(ValueError):
    """A recording that cannot be read; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class BagTopic:
    """One topic of a recording. count: messages that the files hold. encoding: cdr, or what else it is serialised as.

    definition: the type's text as recorded, format ros2msg or ros2idl ("" unknown).
    """

    name: str
    type: str
    count: int
    qos: tuple[Qos, ...]
    definition: str
    definition_format: str
    type_hash: str
    encoding: str = "cdr"


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


class Storage(Protocol):
    """One open file. topics: by name; start_ns, end_ns: log time of the first and last message, None without any;
    notes: what the user should know."""

    path: Path
    topics: dict[str, BagTopic]
    start_ns: int | None
    end_ns: int | None
    notes: list[str]

    def messages(self, topics: Collection[str], start_ns: int | None, end_ns: int | None) -> Iterator[BagMessage]:
        """Messages of these topics in the order of log time, start_ns <= log_ns < end_ns."""

    def close(self) -> None:
        """Close the file."""


def merge_topics(known: BagTopic | None, new: BagTopic, where: Path) -> BagTopic:
    """One topic of two channels or files: counts add up, every QoS is kept. ValueError where the types differ."""
    if known is None:
        return new
    if known.type != new.type or known.encoding != new.encoding:
        raise BagError(
            f"{where}: topic {new.name} has messages of two types, {known.type} ({known.encoding}) and "
            f"{new.type} ({new.encoding}); split the recording by type"
        )
    return replace(
        known,
        count=known.count + new.count,
        qos=tuple(dict.fromkeys([*known.qos, *new.qos])),
        definition=known.definition or new.definition,
        definition_format=known.definition_format or new.definition_format,
        type_hash=known.type_hash or new.type_hash,
    )
