"""Recordings are read as they are, whatever the storage; what is no whole recording is refused by name."""

import shutil

import numpy as np
import pytest
from recordings import convert, record, small_episode, tree
from rosbags.rosbag2 import CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from action_images_ros.data.format import Options
from action_images_ros.data.registry import recognise
from action_images_ros.data.rosbag2.bag import Bag, BagError, header_of, is_bag


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", small_episode(frames=5))


@pytest.mark.parametrize(
    "plugin, compression",
    [
        (StoragePlugin.SQLITE3, None),
        (StoragePlugin.MCAP, None),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
    ],
)
def test_every_storage_gives_the_same_messages(recording, tmp_path, plugin, compression):
    other = convert(recording, tmp_path / "other", plugin, compression)
    with Bag(recording) as a, Bag(other) as b:
        assert [(m.topic, m.type, m.log_ns, m.data) for m in a.messages()] == [
            (m.topic, m.type, m.log_ns, m.data) for m in b.messages()
        ]
        assert {t.name: (t.type, t.count, t.qos) for t in a.topics.values()} == {
            t.name: (t.type, t.count, t.qos) for t in b.topics.values()
        }
        assert (a.start_ns, a.end_ns, a.count) == (b.start_ns, b.end_ns, b.count)
    if compression is CompressionMode.FILE:  # what is packed as a whole is found without its description too
        (other / "metadata.yaml").unlink()
        packed = next(other.glob("*.zstd"))
        for path in (other, packed):
            assert is_bag(path)
            with Bag(recording) as a, Bag(path) as b:
                assert a.count == b.count


def test_a_single_file_is_read_without_its_folder(recording, tmp_path):
    file = shutil.copy(next(recording.glob("*.mcap")), tmp_path / "alone.mcap")
    with Bag(recording) as a, Bag(file) as b:
        assert list(a.messages()) == list(b.messages())


def test_topics_and_times_can_be_chosen(recording):
    with Bag(recording) as bag:
        everything = list(bag.messages())
        middle = everything[len(everything) // 2].log_ns
        chosen = list(bag.messages(["/cell/current_pose"], start_ns=middle))
        assert chosen == [m for m in everything if m.topic == "/cell/current_pose" and m.log_ns >= middle]
        assert list(bag.messages(["/nothing"])) == []


def test_stamp_and_frame_are_read_from_the_bytes(recording):
    with Bag(recording) as bag:
        for message in bag.messages(["/cell/left/image_raw", "/cell/current_pose"]):
            header = bag.read(message).header
            assert header_of(message.data) == (header.stamp.sec * 10**9 + header.stamp.nanosec, header.frame_id)


def test_reading_does_not_touch_the_recording(recording, tmp_path):
    sqlite = convert(recording, tmp_path / "sqlite", StoragePlugin.SQLITE3)
    for folder in (recording, sqlite):
        before = tree(folder)
        with Bag(folder) as bag:
            list(bag.messages())
        assert tree(folder) == before


def test_types_that_the_recording_defines_are_understood(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("float64 force\nstring finger", "grippers/msg/Touch"))
    with Writer(tmp_path / "own", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/touch", "grippers/msg/Touch", typestore=store)
        message = store.types["grippers/msg/Touch"](force=2.5, finger="left")
        writer.write(connection, 7, store.serialize_cdr(message, "grippers/msg/Touch"))
    with Bag(tmp_path / "own") as bag:
        content = bag.read(next(iter(bag.messages())))
    assert (content.force, content.finger) == (2.5, "left")


def test_a_recording_that_was_cut_off_is_refused_with_the_remedy(recording, tmp_path):
    folder = shutil.copytree(recording, tmp_path / "cut")
    file = next(folder.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(BagError, match="cut.*cut off.*mcap recover"):
        Bag(folder)


def test_damage_in_the_middle_is_found_and_named(recording, tmp_path):
    folder = shutil.copytree(recording, tmp_path / "damaged")
    file = next(folder.glob("*.mcap"))
    content = bytearray(file.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 64] = bytes(np.random.default_rng(0).integers(0, 256, 64, np.uint8))
    file.write_bytes(content)
    with Bag(folder) as bag, pytest.raises(BagError, match="damaged cannot be read"):
        list(bag.messages())


def test_a_database_that_was_cut_off_is_refused(recording, tmp_path):
    folder = convert(recording, tmp_path / "cut", StoragePlugin.SQLITE3)
    file = next(folder.glob("*.db3"))
    file.write_bytes(file.read_bytes()[: len(file.read_bytes()) // 2])
    with pytest.raises(BagError, match="cut"), Bag(folder) as bag:
        list(bag.messages())


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("old.bag", b"#ROSBAG V2.0\n", "cannot be read"),
        ("empty.mcap", b"", "empty"),
        ("notes.mcap", b"hello, I am no recording", "neither MCAP nor sqlite3"),
        ("wrong.db3", b"\x89MCAP0\r\n" + bytes(60), "cut off"),
        ("short.mcap", b"\x89MCAP0\r\n", "cut off"),
    ],
)
def test_foreign_files_are_refused_with_the_remedy(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match=words):
        Bag(tmp_path / name)


def test_a_folder_without_description_says_how_to_mend_it(recording, tmp_path):
    folder = shutil.copytree(recording, tmp_path / "folder")
    (folder / "metadata.yaml").unlink()
    with Bag(folder) as bag:
        assert bag.count
    one = next(folder.glob("*.mcap"))
    shutil.copy(one, folder / "second.mcap")
    with pytest.raises(BagError, match="several recordings"):
        Bag(folder)
    assert not is_bag(folder) and [item.name for item in recognise(folder).items(folder, Options())] == [
        one.name,
        "second.mcap",
    ]
    for number in range(2):
        shutil.copy(one, folder / f"long_{number}.mcap")
    for file in (one, folder / "second.mcap"):
        file.unlink()
    with pytest.raises(BagError, match="ros2 bag reindex"):
        Bag(folder)
    assert is_bag(folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BagError, match="no rosbag2 recording"):
        Bag(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Bag(tmp_path / "missing")


def test_recordings_are_recognised_by_what_they_are(recording, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert is_bag(recording) and is_bag(next(recording.glob("*.mcap")))
    assert not is_bag(tmp_path) and not is_bag(tmp_path / "notes.txt")
