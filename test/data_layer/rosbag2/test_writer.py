"""A copy holds every message as it was, beside what was added; an unfinished one leaves nothing behind."""

import pytest
from mcap.reader import make_reader
from mcap.writer import Writer as McapWriter
from recordings import record, small_episode
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.writer import BagWriter, qos_named

STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = STORE.types["std_msgs/msg/String"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", small_episode(frames=4))


@pytest.mark.parametrize("compression", ["", "zstd"])
def test_a_copy_with_an_added_topic_keeps_every_message_and_its_metadata(recording, tmp_path, compression):
    with Bag(recording) as bag, BagWriter(tmp_path / "labelled", compression=compression) as writer:
        writer.copy(bag)
        writer.add_topic("/labels", "std_msgs/msg/String", "latched")
        writer.write("/labels", STRING(data="seen"), bag.start_ns + 5)
    with Bag(recording) as a, Bag(tmp_path / "labelled") as b:
        assert [m for m in b.messages() if m.topic != "/labels"] == list(a.messages())
        added = [m for m in b.messages(["/labels"])]
        assert [b.read(m).data for m in added] == ["seen"] and added[0].log_ns == a.start_ns + 5
        assert b.topics["/labels"].qos == qos_named("latched")
        assert {name: topic for name, topic in b.topics.items() if name != "/labels"} == a.topics


def test_publish_time_and_sequence_survive(tmp_path):
    with open(tmp_path / "a.mcap", "wb") as file:
        writer = McapWriter(file)
        writer.start("ros2", "test")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channel = writer.register_channel("/words", "cdr", schema, {"offered_qos_profiles": ""})
        for i in range(3):
            data = bytes(STORE.serialize_cdr(STRING(data=str(i)), "std_msgs/msg/String"))
            writer.add_message(channel, 1000 + i, data, 900 + i, sequence=7 * i)
        writer.finish()
    with Bag(tmp_path / "a.mcap") as bag, BagWriter(tmp_path / "b") as copy:
        copy.copy(bag)
    with open(tmp_path / "b" / "b.mcap", "rb") as file:
        copied = [(m.log_time, m.publish_time, m.sequence) for _, _, m in make_reader(file).iter_messages()]
    assert copied == [(1000 + i, 900 + i, 7 * i) for i in range(3)]


def test_other_readers_of_recordings_understand_what_is_written(recording):
    with AnyReader([recording]) as reader:
        assert {c.topic: c.msgtype for c in reader.connections}["/cell/instruction"] == "std_msgs/msg/String"
        words = [
            reader.deserialize(data, c.msgtype).data
            for c, _, data in reader.messages()
            if c.topic == "/cell/instruction"
        ]
    assert words == ["reach the red ball"]


def test_ros_and_recordings_understand_each_others_bytes(tmp_path, recording):
    from rclpy.serialization import deserialize_message, serialize_message
    from sensor_msgs.msg import CameraInfo, Image

    sent = Image(height=2, width=3, encoding="rgb8", step=9, data=bytes(range(18)))
    sent.header.stamp.sec, sent.header.frame_id = 7, "optical"
    with BagWriter(tmp_path / "live") as writer:
        writer.add_topic("/image", "sensor_msgs/msg/Image", "sensor")
        writer.write("/image", serialize_message(sent), 5)
    with Bag(tmp_path / "live") as bag:
        [message] = bag.messages()
        content = bag.read(message)
    assert (content.header.stamp.sec, content.header.frame_id, bytes(content.data)) == (7, "optical", bytes(range(18)))
    with Bag(recording) as bag:
        info = next(bag.messages(["/cell/left/camera_info"]))
        assert list(deserialize_message(info.data, CameraInfo).k) == list(bag.read(info).k)


def test_what_serialize_message_leaves_behind_a_message_is_passed_over(tmp_path):
    """It gives more bytes than the message has where sequences of numbers are empty."""
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import JointState
    from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

    sent = {
        "/joints": JointState(name=["a", "bcd"], position=[1.0, 2.0]),
        "/trajectory": JointTrajectory(
            joint_names=["abcd", "e"], points=[JointTrajectoryPoint(positions=[0.5, 0.25])] * 4
        ),
        "/empty": JointState(),
    }
    with BagWriter(tmp_path / "live") as writer:
        for stamp, (topic, message) in enumerate(sent.items()):
            writer.add_topic(topic, f"{type(message).__module__.split('.')[0]}/msg/{type(message).__name__}", "sensor")
            writer.write(topic, serialize_message(message), stamp)
    with Bag(tmp_path / "live") as bag:
        joints, trajectory, empty = (bag.read(message) for message in bag.messages())
    assert joints.name == ["a", "bcd"] and list(joints.position) == [1.0, 2.0] and not len(joints.effort)
    assert [list(point.positions) for point in trajectory.points] == [[0.5, 0.25]] * 4
    assert empty.name == []


def test_an_error_leaves_nothing_behind(recording, tmp_path):
    with pytest.raises(RuntimeError, match="out of luck"), BagWriter(tmp_path / "new") as writer:
        with Bag(recording) as bag:
            writer.copy(bag)
        assert not (tmp_path / "new").exists()
        raise RuntimeError("out of luck")
    assert not list(tmp_path.iterdir())


def test_a_recording_is_never_overwritten(recording):
    with pytest.raises(ValueError, match="exists already"):
        BagWriter(recording)


def test_mistakes_are_named(tmp_path):
    with BagWriter(tmp_path / "new") as writer:
        writer.add_topic("/words", "std_msgs/msg/String")
        for call, words in (
            (lambda: writer.add_topic("/words", "std_msgs/msg/String"), "there already"),
            (lambda: writer.add_topic("/x", "no_msgs/msg/Thing"), "no_msgs/msg/Thing"),
            (lambda: writer.add_topic("/x", "std_msgs/msg/String", "fast"), "qos is 'fast'"),
            (lambda: writer.write("/y", b"", 1), "/y was not announced"),
        ):
            with pytest.raises(ValueError, match=words):
                call()
