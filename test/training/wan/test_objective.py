from collections import Counter

import numpy as np
import pytest
import torch
from wan_folder import tiny_denoiser

from action_images_ros.training.wan.objective import draw_mode, flow_loss, noise_levels, training_canvas
from action_images_ros.training.wan.settings import FinetuneSettings


def test_the_modes_are_mixed_as_published():
    rng = np.random.default_rng(0)
    counts = Counter(draw_mode(rng, FinetuneSettings()) for _ in range(40_000))
    shares = {"video": 0.1, "policy": 0.09, "label": 0.0405, "view0": 0.0405, "joint": 0.729}
    for mode, share in shares.items():
        assert counts[mode] / 40_000 == pytest.approx(share, abs=0.01), mode


def test_weights_are_bell_shaped_of_mean_one_over_shifted_levels():
    levels, weights = noise_levels(5.0)
    assert len(levels) == 1000 and levels[0] == 1 and levels[500] == pytest.approx(5 / 6)
    assert weights.mean() == pytest.approx(1) and weights.min() == 0
    assert levels[weights.argmax()] == pytest.approx(0.5, abs=0.01)


def test_view0_knows_the_first_views_video_and_else_what_joint_knows():
    canvas, joint = training_canvas("view0", 2, 9), training_canvas("joint", 2, 9)
    assert canvas.conditioning == [0, 1, 2, 3, 6, 9] and joint.conditioning == [0, 3, 6, 9]
    assert canvas.segments[0].known == 3 and canvas.segments[1:] == joint.segments[1:]


def test_only_latents_to_predict_count_and_the_true_velocity_costs_nothing():
    canvas = training_canvas("joint", 2, 5)
    clean, noise = torch.randn(2, canvas.length, 4, 2, 2), torch.randn(2, canvas.length, 4, 2, 2)
    camera, text = torch.randn(2, canvas.length, 8, 2, 2), torch.randn(2, 3, 16)
    seen = []

    def perfect(x, now, *_):
        seen.append((x, now))
        v = (noise - clean).transpose(1, 2).clone()
        v[:, :, canvas.conditioning] = 100.0
        return v

    assert float(flow_loss(perfect, clean, canvas, camera, text, 300, noise)) == pytest.approx(0, abs=1e-9)
    x, now = seen[0]
    assert torch.equal(x.transpose(1, 2)[:, canvas.conditioning], clean[:, canvas.conditioning])
    level = noise_levels(5.0)[0][300]
    noised = ((1 - level) * clean + level * noise)[:, canvas.targets()]
    assert torch.allclose(x.transpose(1, 2)[:, canvas.targets()], noised, atol=1e-5)
    assert now.tolist() == pytest.approx([1000 * level] * 2)


def test_the_weight_of_the_level_scales_the_loss():
    canvas = training_canvas("policy", 2, 5)
    clean, noise = torch.zeros(1, canvas.length, 4, 2, 2), torch.ones(1, canvas.length, 4, 2, 2)
    rest = canvas, torch.zeros(1, canvas.length, 8, 2, 2), torch.zeros(1, 3, 16)
    loss = flow_loss(lambda x, *_: torch.zeros_like(x), clean, *rest, 900, noise)
    assert float(loss) == pytest.approx(noise_levels(5.0)[1][900])


def test_gradients_reach_the_denoiser():
    canvas, model = training_canvas("video", 2, 5), tiny_denoiser().train()
    clean = torch.randn(1, canvas.length, 4, 2, 2)
    flow_loss(
        model,
        clean,
        canvas,
        torch.randn(1, canvas.length, 8, 2, 2),
        torch.randn(1, 3, 16),
        400,
        torch.randn_like(clean),
    ).backward()
    assert all(p.grad is not None for p in model.parameters())
