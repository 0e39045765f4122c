"""A recording comes back with every message as it was, and with labels that are where the arm was."""

import json
from collections import defaultdict

import numpy as np
import pytest
from labelling_small import TruthModel
from recordings import record, rewritten, shifted, small_episode, tree

from action_images_ros.data.rosbag2.bag import Bag, BagError
from action_images_ros.labelling.offline import LabelOptions, label_bag, report_path

FRAMES = 16


@pytest.fixture(scope="module")
def episode():
    return small_episode(frames=FRAMES)


@pytest.fixture(scope="module")
def source(episode, tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "source", episode)


@pytest.fixture(scope="module")
def labelled(episode, source, tmp_path_factory):
    before = tree(source)
    output = tmp_path_factory.mktemp("out") / "labelled"
    report = label_bag(source, output, TruthModel(episode))
    assert tree(source) == before
    return output, report


def _messages(path, topic=None):
    with Bag(path) as bag:
        return [(m, bag.read(m)) for m in bag.messages(None if topic is None else [topic])]


def test_every_original_message_is_there_byte_by_byte(source, labelled):
    with Bag(source) as before, Bag(labelled[0]) as after:
        assert list(before.messages()) == list(after.messages(before.topics))
        for name, topic in before.topics.items():
            assert (after.topics[name].type, after.topics[name].qos) == (topic.type, topic.qos)


def test_labels_are_where_the_arm_was(episode, source, labelled):
    with Bag(source) as bag:
        truth = {m.log_ns: bag.read(m).pose.position for m in bag.messages(["/cell/current_pose"])}
    poses = _messages(labelled[0], "/cell/label/pose")
    assert len(poses) == FRAMES
    stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in poses]
    assert stamps == [10**9 + i * 200_000_000 for i in range(FRAMES)]
    for (_, label), true in zip(poses, truth.values(), strict=True):
        p = label.pose.pose.position
        assert np.linalg.norm([p.x - true.x, p.y - true.y, p.z - true.z]) < 2e-3
    openness = [m.position[0] for _, m in _messages(labelled[0], "/cell/label/gripper")]
    np.testing.assert_array_equal(np.array(openness) > 0.5, episode.openness > 0.5)
    ((_, path),) = _messages(labelled[0], "/cell/label/path")
    assert len(path.poses) == FRAMES and path.header.frame_id == "base"


def test_a_camera_that_moves_is_read_with_its_pose_of_every_frame(episode, tmp_path):
    """One fixed camera and one that the arm carries along."""
    E = np.repeat(episode.world_from_camera[:, None], FRAMES, axis=1)
    E[1, :, :3, 3] += episode.poses[:, :3] - episode.poses[0, :3]
    moving = small_episode(frames=FRAMES, world_from_camera=E)
    report = label_bag(record(tmp_path / "bag", moving), tmp_path / "labelled", TruthModel(moving))
    assert report["labelled"] == FRAMES and report["position_mm_p95"] < 2 and report["jaccard_4px"] > 0.99


def test_chunks_are_complete_and_begin_where_windows_do(labelled):
    by_topic = defaultdict(list)
    for message, content in _messages(labelled[0]):
        if message.topic.startswith("/cell/label/chunk/"):
            by_topic[message.topic].append(content.header.stamp.sec * 10**9 + content.header.stamp.nanosec)
    assert len(by_topic) == 3 + 3 * 2
    starts = [10**9 + i * 200_000_000 for i in (0, 2, 4, 6, 8, 10, 11)]  # stride 2; the last one ends with the bag
    assert all(stamps == starts for stamps in by_topic.values())


def test_the_report_compares_labels_with_the_recording(labelled):
    output, report = labelled
    assert json.loads(report_path(output).read_text()) == report
    assert report["frames"] == report["labelled"] == FRAMES and report["told"] == 1
    assert report["compared"] == FRAMES - 1  # the frame that the model was told is not judged
    assert report["position_mm_median"] < 1 and report["openness_right"] == 1 and report["jaccard_4px"] == 1
    assert report["windows_with_known_pose"] == report["windows"] == 7


def test_wrong_labels_are_reported_as_wrong(episode, source, tmp_path):
    report = label_bag(source, tmp_path / "out", TruthModel(episode, shift=0.01))
    assert report["position_mm_median"] == pytest.approx(10, abs=1)


def test_without_a_known_pose_the_model_is_told_none(episode, source, tmp_path):
    model = TruthModel(episode)
    report = label_bag(source, tmp_path / "out", model, LabelOptions(known_pose="no"))
    assert all(clips.poses is None for clips in model.seen)
    assert report["windows_with_known_pose"] == 0 and report["compared"] == FRAMES


