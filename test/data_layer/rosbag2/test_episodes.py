"""A recording becomes the episodes it holds; what has gaps or lacks something is left out and said why."""

import re

import numpy as np
import pytest
from datasets_small import assert_same
from recordings import record, rewritten, small_episode, with_tf

from action_images_ros.data.format import Options, Remark
from action_images_ros.data.rosbag2.bag import Bag, BagError
from action_images_ros.data.rosbag2.episodes import episodes_of
from action_images_ros.data.rosbag2.writer import BagWriter

EPISODE = small_episode(5, frames=20, size=(16, 24), dt=0.1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", EPISODE)


def read(path, **options):
    """(episodes, what was lost, notes)."""
    found = list(episodes_of(path, Options(**{"dt": 0.1, **options})))
    remarks = [f for f in found if isinstance(f, Remark)]
    return (
        [f for f in found if not isinstance(f, Remark)],
        [r.text for r in remarks if r.lost],
        [r.text for r in remarks if not r.lost],
    )


def without(begin, end, part=""):
    return lambda m, c: None if part in m.topic and begin * 1e9 < m.log_ns - 1e9 < end * 1e9 else c


def only(source, target, keep):
    with Bag(source) as bag, BagWriter(target) as writer:
        writer.copy(bag, [name for name in bag.topics if keep(name)])
    return target


def test_a_whole_recording_is_one_episode(recording):
    [found], lost, notes = read(recording)
    assert_same(found, EPISODE)
    assert lost == notes == []


@pytest.mark.parametrize("part", ["", "right/image", "current_pose"])
def test_a_stretch_with_a_gap_is_left_out_unless_allowed(recording, tmp_path, part):
    cut = rewritten(recording, tmp_path / "cut", without(0.95, 1.35, part))
    episodes, lost, _ = read(cut)
    assert episodes == [] and "0.40 s missing after 0.90 s: left out (gaps: refuse" in lost[0]
    if part:
        assert f"{part}" in lost[0]
    episodes, lost, notes = read(cut, gaps="split")
    assert [e.frames for e in episodes] == [10, 6] and lost == [] and "cut there" in notes[0]
    np.testing.assert_allclose(episodes[1].poses, EPISODE.poses[14:], atol=1e-12)
    [joined], lost, notes = read(cut, gaps="join")
    assert joined.frames == 16 and "0.40 s missing after 0.90 s; joined" in notes[0]


def test_incomplete_frames_at_the_ends_are_cut_off_and_told(recording, tmp_path):
    cut = rewritten(recording, tmp_path / "cut", without(1.55, 9, "right/image"))
    [found], lost, notes = read(cut)
    assert found.frames == 16 and lost == []
    assert "4 incomplete frames at the end cut off; /cell/right/image_raw: no picture" in notes[0]


def test_a_new_instruction_begins_a_new_episode(recording, tmp_path):
    def add(writer):
        text = writer.typestore.types["std_msgs/msg/String"](data="go home")
        writer.write("/cell/instruction", text, 2_250_000_000)

    episodes, lost, notes = read(rewritten(recording, tmp_path / "two", extra=add))
    assert [(e.instruction, e.frames) for e in episodes] == [("reach the red ball", 12), ("go home", 8)]
    assert lost == notes == []


@pytest.mark.parametrize(
    "keep, options, words",
    [
        (lambda n: "instruction" not in n, {}, "no instruction.*--instruction"),
        (lambda n: True, {"min_frames": 30}, "20 frames, fewer than 30"),
        (lambda n: True, {"max_seconds": 1.0}, "longer than 1 s"),
        (lambda n: not n.endswith("left/pose"), {}, "no complete frame; left: its pose is not known in 20 frames"),
    ],
)
def test_what_makes_no_episode_is_told(recording, tmp_path, keep, options, words):
    episodes, [reason], _ = read(only(recording, tmp_path / "part", keep), **options)
    assert episodes == [] and re.search(words, reason), reason


@pytest.mark.parametrize(
    "keep, options, words",
    [
        (lambda n: "current_pose" not in n, {}, "no current_pose.*it has /cell/left/image_raw"),
        (lambda n: "gripper" not in n, {}, "gripper is not recorded.*finger_joint1"),
        (lambda n: "image" not in n, {}, "no camera pictures"),
        (lambda n: True, {"gaps": "ignore"}, "gaps is 'ignore'"),
        (lambda n: True, {"robot": "robby"}, "robot is 'robby'"),
    ],
)
def test_what_cannot_be_used_at_all_is_an_error(recording, tmp_path, keep, options, words):
    with pytest.raises(ValueError, match=words):
        read(only(recording, tmp_path / "part", keep), **options)


def test_outside_the_cell_a_robot_must_be_named(tmp_path):
    path = record(tmp_path / "robot", EPISODE, namespace="")
    with pytest.raises(ValueError, match="robot"):
        read(path)
    [found], _, _ = read(path, robot="cell")
    assert_same(found, EPISODE)


def test_success_and_seed_without_the_cells_status_are_the_callers(recording, tmp_path):
    bare = only(recording, tmp_path / "bare", lambda n: "status" not in n)
    [found] = episodes_of(bare, Options(dt=0.1, success=False), first_seed=40)
    assert (found.task, found.seed, found.success) == ("reach_the_red_ball", 40, False)
    assert read(bare)[0][0].success


def test_a_camera_that_moves_has_a_pose_per_frame(recording, tmp_path):
    (episode,), _, _ = read(with_tf(recording, tmp_path / "tf", EPISODE))
    assert episode.moving and episode.still_views() == [0]
    assert not read(tmp_path / "tf", setup={"cameras": ("left",)})[0][0].moving


def test_an_empty_recording_is_an_error(tmp_path):
    with BagWriter(tmp_path / "empty") as writer:
        writer.add_topic("/cell/left/image_raw", "sensor_msgs/msg/Image", "sensor")
    with pytest.raises(BagError, match="no camera pictures"):
        read(tmp_path / "empty")
