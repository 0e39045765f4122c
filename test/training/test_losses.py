from dataclasses import replace

import numpy as np
import pytest
import torch

from action_images_ros.training.batches import BatchMaker, WindowDrawer
from action_images_ros.training.losses import action_loss, draw_noise_levels, noised_canvas, video_loss
from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, VIDEO


@pytest.fixture
def make_batch(episodes, config, encode_text):
    def make(episodes=episodes):
        maker = BatchMaker(WindowDrawer(episodes, config), encode_text, config)
        return maker.make(np.random.default_rng(0), {"joint": 1.0}, augment=False)

    return make


@pytest.fixture
def batch(make_batch):
    return make_batch()


@pytest.mark.parametrize("openness", [0.0, 1.0])
def test_a_perfect_picture_costs_nothing(make_batch, episodes, config, openness):
    batch = make_batch([replace(e, openness=openness + 0 * e.openness) for e in episodes])
    logits = torch.logit(batch.target_action.clamp(1e-6, 1 - 1e-6))
    intensity, location = action_loss(logits, batch.target_action, config)
    assert intensity < 1e-4 and location < 0.01
    assert video_loss(batch.target_video, batch) == 0


def test_a_shifted_picture_costs_more_the_further_it_is(batch, config):
    costs = []
    for shift in (0, 1, 3, 6):
        logits = torch.logit(batch.target_action.roll(shift, -1).clamp(1e-4, 1 - 1e-4))
        intensity, location = action_loss(logits, batch.target_action, config)
        costs.append((float(intensity), float(location)))
    assert costs == sorted(costs) and costs[1][0] > costs[0][0]


def test_noise_levels_are_per_modality_and_mostly_pure_for_actions(batch, config):
    g = torch.Generator().manual_seed(0)
    levels = torch.cat([draw_noise_levels(batch, config, g) for _ in range(400)])
    wanted = batch.canvas.wanted()
    action = [i for i, f in enumerate(wanted) if batch.canvas.modality[f] == ACTION]
    video = [i for i, f in enumerate(wanted) if batch.canvas.modality[f] == VIDEO]
    assert torch.equal(levels[:, action], levels[:, action[:1]].expand(-1, len(action)))
    assert (levels[:, action[0]] == 1).float().mean() == pytest.approx(config.pure_noise, abs=0.05)
    assert (levels[:, video[0]] == 1).float().mean() == pytest.approx(config.pure_noise / 2, abs=0.05)
    assert levels[:, action[0]].mean() > levels[:, video[0]].mean()


def test_pure_noise_tells_nothing_and_no_noise_tells_all(batch):
    g = torch.Generator().manual_seed(0)
    ones = torch.ones(len(batch.known), len(batch.canvas.wanted()))
    noise = noised_canvas(batch, ones, g)
    assert abs(float(noise.mean())) < 0.02 and abs(float(noise.std()) - 1) < 0.02
    clean = noised_canvas(batch, 0 * ones, g)
    wanted = batch.canvas.wanted()
    first_video = wanted.index(batch.canvas.wanted(VIDEO)[0])
    assert torch.allclose(clean[:, first_video], pixel_latents.coarse(batch.target_video)[:, 0])
