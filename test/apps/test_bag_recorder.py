"""What the graph publishes comes back from the recording, message by message and with its quality of service."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from ros_rig import CAMERAS, DOWN, EYES, camera_pose, extrinsic, info, picture
from std_msgs.msg import String

from action_images_ros.apps.bag_recorder import RESERVE, BagRecorder, RecordError
from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.frames import FrameStream
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.interfaces import topics
from action_images_ros.ros.conversions import pose_stamped


@pytest.fixture
def recorder(rig, tmp_path):
    """A recorder of the rig's namespace, closed at the end."""
    made = []

    def make(**options):
        made.append(BagRecorder(rig.probe, tmp_path / "bag", "cell", **options))
        return made[-1]

    yield make
    for one in made:
        one._queue.put(None)


def _send(rig, recorder, steps=8):
    """Pictures, intrinsics and poses of two cameras and the arm; what was sent, by topic."""
    sent = {}

    def send(name, message, camera=None):
        from action_images_ros.ros import qos

        topic = "/cell/" + topics.topic_name(name, camera)
        if topic not in rig._publishers:
            row = topics.topic(name)
            rig._publishers[topic] = rig.probe.create_publisher(
                topics.message_type(row.type), topic, qos.PROFILES[row.qos]
            )
            rig.spin_until(lambda: recorder.look() is not None and topic in recorder._subscriptions, topic)
        rig._publishers[topic].publish(message)
        sent.setdefault(topic, []).append(message)
        rig.spin_until(lambda: recorder.counts.get(topic) == len(sent[topic]), f"{topic} in the recording")

    send("instruction", String(data="lift the block"))
    for camera in CAMERAS:
        send("<cam>/pose", extrinsic(1, camera), camera)
    for step in range(steps):
        stamp = 10**9 + step * 200_000_000
        for camera in CAMERAS:
            send("<cam>/camera_info", info(stamp, camera), camera)
            send("<cam>/image_raw", picture(stamp, camera), camera)
        send("current_pose", pose_stamped(DOWN, stamp, "base"))
    return sent


def test_messages_come_back_as_they_were_and_become_frames(rig, recorder, tmp_path):
    one = recorder()
    sent = _send(rig, one)
    assert one.close() == {topic: len(messages) for topic, messages in sent.items()}
    with Bag(tmp_path / "bag") as bag:
        for topic, messages in sent.items():
            assert [deserialize_message(m.data, type(messages[0])) for m in bag.messages([topic])] == messages
        assert bag.topics["/cell/instruction"].qos[0].durability.name == "TRANSIENT_LOCAL"
        assert bag.topics["/cell/left/image_raw"].qos[0].reliability.name == "BEST_EFFORT"
        frames = list(FrameStream(bag, robot_setup("cell"), 0.2))
    assert len(frames) == 8 and all(set(frame.images) == set(CAMERAS) for frame in frames)
    np.testing.assert_allclose(frames[0].world_from_camera["left"], camera_pose(EYES["left"]), atol=1e-9)


def test_a_topic_that_nobody_publishes_is_named(rig, recorder):
    one = recorder(topics=["left/image_raw", "/tf"])
    assert one.look() == ["/cell/left/image_raw", "/tf"]
    with pytest.raises(RecordError, match="topic"):
        one.close()


def test_nothing_is_left_of_an_empty_recording(rig, recorder, tmp_path):
    with pytest.raises(RecordError):
        recorder().close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_recording_and_it_can_be_read(rig, recorder, tmp_path):
    space = [RESERVE * 2]
    one = recorder(free=lambda: space[0])
    _send(rig, one, steps=1)
    space[0] = RESERVE - 1
    one.look()
    assert "the disk is full: 64 MB are left" in one.problem
    one.close()
    with Bag(tmp_path / "bag") as bag:
        assert bag.count == 8


def test_the_command_ends_with_a_readable_file_on_sigint(tmp_path):
    """The simulated cell as a process, recorded by another one."""
    environment = {
        **os.environ,
        "ROS_DOMAIN_ID": str(random.randint(101, 119)),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    cell = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "action_images_ros.nodes.cell_node",
            "--ros-args",
            "-r",
            "__ns:=/cell",
            "-p",
            "image_size:=[48, 64]",
            "-p",
            "camera_rate:=5.0",
        ],
        env=environment,
    )
    recorder = subprocess.Popen(
        [sys.executable, "-m", "action_images_ros.cli", "record", str(tmp_path / "bag"), "--wait", "100"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert "recording to" in recorder.stdout.readline()
        part = tmp_path / ".bag.part" / "bag.mcap"
        for _ in range(600):
            if part.stat().st_size > 200_000:
                break
            assert recorder.poll() is None and cell.poll() is None
            time.sleep(0.1)  # for another process, whose time cannot be injected
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(timeout=60) == 0
    finally:
        for process in (recorder, cell):
            process.send_signal(signal.SIGINT)
        for process in (recorder, cell):
            process.wait(timeout=60)
    recorder.stdout.close()
    with Bag(tmp_path / "bag") as bag:
        frames = list(FrameStream(bag, robot_setup("cell"), 0.2))
    first = next(n for n, frame in enumerate(frames) if not frame.problems)
    early = {problem.partition(": ")[2] for frame in frames[:first] for problem, _ in frame.problems}
    assert early <= {"no pose", "no finger joints"}, "pictures may be heard before the arm is; nothing else is amiss"
    assert len(frames[first].images) >= 2 and frames[first].tool_pose is not None
