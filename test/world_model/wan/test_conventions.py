from pathlib import Path

import numpy as np
import pytest
import torch

from action_images_ros.codec.decode import decode
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.nano.sampler import schedule
from action_images_ros.world_model.wan import conventions

GOLDEN = Path(__file__).parents[2] / "data" / "golden_plucker.npz"


def test_segments_are_packed_and_known_as_the_weights_expect():
    canvas = build_canvas("policy", 2, 41)
    assert [(s.view, s.modality, s.length, s.known) for s in canvas.segments] == [
        (0, 0, 1, 1),
        (0, 1, 11, 1),
        (1, 0, 1, 1),
        (1, 1, 11, 1),
    ]
    modes = ("joint", "policy", "label", "world")
    known = {mode: np.flatnonzero(build_canvas(mode, 2, 41).known).tolist() for mode in modes}
    video, action = [*range(11), *range(22, 33)], [*range(11, 22), *range(33, 44)]
    assert known["joint"] == [0, 11, 22, 33]
    assert known["policy"] == [0, 1, 12, 13]
    assert known["label"] == sorted([*video, 11, 33])
    assert known["world"] == sorted([*action, 0, 22])


@pytest.mark.parametrize(
    "given, cleaned",
    [
        ("  lift \n the\t red   block ", "lift the red block"),
        ("fish &amp;amp; chips &lt;now&gt;", "fish & chips <now>"),
        ("doesnâ€™t", "doesn't"),
        ("ﬁnd", "find"),
        ("", ""),
    ],
)
def test_prompts_are_cleaned_as_wan_does(given, cleaned):
    assert conventions.clean_prompt(given) == cleaned


def test_camera_pictures_are_the_published_rays_with_the_moment_over_three():
    with np.load(GOLDEN) as golden:
        for case in range(4):
            rays = golden[f"{case}_plucker"]
            directions, moments = conventions.camera_pictures(golden[f"{case}_K"], golden[f"{case}_E"], rays.shape[1:3])
            assert np.allclose(directions, rays[..., :3], atol=1e-5)
            assert np.allclose(moments, rays[..., 3:] / 3, atol=1e-5)
            assert np.allclose(moments[0], 0, atol=1e-6)  # relative to view 0


def test_negative_focal_lengths_give_the_same_pictures():
    with np.load(GOLDEN) as golden:
        K, E = golden["0_K"], golden["0_E"]
    mirrored = K @ np.diag([-1.0, -1, 1]), E @ np.diag([-1.0, -1, 1, 1])
    assert np.allclose(conventions.camera_pictures(*mirrored, (16, 24)), conventions.camera_pictures(K, E, (16, 24)))


def test_the_first_action_frame_is_drawn_from_the_arms_pose():
    from cameras import in_front

    K, E = np.stack([intrinsics_from_fovy(50, 96, 96)] * 2), np.stack([in_front(-0.5), in_front(0.5)])
    pose = np.array([[0.5, 0.1, 0.2, 1.0, 0, 0, 0]])
    images = conventions.draw_known_actions(pose, np.array([1.0]), K, E, (96, 96))
    assert images.shape == (2, 1, 96, 96, 3) and images.dtype == np.float32
    read = decode((images * 255).round().astype(np.uint8), K, E)
    assert np.allclose(read.poses[0, :3], pose[0, :3], atol=1e-3) and read.openness[0] > 0.5


def test_images_reach_the_model_between_minus_one_and_one():
    assert torch.allclose(conventions.to_model_range(np.array([0, 255], np.uint8)), torch.tensor([-1.0, 1.0]))
    assert torch.allclose(conventions.to_model_range(np.array([0.0, 0.5, 1.0])), torch.tensor([-1.0, 0.0, 1.0]))


def test_noise_levels_are_shifted_by_five_and_told_in_thousandths():
    levels = schedule(50, 5.0)
    raw = 1 - np.arange(51) / 50
    assert np.allclose(levels, 5 * raw / (1 + 4 * raw))
    assert conventions.timestep(levels[0]) == 1000 and conventions.timestep(levels[25]) == pytest.approx(2500 / 3)


def test_guidance_leads_away_from_what_is_said_without_the_instruction():
    without, with_text = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 2.0])
    assert conventions.guide(without, with_text, 7.5).tolist() == [8.5, 2.0]
    assert torch.equal(conventions.guide(without, with_text, 1), with_text)
