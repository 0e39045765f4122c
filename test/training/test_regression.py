from dataclasses import replace

import numpy as np
import pytest
import torch

from action_images_ros.training.batches import BatchMaker
from action_images_ros.training.regression import regress, regression_loss
from action_images_ros.training.validate import decoded_errors
from action_images_ros.training.windows import WindowSampler
from action_images_ros.world_model.nano.regressor import POSITION_SCALE


@pytest.fixture
def recipe(config):
    return replace(config, objective="regression", modes={"policy": 1.0}, pose_jitter=1.0)


@pytest.fixture
def batch(episodes, recipe, encode_text):
    return BatchMaker(WindowSampler(episodes, recipe), encode_text, recipe).make(0).unpack()


def perfect(batch):
    """Raw outputs that lead from the pose that was told to the true ones; the fixtures' tool never turns."""
    raw = torch.zeros(len(batch.windows), 8, 10)
    for i, window in enumerate(batch.windows):
        raw[i, :, :3] = torch.from_numpy((window.poses[1:, :3, 3] - batch.told.numpy()[i, :3, 3]) / POSITION_SCALE)
        turn = window.poses[1:, :3, :3] @ batch.told.numpy()[i, :3, :3].T
        raw[i, :, 3:9] = torch.from_numpy(np.swapaxes(turn[:, :, :2], 1, 2).reshape(8, 6) - [1, 0, 0, 0, 1, 0])
        raw[i, :, 9] = torch.from_numpy(np.where(window.openness[1:] > 0.5, 20.0, -20.0))
    return raw


def test_the_told_pose_is_the_one_that_is_drawn_wrong_on_purpose(batch):
    true = np.stack([window.poses[0] for window in batch.windows])
    off = np.linalg.norm(batch.told.numpy()[:, :3, 3] - true[:, :3, 3], axis=1)
    assert (off > 1e-4).all() and (off < 0.05).all()


def test_the_true_poses_cost_nothing_and_others_what_they_are_off(batch, recipe):
    raw = perfect(batch)
    loss, losses = regression_loss(lambda *_: raw, batch, recipe)
    assert loss < 1e-3 and set(losses) == {"position", "rotation", "openness"}
    raw[..., 0] += 0.5
    _, moved = regression_loss(lambda *_: raw, batch, recipe)
    assert moved["position"] == pytest.approx(0.5, abs=2e-3)
    assert moved["rotation"] == losses["rotation"] and moved["openness"] == losses["openness"]


def test_the_rotation_loss_is_about_the_angle(batch, recipe):
    raw = perfect(batch)
    c, s = np.cos(0.2), np.sin(0.2)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    for i, window in enumerate(batch.windows):
        turned = turn @ window.poses[1:, :3, :3] @ batch.told.numpy()[i, :3, :3].T
        raw[i, :, 3:9] = torch.from_numpy(np.swapaxes(turned[:, :, :2], 1, 2).reshape(8, 6) - [1, 0, 0, 0, 1, 0])
    _, losses = regression_loss(lambda *_: raw, batch, recipe)
    assert losses["rotation"] == pytest.approx(2 * np.sin(0.1), rel=0.02)


def test_weights_of_the_recipe_weigh(batch, recipe):
    raw = torch.randn(len(batch.windows), 8, 10, generator=torch.Generator().manual_seed(0))
    heavy = replace(recipe, pose_weights={"position": 3.0, "rotation": 0.0, "openness": 0.0})
    loss, losses = regression_loss(lambda *_: raw, batch, heavy)
    assert float(loss) == pytest.approx(3 * float(losses["position"]), rel=1e-5)


def test_poses_are_judged_through_drawing_and_decoding(batch):
    errors = decoded_errors(regress(lambda *_: perfect(batch), batch))
    known = {name: value for name, value in errors.items() if not np.isnan(value)}
    assert known["openness"] == 1.0 and min(known.get("far_mm", 0), known.get("near_mm", 0)) < 2.0
