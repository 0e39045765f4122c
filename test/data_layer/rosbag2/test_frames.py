"""Frames are joined by header stamps: exact where everything is there, and open about what is not."""

import re

import numpy as np
import pytest
import yaml
from recordings import NAMES, record, rewritten, shifted, small_episode, with_tf
from scipy.spatial.transform import Rotation

from action_images_ros.data.rosbag2.bag import Bag, BagError
from action_images_ros.data.rosbag2.frames import FrameStream
from action_images_ros.data.rosbag2.topics import robot_setup
from action_images_ros.data.rosbag2.writer import BagWriter
from action_images_ros.geometry.pose import pose7_from_matrix, rotation_angle

SECOND = 1_000_000_000
EPISODE = small_episode(frames=10, dt=0.1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", EPISODE)


def frames_of(path, dt=0.1, **changes):
    with Bag(path) as bag:
        return list(FrameStream(bag, robot_setup("cell", **changes), dt))


def whole(frames):
    return not [f for f in frames if f.problems or f.gap_s]


@pytest.mark.parametrize("images, tolerance", [("raw", 0), ("png", 0), ("jpeg", 20)])
def test_what_was_recorded_comes_back(tmp_path, images, tolerance):
    frames = frames_of(record(tmp_path / "demo", EPISODE, images=images))
    assert len(frames) == 10 and whole(frames)
    for t, frame in enumerate(frames):
        for view, name in enumerate(EPISODE.camera_names):
            difference = np.abs(frame.images[name].astype(int) - EPISODE.images[view, t])
            assert difference.max() <= tolerance
            np.testing.assert_array_equal(frame.K[name], EPISODE.K[view])
            np.testing.assert_allclose(frame.world_from_camera[name], EPISODE.world_from_camera[view], atol=1e-12)
        np.testing.assert_allclose(frame.tool_pose, EPISODE.poses[t], atol=1e-12)
        assert frame.openness == EPISODE.openness[t] and frame.instruction == EPISODE.instruction
        assert frame.stamp_ns == SECOND + t * SECOND // 10


def test_every_second_picture_is_taken_at_twice_the_distance(recording):
    frames = frames_of(recording, dt=0.2)
    assert len(frames) == 5 and whole(frames)
    np.testing.assert_array_equal(frames[2].images["left"], EPISODE.images[0, 4])


def test_poses_are_interpolated_to_the_pictures_own_time(recording, tmp_path):
    moved = rewritten(recording, tmp_path / "moved", lambda m, c: shifted(c, 0.04) if "pose" in m.topic else c)
    frame = frames_of(moved)[3]
    assert frame.tool_pose[2] == pytest.approx(EPISODE.poses[2, 2] * 0.4 + EPISODE.poses[3, 2] * 0.6, abs=1e-9)


def test_pictures_that_are_not_taken_together_are_paired_within_the_tolerance(recording, tmp_path):
    moved = rewritten(recording, tmp_path / "moved", lambda m, c: shifted(c, 0.03) if "right/image" in m.topic else c)
    frames = frames_of(moved)
    assert whole(frames)
    np.testing.assert_array_equal(frames[5].images["right"], EPISODE.images[1, 5])
    frames = frames_of(moved, image_tolerance=0.02)
    assert all(f.problems for f in frames)
    assert frames[5].problems[0] == (
        "/cell/right/image_raw: no picture",
        "the nearest is 0.030 s away (image_tolerance 0.02 s)",
    )


def test_a_missing_stretch_is_a_gap_of_its_length(recording, tmp_path):
    cut = rewritten(recording, tmp_path / "cut", lambda m, c: None if 1.35e9 < m.log_ns < 1.65e9 else c)
    frames = frames_of(cut)
    assert [round(f.gap_s, 3) for f in frames] == [0, 0, 0, 0, 0.3, 0, 0]


def test_a_camera_that_pauses_is_named_in_the_frames_it_misses(recording, tmp_path):
    cut = rewritten(
        recording, tmp_path / "cut", lambda m, c: None if "right/image" in m.topic and 1.35e9 < m.log_ns < 1.65e9 else c
    )
    frames = frames_of(cut)
    assert [bool(f.problems) for f in frames] == [False] * 4 + [True] * 3 + [False] * 3
    assert "/cell/right/image_raw" in frames[5].problems[0][0] and set(frames[5].images) == {"left"}


def test_frames_begin_when_the_last_camera_begins(recording, tmp_path):
    late = rewritten(
        recording, tmp_path / "late", lambda m, c: None if "right/image" in m.topic and m.log_ns < 1.35e9 else c
    )
    frames = frames_of(late)
    assert frames[0].stamp_ns == 1_400_000_000 and whole(frames)


def test_the_openness_comes_from_the_fingers_where_no_command_was_given(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "fingers") as writer:
        writer.add_topics_of(bag, [name for name in bag.topics if "gripper" not in name])
        writer.add_topic("/cell/joint_states", "sensor_msgs/msg/JointState")
        types = writer.typestore.types
        for message in bag.messages():
            if "current_pose" in message.topic:
                header = bag.read(message).header
                for names, positions in ((["joint1"], [9.0]), (["finger_joint1", "finger_joint2"], [0.01, 0.01])):
                    writer.write(
                        "/cell/joint_states",
                        types["sensor_msgs/msg/JointState"](
                            header=header,
                            name=names,
                            position=np.array(positions),
                            velocity=np.zeros(0),
                            effort=np.zeros(0),
                        ),
                        message.log_ns,
                    )
            if "gripper" not in message.topic:
                writer.write(message.topic, message.data, message.log_ns)
    assert [f.openness for f in frames_of(tmp_path / "fingers")] == pytest.approx([0.25] * 10)


def test_instruction_and_openness_may_be_missing_for_labelling(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "bare") as writer:
        writer.copy(bag, [n for n in bag.topics if any(p in n for p in ("image", "info", "left/pose", "right/pose"))])
    frames = frames_of(tmp_path / "bare", instruction_text="do it")
    assert whole(frames)
    assert {(f.tool_pose, f.openness, f.instruction) for f in frames} == {(None, None, "do it")}


def test_camera_poses_come_from_tf_and_follow_a_camera_that_moves(recording, tmp_path):
    frames = frames_of(with_tf(recording, tmp_path / "tf", EPISODE))
    assert whole(frames)
    for t, frame in enumerate(frames):
        np.testing.assert_allclose(frame.world_from_camera["left"], EPISODE.world_from_camera[0], atol=1e-12)
        expected = Rotation.from_rotvec([0, 0, 0.1 * t]).as_matrix()
        assert rotation_angle(expected, frame.world_from_camera["right"][:3, :3]) < 1e-6


def test_camera_poses_come_from_a_calibration_file_where_the_recording_has_none(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "bare") as writer:
        writer.copy(bag, [name for name in bag.topics if not name.endswith(("left/pose", "right/pose"))])
    assert frames_of(tmp_path / "bare")[0].problems[0][0] == "left: its pose is not known"
    cameras = {}
    for view, name in enumerate(NAMES[:2]):
        pose = pose7_from_matrix(EPISODE.world_from_camera[view]).tolist()
        cameras[name] = {"position": pose[:3], "orientation": pose[3:]}
    (tmp_path / "cameras.yaml").write_text(yaml.safe_dump({"base_frame": "base", "cameras": cameras}))
    frames = frames_of(tmp_path / "bare", calibration_file=str(tmp_path / "cameras.yaml"))
    assert whole(frames)
    np.testing.assert_allclose(frames[0].world_from_camera["right"], EPISODE.world_from_camera[1], atol=1e-12)


def broken(what):
    """A change of one message in the middle, and the words of the refusal."""

    def change(message, content):
        if message.log_ns < 1.45e9:
            return content
        return what(message, content)

    return change


def on(topic, act):
    return lambda m, c: act(c) if m.topic.endswith(topic) else c


def made(content, **values):
    for name, value in values.items():
        setattr(content, name, value)
    return content


@pytest.mark.parametrize(
    "change, words",
    [
        (
            on("left/image_raw", lambda c: shifted(c, -30)),
            "stamps of /cell/left/image_raw run backwards by 29.900 s.*cut",
        ),
        (on("left/image_raw", lambda c: made(c, encoding="16UC1")), "left/image_raw: encoding is '16UC1'"),
        (on("left/camera_info", lambda c: made(c, width=640, height=480)), "left/camera_info is for 640x480.*64x48"),
        (on("current_pose", lambda c: made(c, header=made(c.header, frame_id="tool0"))), "current_pose.*'tool0'"),
        (on("cell/status", lambda c: made(c, data="ok")), "cell/status says 'ok'"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(recording, tmp_path, change, words):
    bad = rewritten(recording, tmp_path / "bad", broken(change))
    with pytest.raises(BagError, match="bad: .*" + words):
        frames_of(bad)


@pytest.mark.parametrize(
    "change, words",
    [
        (
            on("current_pose", lambda c: made(c, header=made(c.header, stamp=made(c.header.stamp, sec=0, nanosec=0)))),
            "current_pose have no header stamp.*--log-time",
        ),
        (on("left/image_raw", lambda c: made(c, data=c.data[:100])), "left/image_raw.*cut off"),
        (on("right/image_raw", lambda c: made(c, data=c.data[:100])), "right/image_raw.*torn"),
        (
            on("current_pose", lambda c: made(c, pose=made(c.pose, position=made(c.pose.position, x=float("nan"))))),
            "current_pose.*nan",
        ),
        (
            on("current_pose", lambda c: made(c, pose=made(c.pose, position=made(c.pose.position, x=1240.0)))),
            "millimetres",
        ),
        (
            on("current_pose", lambda c: made(c, pose=made(c.pose, orientation=made(c.pose.orientation, z=90.0)))),
            "degrees",
        ),
        (on("gripper_command", lambda c: made(c, data=850.0)), "gripper_command says 850.*0 to 1000"),
    ],
)
def test_one_message_that_says_nothing_costs_the_frames_that_need_it(recording, tmp_path, change, words):
    bad = rewritten(recording, tmp_path / "bad", broken(change))
    with Bag(bad) as bag:
        stream = FrameStream(bag, robot_setup("cell"), 0.1)
        frames = list(stream)
    assert whole(frames[:4])
    told = " ".join([*stream.notes, *(f"{a} {b}" for f in frames[5:] for a, b in f.problems)])
    assert re.search(words, told), told


def test_an_empty_camera_info_does_not_undo_the_one_before(recording, tmp_path):
    bad = rewritten(recording, tmp_path / "bad", broken(on("left/camera_info", lambda c: made(c, k=np.zeros(9)))))
    with Bag(bad) as bag:
        stream = FrameStream(bag, robot_setup("cell"), 0.1)
        assert whole(list(stream)) and any("camera_info" in note for note in stream.notes)


def test_a_message_slightly_out_of_order_is_put_in_its_place(recording, tmp_path):
    """A picture that comes a slot late costs nothing."""
    with Bag(recording) as bag, BagWriter(tmp_path / "late") as writer:
        writer.add_topics_of(bag)
        held = None
        for message in bag.messages():
            if message.topic.endswith("left/image_raw") and 1.35e9 < message.log_ns < 1.45e9:
                held = message
                continue
            writer.write(message.topic, message.data, message.log_ns)
            if held is not None and message.topic.endswith("left/image_raw"):
                writer.write(held.topic, held.data, message.log_ns)
                held = None
    frames = frames_of(tmp_path / "late")
    assert len(frames) == 10 and whole(frames)
    np.testing.assert_array_equal(frames[4].images["left"], EPISODE.images[0, 4])


def test_a_message_that_comes_too_late_is_left_out_and_counted(recording, tmp_path):
    late = rewritten(
        recording,
        tmp_path / "late",
        lambda m, c: shifted(c, -0.15) if "current_pose" in m.topic and 1.45e9 < m.log_ns < 1.55e9 else c,
    )
    with Bag(late) as bag:
        stream = FrameStream(bag, robot_setup("cell"), 0.1)
        assert whole(list(stream))
    assert stream.out_of_order == {"/cell/current_pose": 1}


def test_stamps_that_drivers_leave_empty_can_be_replaced_by_the_time_of_recording(recording, tmp_path):
    def empty(message, content):
        if hasattr(content, "header"):
            content.header.stamp.sec = content.header.stamp.nanosec = 0
        return content

    assert len(frames_of(rewritten(recording, tmp_path / "empty", empty), log_time=True)) == 10


def test_pictures_do_not_pile_up_while_others_are_missing(tmp_path):
    long = record(tmp_path / "long", small_episode(frames=200, size=(8, 8), dt=0.1))
    gone = rewritten(
        long, tmp_path / "gone", lambda m, c: None if "left/image" in m.topic and 2e9 < m.log_ns < 19e9 else c
    )
    with Bag(gone) as bag:
        stream = FrameStream(bag, robot_setup("cell"), 0.1)
        waiting = []
        handler, stamped = stream._handlers["/cell/right/image_raw"]
        stream._handlers["/cell/right/image_raw"] = (
            lambda *a: (handler(*a), waiting.append(max(map(len, stream._pictures.values())))),
            stamped,
        )
        list(stream)
    assert max(waiting) < 30
