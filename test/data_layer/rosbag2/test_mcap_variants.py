"""The MCAP project's conformance variants, made here from the format's public specification.

Every combination of what a writer may leave out, with attachments, metadata and records that nobody knows.
"""

import itertools
import struct

import pytest
from mcap.writer import CompressionType, IndexType, Writer

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.writer import BagWriter

FLAGS = ("use_chunking", "use_statistics", "use_summary_offsets", "repeat_channels", "repeat_schemas")
INDICES = (
    IndexType.ALL,
    IndexType.NONE,
    IndexType.CHUNK,
    IndexType.CHUNK | IndexType.MESSAGE,
    IndexType.ATTACHMENT | IndexType.METADATA,
)
VARIANTS = [
    (dict(zip(FLAGS, values, strict=True)), index)
    for values in itertools.product((True, False), repeat=len(FLAGS))
    for index in INDICES
]
INPUTS = {"one": 1, "ten": 10}
PRIVATE_RECORD = 0x80  # opcodes from here on are an application's own; a reader passes over them


def text(number):
    """A std_msgs/String in CDR."""
    words = f"message {number}".encode() + b"\0"
    return b"\0\1\0\0" + struct.pack("<I", len(words)) + words


def written(path, count, flags, index, *, extras=False, compression=CompressionType.NONE):
    """An MCAP file of `count` messages on each of two topics; extras: an attachment and metadata."""
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression, index_types=index, chunk_size=200, **flags)
        writer.start("ros2", "conformance")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in ("/a", "/b")]
        if extras:
            writer.add_attachment(1, 2, "notes.txt", "text/plain", b"\1\2\3")
            writer.add_metadata("session", {"operator": "none"})
        for number in range(count):
            for channel in channels:
                writer.add_message(
                    channel, log_time=number, publish_time=number + 1, data=text(number), sequence=number
                )
        writer.finish()
    return path


def content(path):
    with Bag(path) as bag:
        return sorted((m.topic, m.log_ns, m.publish_ns, bytes(m.data)) for m in bag.messages())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("variants")


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("extras", [False, True])
def test_every_variant_is_read_whole(folder, name, extras):
    count = INPUTS[name]
    expected = sorted((topic, k, k + 1, text(k)) for topic in ("/a", "/b") for k in range(count))
    for flags, index in VARIANTS:
        path = written(folder / "variant.mcap", count, flags, index, extras=extras)
        assert content(path) == expected, (flags, index)


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_copy_has_the_same_bytes_whatever_the_compression(folder, compression):
    path = written(folder / "packed.mcap", 10, {}, IndexType.ALL, compression=compression)
    target = folder / f"copy_{compression.name}"
    with Bag(path) as bag, BagWriter(target) as writer:
        writer.copy(bag)
    assert content(target) == content(path)


def test_records_that_nobody_knows_are_passed_over(folder):
    flags = {"use_chunking": False, "use_summary_offsets": False}
    data = written(folder / "known.mcap", 3, flags, IndexType.NONE).read_bytes()
    begin = 8 + 1 + 8 + struct.unpack_from("<Q", data, 9)[0]  # after the magic bytes and the header
    strange = bytes([PRIVATE_RECORD]) + struct.pack("<Q", 5) + b"\1\2\3\4\5"
    summary, offsets = struct.unpack_from("<QQ", data, len(data) - 8 - 20)  # of the footer, before the magic bytes
    assert summary and not offsets
    footer = struct.pack("<QQI", summary + len(strange), 0, 0)
    (folder / "strange.mcap").write_bytes(data[:begin] + strange + data[begin:-28] + footer + data[-8:])
    assert [row[3] for row in content(folder / "strange.mcap")] == [text(k) for k in range(3)] * 2
