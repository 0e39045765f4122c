from dataclasses import fields, replace

import pytest
import torch

from action_images_ros.training.batches import Batch, BatchMaker
from action_images_ros.training.losses import action_loss, draw_noise, noised_canvas, total_loss, video_loss
from action_images_ros.training.windows import WindowSampler
from action_images_ros.world_model.canvas import ACTION, VIDEO
from action_images_ros.world_model.nano import pixel_latents


@pytest.fixture
def make_batch(episodes, config, encode_text):
    def make(episodes=episodes):
        maker = BatchMaker(WindowSampler(episodes, config), encode_text, config)
        return maker.make(0, modes={"joint": 1.0}, augment=False).unpack()

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


def test_where_the_blue_point_of_an_open_gripper_is_counts_as_much_as_that_of_a_closed_one(
    make_batch, episodes, config
):
    shifted = []
    for openness in (0.0, 1.0):
        batch = make_batch([replace(e, openness=openness + 0 * e.openness) for e in episodes])
        painted = batch.target_action.unflatten(2, (-1, 3)).clone()
        painted[:, :, :, 2] = painted[:, :, :, 2].roll(6, dims=-1)
        painted = painted.flatten(2, 3).clamp(1e-4, 1 - 1e-4)
        shifted.append(action_loss(torch.logit(painted), batch.target_action, config)[1])
    assert shifted[0] > 0.1 and 0.5 < shifted[1] / shifted[0] < 2


def test_noise_levels_are_per_modality_and_mostly_pure_for_actions(batch, config):
    levels = torch.cat([draw_noise(replace(batch, seeds=[3 * i, 3 * i + 1, 3 * i + 2]), config)[0] for i in range(400)])
    wanted = batch.canvas.targets()
    action = [i for i, f in enumerate(wanted) if batch.canvas.modality[f] == ACTION]
    video = [i for i, f in enumerate(wanted) if batch.canvas.modality[f] == VIDEO]
    assert torch.equal(levels[:, action], levels[:, action[:1]].expand(-1, len(action)))
    assert (levels[:, action[0]] == 1).float().mean() == pytest.approx(config.pure_noise, abs=0.05)
    assert (levels[:, video[0]] == 1).float().mean() == pytest.approx(config.pure_noise / 2, abs=0.05)
    assert levels[:, action[0]].mean() > levels[:, video[0]].mean()


def test_pure_noise_tells_nothing_and_no_noise_tells_all(batch, config):
    ones = torch.ones(len(batch.known), len(batch.canvas.targets()))
    drawn = draw_noise(batch, config)[1]
    noise = noised_canvas(batch, ones, drawn)
    assert torch.equal(noise, drawn)
    assert abs(float(noise.mean())) < 0.02 and abs(float(noise.std()) - 1) < 0.02
    clean = noised_canvas(batch, 0 * ones, drawn)
    wanted = batch.canvas.targets()
    first_video = wanted.index(batch.canvas.targets(VIDEO)[0])
    assert torch.allclose(clean[:, first_video], pixel_latents.coarse(batch.target_video)[:, 0])


def part(batch, i):
    """One sample of a batch as a batch of its own."""
    values = {f.name: getattr(batch, f.name) for f in fields(Batch) if f.name not in ("canvas", "windows")}
    return replace(batch, **{name: None if v is None else v[i : i + 1] for name, v in values.items()})


def test_a_batch_costs_the_mean_of_its_samples(batch, config):
    """So that it may be divided among processes; points outside of some pictures make no difference."""
    torch.manual_seed(0)
    hidden = replace(batch, target_action=batch.target_action.clone())
    hidden.target_action[1, :, 0::3] = 0  # no red points in the second sample
    shapes = (hidden.target_video.shape[1:], hidden.target_action.shape[1:])
    painted = {}

    def model(known, noised, levels, *_):
        keys = [round(float(key), 2) for key in noised.flatten(1).sum(1)]
        for key in keys:
            painted.setdefault(key, [torch.randn(shape) for shape in shapes])
        return (torch.stack([painted[key][j] for key in keys]) for j in range(2))

    whole, losses = total_loss(model, hidden, config)
    parts = [total_loss(model, part(hidden, i), config) for i in range(3)]
    assert float(whole) == pytest.approx(sum(float(loss) for loss, _ in parts) / 3, rel=1e-5)
    for name in ("intensity", "location", "video"):
        assert float(losses[name]) == pytest.approx(sum(float(p[name]) for _, p in parts) / 3, rel=1e-5)