def test_a_recording_without_an_arm_is_labelled_and_not_compared(episode, source, tmp_path):
    bare = rewritten(source, tmp_path / "bare", lambda m, c: None if m.topic == "/cell/current_pose" else c)
    report = label_bag(bare, tmp_path / "out", TruthModel(episode))
    assert report["labelled"] == FRAMES and report["compared"] == 0 and report["position_mm_median"] is None
    with pytest.raises(BagError, match="known_pose is 'yes'"):
        label_bag(bare, tmp_path / "other", TruthModel(episode), LabelOptions(known_pose="yes"))


def test_cameras_beyond_what_the_model_knows_are_read_in_groups(tmp_path):
    episode = small_episode(frames=6, views=3)
    model = TruthModel(episode, views=2)
    report = label_bag(record(tmp_path / "bag", episode), tmp_path / "out", model)
    assert {clips.images.shape[1] for clips in model.seen} == {2}
    assert report["labelled"] == 6 and report["position_mm_median"] < 1


def test_a_gap_is_marked_and_not_filled(episode, source, tmp_path):
    """Four frames missing: no labels there, no window across."""
    gap = range(6, 10)

    def cut(message, content):
        return None if "image_raw" in message.topic and (message.log_ns - 10**9) // 200_000_000 in gap else content

    report = label_bag(rewritten(source, tmp_path / "bag", cut), tmp_path / "out", TruthModel(episode))
    stamps = {
        m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in _messages(tmp_path / "out", "/cell/label/pose")
    }
    assert stamps == {10**9 + i * 200_000_000 for i in range(FRAMES) if i not in gap}
    assert report["position_mm_p95"] < 1


def test_a_frame_that_nobody_saw_has_no_label_but_its_neighbours_have(episode, source, tmp_path):
    def cut(message, content):
        return None if "right/image_raw" in message.topic and (message.log_ns - 10**9) // 200_000_000 == 7 else content

    report = label_bag(rewritten(source, tmp_path / "bag", cut), tmp_path / "out", TruthModel(episode))
    assert report["labelled"] == FRAMES - 1 and sum(report["without_label"].values()) == 1
    ((_, gap),) = _messages(tmp_path / "out", "/cell/label/gap")
    assert json.loads(gap.data)["stamp_ns"] == 10**9 + 7 * 200_000_000
    chunk = next(
        c
        for _, c in _messages(tmp_path / "out", "/cell/label/chunk/left/action_images")
        if c.header.stamp.sec * 10**9 + c.header.stamp.nanosec == 10**9 + 6 * 200_000_000
    )
    drawn = chunk.data.reshape(5, *TruthModel(episode).card.image_size, 3)
    assert not drawn[1].any() and drawn[0].any() and drawn[2].any()


def test_labels_do_not_depend_on_the_batch(episode, source, labelled, tmp_path):
    label_bag(source, tmp_path / "out", TruthModel(episode), LabelOptions(batch=1))

    def labels(path):
        return [m for m, _ in _messages(path) if m.topic.startswith("/cell/label")]

    assert labels(tmp_path / "out") == labels(labelled[0])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda m, c: None if "image_raw" in m.topic else c, "no camera pictures; it has /cell/left/camera_info"),
        (lambda m, c: None if m.topic.endswith("left/camera_info") else c, "left.*camera_info"),
        (lambda m, c: None if "right" in m.topic else c, "has one camera, left"),
        (lambda m, c: None if m.topic.endswith("/instruction") else c, "no instruction yet.*--instruction"),
        (
            lambda m, c: None if m.topic.endswith("/pose") else c,
            "left/pose, or give a calibration file|its pose is not",
        ),
        (lambda m, c: shifted(c, -100) if "left/image" in m.topic and m.log_ns > 2.5e9 else c, "run backwards"),
        (lambda m, c: None if m.log_ns > 1.5e9 else c, "stretch of 3 frames, the model needs 5"),
    ],
)
def test_what_cannot_be_labelled_is_said_and_leaves_nothing(episode, source, tmp_path, change, message):
    # Topics without a message are left out, as a recorder would.
    with Bag(source) as bag:
        kept = {m.topic for m in bag.messages() if change(m, bag.read(m)) is not None}
    from action_images_ros.data.rosbag2.writer import BagWriter

    with Bag(source) as bag, BagWriter(tmp_path / "bag") as writer:
        writer.add_topics_of(bag, kept)
        for m in bag.messages(kept):
            content = change(m, bag.read(m))
            if content is not None:
                writer.write(m.topic, content, m.log_ns)
    with pytest.raises(BagError, match=message):
        label_bag(tmp_path / "bag", tmp_path / "out", TruthModel(episode))
    assert not (tmp_path / "out").exists()


def test_labels_are_never_laid_over_labels(episode, labelled, tmp_path):
    with pytest.raises(BagError, match="has labels already.*--prefix"):
        label_bag(labelled[0], tmp_path / "again", TruthModel(episode))
    label_bag(labelled[0], tmp_path / "again", TruthModel(episode), LabelOptions(prefix="second"))
    with pytest.raises(ValueError, match="exists already"):
        label_bag(labelled[0], tmp_path / "again", TruthModel(episode))
