import numpy as np
import pytest

from action_images_ros.policy.card import latent_frames
from action_images_ros.world_model.canvas import ACTION, MODES, VIDEO, build_canvas


def describe(canvas):
    return [(s.view, "VA"[s.modality], s.length, s.known) for s in canvas.segments]


def test_segments_are_view_major_with_video_before_action():
    packed = [(0, "V", 11, 1), (0, "A", 11, 1), (1, "V", 11, 1), (1, "A", 11, 1)]
    assert describe(build_canvas("joint", 2, 41)) == packed


@pytest.mark.parametrize(
    ("mode", "views", "packed", "known"),
    [("joint", 2, 44, 4), ("policy", 2, 24, 4), ("label", 2, 44, 24), ("world", 2, 44, 24), ("video", 2, 22, 2)],
)
def test_packed_and_known_latent_frames_are_those_of_the_published_canvas(mode, views, packed, known):
    canvas = build_canvas(mode, views, 41)
    assert canvas.length == packed
    assert canvas.known.sum() == known


def test_label_mode_without_a_pose_knows_no_action_frame():
    canvas = build_canvas("label", 3, 9, known_pose=False)
    assert not canvas.known[canvas.modality == ACTION].any()
    assert canvas.known[canvas.modality == VIDEO].all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("views", [1, 2, 4])
def test_given_and_wanted_frames_divide_the_canvas(mode, views):
    canvas = build_canvas(mode, views, 9)
    assert sorted(canvas.conditioning + canvas.targets()) == list(range(canvas.length))
    assert sorted(canvas.targets(VIDEO) + canvas.targets(ACTION)) == canvas.targets()
    for f in range(canvas.length):
        assert canvas.index(canvas.view[f], canvas.modality[f], canvas.time[f]) == f


def test_first_latent_of_every_segment_is_known():
    for mode in MODES:
        canvas = build_canvas(mode, 2, 13)
        assert canvas.known[canvas.time == 0].all()


@pytest.mark.parametrize("frames", [0, 1, 4, 10, 12])
def test_frames_that_cannot_be_packed_are_refused_by_value(frames):
    with pytest.raises(ValueError, match=f"frames is {frames}.*1 \\+ 4 k"):
        latent_frames(frames)


def test_unknown_mode_lists_the_modes():
    with pytest.raises(ValueError, match="'dream'.*joint, policy"):
        build_canvas("dream", 2, 9)


def test_known_pose_is_only_optional_when_labelling():
    with pytest.raises(ValueError, match="known_pose"):
        build_canvas("policy", 2, 9, known_pose=False)


def test_frames_of_one_modality_are_listed_per_view_in_time_order():
    canvas = build_canvas("joint", 2, 9)
    assert np.array_equal(canvas.frames(ACTION), [[3, 4, 5], [9, 10, 11]])
