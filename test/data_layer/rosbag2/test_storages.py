"""Every message of every storage: what recorders, editors and other programs leave behind, counted."""

import json
import shutil
import sqlite3
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from mcap.writer import CompressionType, Writer
from recordings import convert, record, small_episode, tree
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.typesys import Stores, get_typestore

from action_images_ros.data.rosbag2.bag import Bag, BagError
from action_images_ros.data.rosbag2.frames import FrameStream
from action_images_ros.data.rosbag2.survey import survey
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.data.rosbag2.writer import BagWriter


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", small_episode(frames=5))


@pytest.fixture
def sqlite(recording, tmp_path):
    return convert(recording, tmp_path / "sqlite", StoragePlugin.SQLITE3)


def counted(path):
    """Topic to messages, and all that is wrong in words."""
    with Bag(path) as bag:
        read = {name: 0 for name in bag.topics}
        for message in bag.messages():
            read[message.topic] += 1
        return SimpleNamespace(
            read=read,
            told={t.name: t.count for t in bag.topics.values()},
            notes=" ".join(bag.notes),
            shortfall=bag.shortfall,
            start=bag.start_ns,
            end=bag.end_ns,
        )


def change_metadata(folder, change):
    path = folder / "metadata.yaml"
    content = yaml.safe_load(path.read_text())
    change(content["rosbag2_bagfile_information"])
    path.write_text(yaml.safe_dump(content))


def test_a_topic_whose_qos_was_edited_in_metadata_is_read(recording, sqlite):
    def latch(info):
        for topic in info["topics_with_message_count"]:
            for profile in topic["topic_metadata"]["offered_qos_profiles"]:
                profile["durability"] = "transient_local"

    before = counted(sqlite).read
    change_metadata(sqlite, latch)
    after = counted(sqlite)
    assert after.read == after.told == before and sum(before.values()) > 20
    with Bag(sqlite) as bag:
        assert {q.durability.name for t in bag.topics.values() for q in t.qos} == {"TRANSIENT_LOCAL"}


