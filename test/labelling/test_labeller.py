"""Windows become labels of the robot's tool, each camera read once, whatever the company it is in."""

import numpy as np
import pytest
from labelling_small import SIZE, TruthModel
from recordings import small_episode

from action_images_ros.labelling.labeller import Labeller
from action_images_ros.labelling.planner import Window

TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.fixture(scope="module")
def episode():
    return small_episode(frames=9, views=3)


def window(episode, start=0, known=True, fresh=(True,) * 5):
    part = slice(start, start + 5)
    stamps = 10**9 + 200_000_000 * np.arange(start, start + 5)
    return Window(
        stamps,
        stamps,
        episode.camera_names,
        episode.images[:, part],
        episode.K,
        episode.world_from_camera,
        "reach",
        episode.poses[part] if known else np.full((5, 7), np.nan),
        episode.openness[part] if known else np.full(5, np.nan),
        np.array(fresh),
    )


def test_labels_are_of_the_robots_tool_and_the_measured_pose_is_too(episode):
    (labels,) = Labeller(TruthModel(episode), TURN).label([window(episode)])
    np.testing.assert_allclose(labels.chunk.poses[:, :3], episode.poses[:5, :3], atol=2e-3)
    dots = np.abs(np.sum(labels.chunk.poses[:, 3:] * labels.measured[:, 3:], axis=1))
    np.testing.assert_allclose(dots, 1.0, atol=1e-4)
    assert labels.given and labels.chunk.valid.all()
    assert np.abs(np.sum(labels.chunk.poses[:, 3:] * episode.poses[:5, 3:], axis=1)).max() < 0.8  # a quarter turn off


def test_known_and_unknown_windows_are_not_mixed_up(episode):
    model = TruthModel(episode)
    windows = [window(episode, 0), window(episode, 2, known=False), window(episode, 4)]
    labels = Labeller(model, TURN).label(windows)
    assert [one.given for one in labels] == [True, False, True]
    assert sorted((len(clips), clips.poses is None) for clips in model.seen) == [(1, True), (2, False)]
    for one, asked in zip(labels, windows, strict=True):
        assert one.chunk.stamp_ns == asked.stamps_ns[0]


def test_three_cameras_are_read_in_pairs_and_lifted_together(episode):
    model = TruthModel(episode, views=2)
    (labels,) = Labeller(model, TURN).label([window(episode)])
    assert [clips.images.shape[:2] for clips in model.seen] == [(2, 2)]
    assert labels.prediction.action_images.shape == (3, 5, *SIZE, 3)
    assert labels.prediction.action_images.any(axis=(2, 3, 4)).all() and labels.chunk.valid.all()


def test_what_nobody_saw_is_black_and_not_valid(episode):
    (labels,) = Labeller(TruthModel(episode), TURN).label([window(episode, fresh=(True, True, False, True, True))])
    assert not labels.prediction.action_images[:, 2].any()
    np.testing.assert_array_equal(labels.chunk.valid, [True, True, False, True, True])


def test_the_noise_depends_on_the_windows_time_alone(episode):
    seeds = []

    class Noted(TruthModel):
        def label(self, clips, *, steps=1, seed=0):
            seeds.append(list(seed))
            return super().label(clips, steps=steps, seed=seed)

    labeller = Labeller(Noted(episode), TURN)
    labeller.label([window(episode, 0), window(episode, 2)])
    labeller.label([window(episode, 2)])
    assert seeds[0][1] == seeds[1][0] != seeds[0][0] and min(seeds[0]) >= 0


def test_wrong_options_are_named(episode):
    with pytest.raises(ValueError, match="known_pose is 'maybe'"):
        Labeller(TruthModel(episode), TURN, known_pose="maybe")
    with pytest.raises(ValueError, match="steps is 0"):
        Labeller(TruthModel(episode), TURN, steps=0)
    with pytest.raises(ValueError, match="known_pose is 'yes'.* 1000000000 ns"):
        Labeller(TruthModel(episode), TURN, known_pose="yes").label([window(episode, known=False)])
