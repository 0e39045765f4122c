"""Every option acts on a format or is refused on it; grippers of recordings; exit codes of inspect."""

import numpy as np
import pytest
from datasets_small import folder_of
from recordings import record, rewritten, small_episode

from action_images_ros.data.convert import convert
from action_images_ros.data.format import Options, Remark, loaded
from action_images_ros.data.gripper import Gripper, parse_gripper
from action_images_ros.data.registry import open_dataset, recognise
from action_images_ros.data.rosbag2.topics import robot_setup

EPISODE = small_episode(3, frames=8, size=(16, 16))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder of each format."""
    folder = tmp_path_factory.mktemp("formats")
    folder_of(folder / "cache", [EPISODE])
    for name in ("lerobot", "rlbench", "rosbag2"):
        convert(folder / "cache", folder / name, name)
    return folder


RECORDINGS_ONLY = (
    {"gaps": "split"},
    {"min_frames": 2},
    {"max_seconds": 3.0},
    {"setup": {"namespace": "cell"}},
    {"setup": {"extrinsics": "tf"}},
    {"setup": {"log_time": True}},
    {"setup": {"image_tolerance": 0.01}},
    {"setup": {"pose_tolerance": 0.01}},
)


@pytest.mark.parametrize("option", RECORDINGS_ONLY, ids=str)
@pytest.mark.parametrize("name", ["cache", "lerobot", "rlbench"])
def test_options_of_recordings_are_refused_on_datasets(sources, name, option, tmp_path):
    with pytest.raises(ValueError, match="does not use"):
        convert(sources / name, tmp_path / "target", "cache", Options(**option))
    with pytest.raises(ValueError, match="does not use"):
        open_dataset(sources / name, Options(**option))


@pytest.mark.parametrize(
    "name, option",
    [
        ("cache", {"dt": 0.1}),
        ("cache", {"setup": {"gripper": "0..100"}}),
        ("cache", {"setup": {"instruction_text": "x"}}),
        ("rlbench", {"setup": {"calibration_file": "x.yaml"}}),
        ("rlbench", {"setup": {"cameras": ("view0=/topic",)}}),
        ("rosbag2", {"images": "png"}),
        ("rosbag2", {"crf": 20}),
    ],
)
def test_other_options_are_refused_where_they_do_nothing(sources, name, option, tmp_path):
    with pytest.raises(ValueError, match="--"):
        convert(sources / name, tmp_path / "target", "cache", Options(**option))


@pytest.mark.parametrize("name", ["cache", "lerobot", "rlbench", "rosbag2"])
def test_cameras_and_outcome_act_on_every_format(sources, name):
    options = Options(success=False, setup={"cameras": ("right",)})
    [found] = open_dataset(sources / name, options)
    assert found.camera_names == ("right",) and not found.success
    np.testing.assert_allclose(found.world_from_camera[0], EPISODE.world_from_camera[1], atol=1e-9)
    missing = Options(setup={"cameras": ("top",)})
    [item] = recognise(sources / name).items(sources / name, missing)
    assert all(isinstance(entry, Remark) and "top" in entry.text for entry in loaded(item, missing))


@pytest.mark.parametrize("text", ["", "auto"])
def test_no_convention_is_declared(text):
    assert parse_gripper(text) is None


@pytest.mark.parametrize(
    "text, wanted", [("0..100", (0, 100)), ("-1:1", (-1, 1)), ("1..0", (1, 0)), ("0,0.08", (0, 0.08))]
)
def test_conventions_are_parsed(text, wanted):
    assert parse_gripper(text) == Gripper(*wanted)


@pytest.mark.parametrize("text", ["open", "1", "1..1", "0..nan", "0..1..2"])
def test_no_conventions_are_refused(text):
    with pytest.raises(ValueError, match="gripper is"):
        parse_gripper(text)


def counted(recording, target, count):
    """The recording with another gripper_command."""

    def change(message, content):
        if message.topic.endswith("gripper_command"):
            content.data = float(count(content.data))
        return content

    return rewritten(recording, target, change)


def read(path, **setup):
    [item] = recognise(path).items(path, Options(setup=setup))
    return list(item.load())


@pytest.mark.parametrize(
    "count, declared",
    [
        (lambda o: 100 * o, "0..100"),
        (lambda o: 2 * o - 1, "-1..1"),
        (lambda o: 0.08 * o, "0..0.08"),
        (lambda o: 255 * (1 - o), "255..0"),
        (lambda o: 1 - o, "1..0"),
    ],
)
def test_a_recordings_gripper_is_declared(sources, tmp_path, count, declared):
    bag = counted(next((sources / "rosbag2").iterdir()), tmp_path / "bag", count)
    [found] = [e for e in read(bag, gripper=declared) if not isinstance(e, Remark)]
    np.testing.assert_allclose(found.openness, EPISODE.openness, atol=1e-9)


@pytest.mark.parametrize("count", [lambda o: 100 * o, lambda o: 2 * o - 1, lambda o: 0.08 * o, lambda o: 255 * (1 - o)])
def test_a_recordings_gripper_of_another_range_is_refused_and_the_option_named(sources, tmp_path, count):
    bag = counted(next((sources / "rosbag2").iterdir()), tmp_path / "bag", count)
    found = read(bag)
    assert not [e for e in found if not isinstance(e, Remark)]
    assert any("--gripper" in e.text for e in found)


LONG = small_episode(3, frames=16, size=(16, 16))


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return record(tmp_path_factory.mktemp("long") / "bag", LONG)


def with_fingers(recording, target, count, fingers):
    """The recording with joint_states of the cell's fingers: openness to the sum of both."""

    def add(writer):
        writer.add_topic("/cell/joint_states", "sensor_msgs/msg/JointState", "sensor")
        types = writer.typestore.types
        for t in range(LONG.frames):
            stamp = types["builtin_interfaces/msg/Time"](sec=1 + t // 5, nanosec=200_000_000 * (t % 5))
            each = np.full(2, fingers(LONG.openness[t]) / 2)
            message = types["sensor_msgs/msg/JointState"](
                header=types["std_msgs/msg/Header"](stamp=stamp, frame_id=""),
                name=list(robot_setup("cell").finger_joints),
                position=each,
                velocity=np.zeros(0),
                effort=np.zeros(0),
            )
            writer.write("/cell/joint_states", message, 1_000_000_000 + 200_000_000 * t)

    return rewritten(counted(recording, target.with_name("counted"), count), target, extra=add)


def test_a_command_that_says_the_opposite_of_the_fingers_is_refused_and_the_option_named(long, tmp_path):
    bag = with_fingers(long, tmp_path / "bag", lambda o: 1 - o, lambda o: 0.08 * o)
    found = read(bag)
    assert not [e for e in found if not isinstance(e, Remark)]
    assert any("opposite" in e.text and "--gripper" in e.text for e in found)
    [episode] = [e for e in read(bag, gripper="1..0") if not isinstance(e, Remark)]
    np.testing.assert_allclose(episode.openness, LONG.openness)


def test_a_declared_range_is_that_of_the_command_where_there_is_one(long, tmp_path):
    """The fingers keep their own range: they would overrule a command that was given once."""
    bag = with_fingers(long, tmp_path / "bag", lambda o: 100 * o, lambda o: 0.08 * o)
    seen = set()

    def once(message, content):
        if message.topic.endswith("gripper_command"):
            if content.data in seen:
                return None
            seen.add(content.data)
        return content

    [episode] = [e for e in read(rewritten(bag, tmp_path / "once", once), gripper="0..100")]
    np.testing.assert_allclose(episode.openness, LONG.openness)
    without = rewritten(bag, tmp_path / "without", lambda m, c: None if "gripper_command" in m.topic else c)
    [episode] = [e for e in read(without, gripper="0..0.08")]
    np.testing.assert_allclose(episode.openness, LONG.openness)


def test_percentages_cost_the_whole_recording_not_only_its_open_half(sources, tmp_path):
    bag = counted(next((sources / "rosbag2").iterdir()), tmp_path / "bag", lambda o: 100 * o)
    [item] = recognise(bag).items(bag, Options(min_frames=2))
    found = list(item.load())
    assert all(isinstance(e, Remark) for e in found) and any(e.lost and "--gripper" in e.text for e in found)


def test_a_recording_is_intact_by_default(tmp_path):
    assert not [e for e in read(record(tmp_path / "bag", EPISODE)) if isinstance(e, Remark)]