def test_the_write_ahead_log_of_a_killed_recorder_is_read(sqlite):
    database = next(sqlite.glob("*.db3"))
    whole = counted(sqlite).read
    # A recorder that dies: half of the rows stand in the log only.
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT * FROM messages ORDER BY id").fetchall()
    connection.execute("DELETE FROM messages WHERE id > ?", (len(rows) // 2,))
    connection.commit()
    connection.execute("VACUUM")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows[len(rows) // 2 :])
    connection.commit()
    killed = sqlite.with_name("killed")
    shutil.copytree(sqlite, killed)  # while it is open: the log is not written back
    connection.close()
    (killed / f"{database.name}-shm").unlink(missing_ok=True)
    assert (killed / f"{database.name}-wal").stat().st_size > 0
    before = tree(killed)
    found = counted(killed)
    assert found.read == whole and "-wal" in found.notes and not found.shortfall
    assert tree(killed) == before


def test_messages_that_metadata_tells_of_and_files_lack_are_said(sqlite):
    with sqlite3.connect(next(sqlite.glob("*.db3"))) as connection:
        connection.execute("DELETE FROM messages WHERE id = 3")
    found = counted(sqlite)
    assert len(found.shortfall) == 1 and "missing" in found.notes
    told, there = next(iter(found.shortfall.values()))
    assert told == there + 1


def test_more_messages_than_metadata_tells_of_are_read_and_said(sqlite):
    change_metadata(sqlite, lambda info: info["topics_with_message_count"][0].update(message_count=1))
    found = counted(sqlite)
    assert found.read == found.told and "metadata.yaml tells of 1" in found.notes


@pytest.mark.parametrize(
    "change",
    [
        lambda info: info.pop("storage_identifier"),
        lambda info: info.update(version=12),
        lambda info: info.update(relative_file_paths=["old_name_0.db3"]),
    ],
)
def test_descriptions_that_are_odd_are_read_and_said(sqlite, change):
    whole = counted(sqlite).read
    change_metadata(sqlite, change)
    found = counted(sqlite)
    assert found.read == whole and found.notes


@pytest.mark.parametrize("path", ["../demo/demo.mcap", "/etc/passwd"])
def test_a_description_never_leads_out_of_the_folder(sqlite, path):
    change_metadata(sqlite, lambda info: info.update(relative_file_paths=[path]))
    with pytest.raises(BagError, match="outside"):
        Bag(sqlite)


def test_an_empty_recording_lasts_no_time(tmp_path):
    with BagWriter(tmp_path / "empty") as writer:
        writer.add_topic("/words", "std_msgs/msg/String")
    with Bag(tmp_path / "empty") as bag:
        assert (bag.start_ns, bag.end_ns, bag.count) == (0, 0, 0) and list(bag.messages()) == []
        assert survey(bag)[0].count == 0


def _mcap(path, *, encoding="cdr", options=None, messages=5):
    store = get_typestore(Stores.ROS2_JAZZY)
    text = store.types["std_msgs/msg/String"](data="hello")
    data = bytes(store.serialize_cdr(text, "std_msgs/msg/String")) if encoding == "cdr" else b'{"data": "hello"}'
    with open(path, "wb") as file:
        writer = Writer(file, **(options or {}))
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channel = writer.register_channel("/words", encoding, schema)
        for i in range(messages):
            writer.add_message(channel, 1_000 + i, data, 1_000 + i, i)
        writer.finish()
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"repeat_channels": False, "repeat_schemas": False},
        {"repeat_channels": False},
        {"use_statistics": False},
        {"use_chunking": False},
        {"index_types": 0},
        {"use_summary_offsets": False},
        {"compression": CompressionType.LZ4},
        {"compression": CompressionType.ZSTD},
        {"chunk_size": 10},
    ],
)
def test_an_mcap_is_read_whatever_its_summary_repeats(tmp_path, options):
    if options.get("index_types") == 0:
        from mcap.writer import IndexType

        options = {"index_types": IndexType.NONE}
    found = counted(_mcap(tmp_path / "a.mcap", options=options))
    assert found.read == found.told == {"/words": 5} and (found.start, found.end) == (1000, 1004)


@pytest.mark.parametrize("encoding, word", [("json", "JSON"), ("protobuf", "protobuf"), ("ros1", "ROS 1")])
def test_other_encodings_are_named_with_the_remedy(tmp_path, encoding, word):
    path = _mcap(tmp_path / "a.mcap", encoding=encoding)
    with Bag(path) as bag:
        assert survey(bag)[0].count == 5
        with pytest.raises(BagError, match=word):
            bag.read(next(iter(bag.messages())))
        with pytest.raises(BagError, match=word):
            FrameStream(bag, robot_setup("cell"), 0.2)


@pytest.mark.parametrize("packed", [CompressionType.ZSTD, CompressionType.LZ4])
def test_a_chunk_that_unpacks_to_more_than_it_says_is_refused(tmp_path, packed, monkeypatch):
    from action_images_ros.data.rosbag2 import mcap_file

    monkeypatch.setattr(mcap_file, "_LARGEST", 100)
    with (
        Bag(_mcap(tmp_path / "a.mcap", options={"compression": packed}, messages=50)) as bag,
        pytest.raises(BagError, match="unpacks to"),
    ):
        list(bag.messages())


def test_a_file_named_like_another_kind_is_read_by_its_content(recording, tmp_path):
    renamed = shutil.copy(next(recording.glob("*.mcap")), tmp_path / "renamed.db3")
    assert counted(renamed).read == counted(recording).read and "mcap data" in counted(renamed).notes


