from types import SimpleNamespace

import numpy as np
import pytest
from motions import SIZE, falling

from action_images_ros.evaluation.contenders import constant_guess, given_frames, guesses
from action_images_ros.evaluation.held_out import windows_of

WINDOWS = windows_of(falling(), 9, 0.2, SIZE)
BLACK = np.zeros((2, 2, 9, *SIZE, 3), np.uint8)


class Black:
    """Paints black pictures of the kinds a mode asks for; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def generate(self, clips, mode, *, steps, seed):
        self.asked.append((mode, clips.images[:, :, -1].copy(), clips.poses is None))
        return SimpleNamespace(video=None if mode == "label" else BLACK,
                               action_images=BLACK if mode in ("joint", "label") else None)


@pytest.mark.parametrize("mode, rivals", [
    ("joint", {"model", "repeat first frame", "hold first pose", "codec"}),
    ("world", {"model", "repeat first frame", "true video"}),
    ("label", {"model", "hold first pose", "codec"}),
    ("label-unknown", {"model", "codec"}),
    ("video", {"model", "repeat first frame"}),
])
def test_every_mode_has_its_rivals(mode, rivals):
    answers, seconds = guesses(Black(), WINDOWS, mode, [0, 1])
    assert [set(answer) for answer in answers] == [rivals] * 2 and seconds >= 0


def test_the_codec_reads_the_truth_and_black_pictures_are_not_valid():
    answer = guesses(Black(), WINDOWS, "label", [0, 1])[0][1]
    np.testing.assert_allclose(answer["codec"].actions.poses[:, :3], WINDOWS[1].poses[:, :3], atol=1e-3)
    assert not answer["model"].actions.valid.any()


def test_world_mode_shows_the_reader_each_video():
    model = Black()
    guesses(model, WINDOWS, "world", [0, 1])
    modes, last, _ = zip(*model.asked, strict=True)
    assert modes == ("world", "label", "label", "label")
    truth = np.stack([w.images for w in WINDOWS])
    assert not last[1].any()
    assert np.array_equal(last[2], truth[:, :, 0]) and np.array_equal(last[3], truth[:, :, -1])


def test_the_pose_is_hidden_where_it_is_not_known():
    model = Black()
    guesses(model, WINDOWS, "label-unknown", [0, 1])
    assert model.asked[0][0] == "label" and model.asked[0][2]
    assert (given_frames("label-unknown"), given_frames("label")) == (0, 1)


def test_a_constant_guess_is_the_same_in_every_frame():
    actions = constant_guess(WINDOWS[0].poses[3], 0.0, WINDOWS[0]).actions
    assert len(actions.poses) == 9 and np.ptp(actions.poses, axis=0).max() == 0 and actions.valid.all()
