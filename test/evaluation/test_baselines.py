from types import SimpleNamespace

import numpy as np
import pytest
from motions import SIZE, falling

from action_images_ros.evaluation.baselines import conditioning_frames, constant_estimate, estimates
from action_images_ros.evaluation.held_out import windows_of

WINDOWS = windows_of(falling(), 9, 0.2, SIZE)
BLACK = np.zeros((2, 2, 9, *SIZE, 3), np.uint8)


class Black:
    """Generates black pictures of the kinds a mode asks for; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def generate(self, clips, mode, *, steps, seed):
        self.asked.append((mode, clips))
        return SimpleNamespace(
            video=None if mode == "label" else BLACK, action_images=BLACK if mode in ("joint", "label") else None
        )


@pytest.mark.parametrize(
    "mode, rivals",
    [
        ("joint", {"model", "repeat first frame", "hold first pose", "codec"}),
        ("world", {"model", "repeat first frame", "true video"}),
        ("label", {"model", "hold first pose", "codec", "frozen video", "backwards"}),
        ("label-unknown", {"model", "codec", "frozen video", "backwards"}),
        ("video", {"model", "repeat first frame"}),
    ],
)
def test_every_mode_has_its_rivals(mode, rivals):
    answers, seconds = estimates(Black(), WINDOWS, mode, [0, 1])
    assert [set(answer) for answer in answers] == [rivals] * 2 and seconds >= 0


def test_the_codec_reads_the_truth_and_black_pictures_are_not_valid():
    answer = estimates(Black(), WINDOWS, "label", [0, 1])[0][1]
    np.testing.assert_allclose(answer["codec"].actions.poses[:, :3], WINDOWS[1].poses[:, :3], atol=1e-3)
    assert not answer["model"].actions.valid.any()


def test_world_mode_has_each_video_read_backwards():
    model = Black()
    answers, _ = estimates(model, WINDOWS, "world", [0, 1])
    assert [mode for mode, _ in model.asked] == ["world", "label", "label", "label"]
    predicted, still, true = (clips.images for _, clips in model.asked[1:])
    truth = np.stack([w.images for w in WINDOWS])
    assert not predicted.any()
    assert all(np.array_equal(still[:, :, frame], truth[:, :, 0]) for frame in range(9))
    np.testing.assert_array_equal(true, truth[:, :, ::-1])
    np.testing.assert_array_equal(model.asked[1][1].poses[0], WINDOWS[0].poses[::-1])
    np.testing.assert_array_equal(answers[0]["model"].judged_on.poses, WINDOWS[0].poses[::-1])


def test_a_labeller_is_shown_the_recording_frozen_and_backwards():
    model = Black()
    answers, _ = estimates(model, WINDOWS, "label", [0, 1])
    frozen, backwards = (clips for _, clips in model.asked[1:])
    truth = np.stack([w.images for w in WINDOWS])
    assert all(np.array_equal(frozen.images[:, :, frame], truth[:, :, 0]) for frame in range(9))
    np.testing.assert_array_equal(frozen.poses[1], WINDOWS[1].poses)
    np.testing.assert_array_equal(backwards.images, truth[:, :, ::-1])
    np.testing.assert_array_equal(answers[1]["backwards"].judged_on.openness, WINDOWS[1].openness[::-1])


def test_the_pose_is_hidden_where_it_is_not_known():
    model = Black()
    estimates(model, WINDOWS, "label-unknown", [0, 1])
    assert all(mode == "label" and clips.poses is None for mode, clips in model.asked)
    assert (conditioning_frames("label-unknown"), conditioning_frames("label")) == (0, 1)


def test_a_constant_estimate_is_the_same_in_every_frame():
    actions = constant_estimate(WINDOWS[0].poses[3], 0.0, WINDOWS[0]).actions
    assert len(actions.poses) == 9 and np.ptp(actions.poses, axis=0).max() == 0 and actions.valid.all()