def test_a_ros_1_bag_is_read_as_if_recorded_with_ros_2(tmp_path):
    noetic, episode = get_typestore(Stores.ROS1_NOETIC), small_episode(frames=5)
    types = noetic.types
    with Writer1(tmp_path / "old.bag") as writer:

        def header(ns, frame, seq=7):
            stamp = types["builtin_interfaces/msg/Time"](sec=ns // 10**9, nanosec=ns % 10**9)
            return types["std_msgs/msg/Header"](seq=seq, stamp=stamp, frame_id=frame)

        image = writer.add_connection("/left/image_raw", "sensor_msgs/msg/Image", typestore=noetic)
        info = writer.add_connection("/left/camera_info", "sensor_msgs/msg/CameraInfo", typestore=noetic)
        roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        for t in range(5):
            stamp = 10**9 + t * 200_000_000
            picture = episode.images[0, t]
            writer.write(
                image,
                stamp,
                noetic.serialize_ros1(
                    types["sensor_msgs/msg/Image"](
                        header(stamp, "eye"), *picture.shape[:2], "rgb8", 0, 3 * picture.shape[1], picture.reshape(-1)
                    ),
                    "sensor_msgs/msg/Image",
                ),
            )
            writer.write(
                info,
                stamp,
                noetic.serialize_ros1(
                    types["sensor_msgs/msg/CameraInfo"](
                        header(stamp, "eye"),
                        *picture.shape[:2],
                        "plumb_bob",
                        np.zeros(5),
                        episode.K[0].reshape(-1),
                        np.eye(3).reshape(-1),
                        np.hstack([episode.K[0], np.zeros((3, 1))]).reshape(-1),
                        0,
                        0,
                        roi,
                    ),
                    "sensor_msgs/msg/CameraInfo",
                ),
            )
    with Bag(tmp_path / "old.bag") as bag:
        assert bag.topics["/left/image_raw"].count == 5 and any("ROS 1" in note for note in bag.notes)
        infos = [bag.read(m) for m in bag.messages(["/left/camera_info"])]
        pictures = [bag.read(m) for m in bag.messages(["/left/image_raw"])]
        np.testing.assert_array_equal(infos[0].k.reshape(3, 3), episode.K[0])
        np.testing.assert_array_equal(pictures[3].data.reshape(episode.images[0, 3].shape), episode.images[0, 3])
        assert pictures[3].header.frame_id == "eye" and pictures[3].header.stamp.nanosec == 600_000_000
        with BagWriter(tmp_path / "new") as writer:
            writer.copy(bag)
    assert counted(tmp_path / "new").read == {"/left/image_raw": 5, "/left/camera_info": 5}


def test_a_copy_of_a_recording_that_lacks_messages_is_refused(sqlite, tmp_path):
    with sqlite3.connect(next(sqlite.glob("*.db3"))) as connection:
        connection.execute("DELETE FROM messages WHERE id = 3")
    with Bag(sqlite) as bag, pytest.raises(BagError, match="missing"), BagWriter(tmp_path / "copy") as writer:
        writer.copy(bag)
    assert not (tmp_path / "copy").exists()


def test_json_of_strings(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "metadata.yaml").write_text(json.dumps(["no", "recording"]))
    with pytest.raises(BagError, match="reindex"):
        Bag(tmp_path / "a")


def test_parts_are_read_in_the_order_of_time_whatever_metadata_says(recording, tmp_path):
    """A recorder splits; `ros2 bag reindex` and people list the parts in any order."""
    from action_images_ros.data.rosbag2.writer import BagWriter

    folder = tmp_path / "split"
    folder.mkdir()
    with Bag(recording) as bag:
        middle, count = (bag.start_ns + bag.end_ns) // 2, bag.count
        for number, (start, end) in enumerate(((None, middle), (middle, None))):
            with BagWriter(tmp_path / f"part_{number}") as writer:
                writer.add_topics_of(bag)
                for message in bag.messages(None, start, end):
                    writer.write(message.topic, message.data, message.log_ns)
            (tmp_path / f"part_{number}" / f"part_{number}.mcap").rename(folder / f"part_{number}.mcap")
        names = {"relative_file_paths": ["part_1.mcap", "part_0.mcap"]}
        (folder / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": names}))
        with Bag(folder) as parts:
            assert parts.count == count
            assert [m.log_ns for m in parts.messages()] == [m.log_ns for m in bag.messages()]
