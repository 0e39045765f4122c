from dataclasses import replace

import numpy as np
import pytest
from cameras import in_front

from action_images_ros.codec.decode import decode
from action_images_ros.codec.encode import to_uint8
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.policy.clips import Clips
from action_images_ros.world_model.canvas import ACTION
from action_images_ros.world_model.clips import canvas_of, draw_actions

POSE = np.array([0.5, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0])


def clips(batch=2, frames=9, poses=9, size=(96, 96), **changes):
    rng = np.random.default_rng(0)
    fields = {
        "images": rng.integers(0, 255, (batch, 2, frames, *size, 3), dtype=np.uint8),
        "K": np.tile(intrinsics_from_fovy(50, *size), (batch, 2, 1, 1)),
        "world_from_camera": np.tile(np.stack([in_front(-0.5), in_front(0.5)]), (batch, 1, 1, 1)),
        "instructions": ["reach the red ball"] * batch,
        "poses": np.tile(POSE, (batch, poses, 1)) + 0.02 * np.arange(poses)[None, :, None] * np.eye(7)[2],
        "openness": np.ones((batch, poses)),
    }
    return Clips(**{**fields, **changes})


def test_actions_are_drawn_where_the_decoder_finds_them():
    given = clips()
    drawn = to_uint8(draw_actions(given, 9))
    assert drawn.shape == (2, 2, 9, 96, 96, 3)
    for pictures in drawn:
        decoded = decode(pictures, given.K[0], given.world_from_camera[0])
        np.testing.assert_allclose(decoded.poses[:, :3], given.poses[0, :, :3], atol=1e-3)


def test_label_mode_without_poses_takes_not_even_the_first_action_frame_as_known():
    def known(given):
        canvas = canvas_of(given, "label", 9)
        return sum(canvas.modality[frame] == ACTION for frame in canvas.conditioning)

    assert known(clips(poses=1)) == 2
    assert known(replace(clips(), poses=None, openness=None)) == 0


def test_modes_that_begin_at_the_arms_pose_say_so():
    with pytest.raises(ValueError, match="poses is None: joint"):
        canvas_of(replace(clips(), poses=None, openness=None), "joint", 9)


@pytest.mark.parametrize(
    "mode, given, words",
    [
        ("fly", {}, "mode = 'fly'"),
        ("label", {"frames": 5}, "images holds 5 frames"),
        ("world", {"poses": 1}, "poses holds 1 frames"),
    ],
)
def test_what_a_mode_lacks_is_named(mode, given, words):
    with pytest.raises(ValueError, match=words):
        canvas_of(clips(**given), mode, 9)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"images": np.zeros((2, 2, 9, 96, 96, 3))}, "images is float64"),
        ({"K": np.eye(3)}, r"K is \[3, 3\]"),
        ({"instructions": "reach"}, "give 2 strings"),
        ({"poses": None}, "belong together"),
        ({"openness": np.full((2, 9), 2.0)}, "openness reaches from 2.0"),
        ({"poses": np.zeros((2, 9, 7))}, "zero quaternion"),
    ],
)
def test_what_cannot_be_is_refused_when_made(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(clips(), **changes)
