"""MCAP files, with or without an index, read chunk by chunk: bounded, checked (CRC), in the order of log time."""

from __future__ import annotations

import heapq
import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, Message, Schema
from mcap.stream_reader import StreamReader
from mcap.summary import Summary
from rosbags.interfaces import Qos

from .metadata import qos_from
from .storage import BagError, BagMessage, BagTopic, merge_topics

__all__ = ["McapFile"]

_LARGEST = 1 << 30  # bytes of an unpacked chunk; recorders make them of 1 to 16 MB
_SCHEMA, _CHANNEL, _MESSAGE = 3, 4, 5
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_RECORD_HEAD = struct.Struct("<BQ")
_FORMATS = {"ros2msg": "ros2msg", "ros2idl": "ros2idl"}


class McapFile:
    """An open .mcap file; see `storage.Storage`. Raises ValueError and McapError for files that are cut off or damaged.

    An index is used where there is a whole one (every channel and count in the summary), else the file is gone through
    once when it is opened and once for every reading.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._size = path.stat().st_size
        self._file = open(path, "rb")
        self._channels: dict[int, Channel] = {}
        self._schemas: dict[int, Schema] = {}
        self._chunks: list[ChunkIndex] = []
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        try:
            summary = SeekingReader(self._file, record_size_limit=self._size).get_summary()
            counts = self._indexed(summary) if summary is not None else None
            if counts is None:
                counts = self._scan()
            self.topics: dict[str, BagTopic] = {}
            for number, channel in self._channels.items():
                topic = self._topic(channel, counts.get(number, 0))
                self.topics[topic.name] = merge_topics(self.topics.get(topic.name), topic, path)
        except BaseException:
            self._file.close()
            raise

    # What is there.

    def _indexed(self, summary: Summary) -> dict[int, int] | None:
        """Messages by channel from the summary; None where it does not tell everything."""
        numbers = summary.statistics
        told = {channel for index in summary.chunk_indexes for channel in index.message_index_offsets}
        if (
            numbers is None
            or (numbers.message_count and not summary.chunk_indexes)
            or sum(numbers.channel_message_counts.values()) != numbers.message_count
            or not (told | set(numbers.channel_message_counts)) <= set(summary.channels)
            or not all(c.schema_id == 0 or c.schema_id in summary.schemas for c in summary.channels.values())
        ):
            return None
        self._channels, self._schemas = dict(summary.channels), dict(summary.schemas)
        self._chunks = sorted(summary.chunk_indexes, key=lambda c: (c.message_start_time, c.chunk_start_offset))
        if numbers.message_count:
            self.start_ns, self.end_ns = numbers.message_start_time, numbers.message_end_time
        return dict(numbers.channel_message_counts)

    def _scan(self) -> dict[int, int]:
        """Go through the whole file for what its summary does not tell."""
        counts: Counter[int] = Counter()
        low, high = None, None
        for record in self._records(None):
            counts[record.channel_id] += 1
            low = record.log_time if low is None else min(low, record.log_time)
            high = record.log_time if high is None else max(high, record.log_time)
        self.start_ns, self.end_ns = low, high
        return counts

    def _topic(self, channel: Channel, count: int) -> BagTopic:
        schema = self._schemas.get(channel.schema_id)
        qos: tuple[Qos, ...] = qos_from(channel.metadata.get("offered_qos_profiles", ""))
        encoding = channel.message_encoding or "cdr"
        form = _FORMATS.get(schema.encoding, "") if schema else ""
        text = schema.data.decode(errors="replace") if schema and form else ""
        return BagTopic(
            channel.topic,
            schema.name if schema else "",
            count,
            qos,
            text,
            form,
            channel.metadata.get("topic_type_hash", ""),
            encoding,
        )

    # Messages.

    def messages(
        self, topics: Collection[str], start_ns: int | None = None, end_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """See `storage.Storage`. Without an index in the order of the file."""
        wanted = {number for number, channel in self._channels.items() if channel.topic in topics}
        records = self._ordered(wanted, start_ns, end_ns) if self._chunks else self._records(wanted)
        for record in records:
            if (start_ns is None or record.log_time >= start_ns) and (end_ns is None or record.log_time < end_ns):
                channel = self._channels[record.channel_id]
                schema = self._schemas.get(channel.schema_id)
                yield BagMessage(
                    channel.topic,
                    schema.name if schema else "",
                    record.log_time,
                    record.publish_time,
                    record.sequence,
                    record.data,
                )

    def _ordered(self, wanted: set[int], start_ns: int | None, end_ns: int | None) -> Iterator[Message]:
        """By log time: a chunk is read when it may hold the next message."""
        waiting: list[tuple[int, int, int, Message]] = []
        for number, index in enumerate(self._chunks):
            if (
                (start_ns is not None and index.message_end_time < start_ns)
                or (end_ns is not None and index.message_start_time >= end_ns)
                or (index.message_index_offsets and not wanted & set(index.message_index_offsets))
            ):
                continue
            while waiting and waiting[0][0] < index.message_start_time:
                yield heapq.heappop(waiting)[3]
            self._file.seek(index.chunk_start_offset + 9)
            for place, record in enumerate(self._parts(Chunk.read(ReadDataStream(self._file)), wanted)):
                heapq.heappush(waiting, (record.log_time, number, place, record))
        while waiting:
            yield heapq.heappop(waiting)[3]

    def _records(self, wanted: set[int] | None) -> Iterator[Message]:
        """Messages in the order of the file, of these channels (None: all); takes channels and schemas in."""
        self._file.seek(0)
        stream = StreamReader(self._file, emit_chunks=True, validate_crcs=True, record_size_limit=self._size)
        for record in stream.records:
            if isinstance(record, Chunk):
                yield from self._parts(record, wanted)
            elif isinstance(record, Channel):
                self._channels.setdefault(record.id, record)
            elif isinstance(record, Schema):
                self._schemas.setdefault(record.id, record)
            elif isinstance(record, Message) and (wanted is None or record.channel_id in wanted):
                self._known(record.channel_id)
                yield record

    def _known(self, channel: int) -> None:
        if channel not in self._channels:
            raise ValueError(f"a message belongs to channel {channel}, which the file does not describe")

    def _parts(self, chunk: Chunk, wanted: set[int] | None) -> Iterator[Message]:
        data = self._unpacked(chunk)
        at, end = 0, len(data)
        while at < end:
            kind, length = _RECORD_HEAD.unpack_from(data, at)
            at += _RECORD_HEAD.size
            if at + length > end:
                raise ValueError("a record is longer than its chunk: the file is malformed")
            if kind == _MESSAGE:
                channel, sequence, log_ns, publish_ns = _MESSAGE_HEAD.unpack_from(data, at)
                if wanted is None or channel in wanted:
                    self._known(channel)
                    yield Message(channel, log_ns, data[at + _MESSAGE_HEAD.size : at + length], publish_ns, sequence)
            elif kind in (_CHANNEL, _SCHEMA):
                self._describe(kind, data[at : at + length])
            at += length

    def _describe(self, kind: int, data: bytes) -> None:
        import io

        stream = ReadDataStream(io.BytesIO(data))
        if kind == _CHANNEL:
            channel = Channel.read(stream)
            self._channels.setdefault(channel.id, channel)
        else:
            schema = Schema.read(stream)
            self._schemas.setdefault(schema.id, schema)

    def _unpacked(self, chunk: Chunk) -> bytes:
        size = chunk.uncompressed_size
        if size > _LARGEST:
            raise ValueError(f"a chunk says that it unpacks to {size:,} bytes, at most {_LARGEST:,} are read")
        if chunk.compression == "zstd":
            told = zstandard.frame_content_size(chunk.data)
            if told not in (-1, size):
                raise ValueError(f"a chunk unpacks to {told:,} bytes instead of {size:,}: the file is malformed")
            data = zstandard.ZstdDecompressor().decompress(chunk.data, max_output_size=size)
        elif chunk.compression == "lz4":
            import lz4.frame

            data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=size + 1)
        elif chunk.compression == "":
            data = chunk.data
        else:
            raise BagError(
                f"{self.path}: chunks are packed with {chunk.compression!r}, which is not known here; write "
                "it anew with `mcap compress` (zstd or lz4)"
            )
        if len(data) != size:
            raise ValueError(f"a chunk unpacks to {len(data):,} bytes instead of {size:,}: the file is malformed")
        if chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc:
            raise McapError("a chunk's checksum is wrong: its bytes were changed")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
