"""Recordings are spoilt as asked, and the same way every time."""

import numpy as np
import pytest
from labelling_small import TruthModel
from recordings import record, small_episode

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.labelling.corrupt import CorruptedBag, Corruption, motion_blur
from action_images_ros.labelling.offline import LabelOptions, label_bag


def test_text_becomes_a_corruption_and_nonsense_is_named():
    assert Corruption.parse("drop=0.1, blur=5,seed=2") == Corruption(0.1, 5.0, 2)
    assert Corruption.parse("") == Corruption()
    for text, words in (
        ("drop=2", "drop is 2"),
        ("fog=1", "fog=1.*knows drop, blur"),
        ("blur", "NAME=NUMBER"),
        ("blur=-1", "blur is -1"),
    ):
        with pytest.raises(ValueError, match=words):
            Corruption.parse(text)


def test_pictures_are_lost_in_the_share_asked_and_nothing_else(tmp_path):
    source = record(tmp_path / "bag", small_episode(frames=60, size=(8, 8)))
    with Bag(source) as bag:
        spoilt = CorruptedBag(bag, Corruption(drop=0.3))
        kept = list(spoilt.messages())
        assert kept == list(spoilt.messages())
        lost = [m for m in bag.messages() if m not in kept]
        assert all("image_raw" in m.topic for m in lost) and 20 < len(lost) < 55  # 36 expected of 120
        assert {m.topic for m in lost} == {"/cell/left/image_raw", "/cell/right/image_raw"}
        other = list(CorruptedBag(bag, Corruption(drop=0.3, seed=1)).messages())
        assert other != kept


def test_blur_smears_along_its_direction_and_keeps_the_brightness():
    image = np.zeros((31, 31, 3), np.uint8)
    image[15, 15] = 255
    image[:, :, 1] = 100
    across = motion_blur(image, 9, 0.0)
    assert (across[15, 11:20, 0] > 15).all() and across[13:18, :, 0].sum(axis=1)[[0, 4]].max() == 0
    assert abs(int(across[:, :, 0].sum()) - 255) < 20 and (across[:, :, 1] == 100).all()
    np.testing.assert_array_equal(np.swapaxes(across, 0, 1)[..., 0], motion_blur(image, 9, np.pi / 2)[..., 0])


def test_labelling_sees_the_spoilt_pictures_and_copies_the_good_ones(tmp_path):
    episode = small_episode(frames=40)
    source = record(tmp_path / "bag", episode)
    model = TruthModel(episode)
    report = label_bag(source, tmp_path / "out", model, LabelOptions(corruption=Corruption(drop=0.1, blur=4, seed=1)))
    assert 0.5 < report["labelled"] / 40 < 1 and report["position_mm_median"] < 1
    shown = np.concatenate([clips.images[:, 0, 0] for clips in model.seen])
    assert not any((picture == frame).all() for picture in shown for frame in episode.images[0])
    with Bag(source) as before, Bag(tmp_path / "out") as after:
        assert list(before.messages()) == list(after.messages(before.topics))
