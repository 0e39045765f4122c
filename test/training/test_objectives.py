import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from action_images_ros.data.episode import append_index, save_episode
from action_images_ros.evaluation.cell_episodes import run_episode
from action_images_ros.evaluation.rollout import RolloutSettings
from action_images_ros.paths import share_path
from action_images_ros.policy.registry import load_policy
from action_images_ros.training.config import TrainConfig
from action_images_ros.training.objectives import OBJECTIVES, new_network
from action_images_ros.training.train import train
from action_images_ros.world_model.nano.checkpoints import ModelCard, load_network

SMALL = {
    "width": 24,
    "layers": 1,
    "heads": 2,
    "quarter_channels": 8,
    "eighth_channels": 8,
    "condition": 16,
    "frames": 9,
    "head_channels": 16,
}


@pytest.fixture
def data(tmp_path, episodes):
    folder = tmp_path / "data"
    folder.mkdir()
    for episode in episodes:
        append_index(folder, {"file": save_episode(folder, episode).name, "task": episode.task, "seed": episode.seed})
    return folder


@pytest.fixture
def recipe(config):
    return replace(config, objective="regression", model=SMALL, modes={"policy": 1.0})


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_control_is_of_the_size_of_what_nano_uses_in_policy_mode():
    with torch.device("meta"):
        nano, control = (
            new_network(TrainConfig.load(share_path(f"config/training/{name}.yaml"))) for name in ("nano", "regression")
        )
    unused = ("decoders.0", "reader")  # what paints video and reads labels
    sizes = [
        sum(p.numel() for name, p in network.named_parameters() if not name.startswith(unused))
        for network in (nano, control)
    ]
    assert abs(sizes[1] / sizes[0] - 1) < 0.05
    assert type(control).__mro__[1] is type(nano).__mro__[1], "one trunk, one code"


def test_the_control_differs_from_nano_in_what_it_learns_and_not_in_what_it_is_shown():
    nano, control = (TrainConfig.load(share_path(f"config/training/{name}.yaml")) for name in ("nano", "regression"))
    for name in (
        "image_size",
        "frames",
        "dt",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "ema",
        "precision",
        "views",
        "still_weight",
        "full_weight_path",
        "text_dropout",
        "pose_jitter",
        "pose_jitter_mm",
        "pose_jitter_deg",
        "augment",
        "roll_deg",
        "zoom",
        "shift",
        "colour",
        "validation_fraction",
        "seed",
    ):
        assert getattr(control, name) == getattr(nano, name), name


def test_the_same_loop_trains_it_and_what_it_leaves_is_a_model_that_evaluation_drives(tmp_path, data, recipe):
    torch.set_num_threads(1)
    folder = train(
        replace(recipe, steps=30, warmup_steps=5, learning_rate=3e-3, checkpoint_every=30), data, tmp_path / "run"
    )
    losses = [row["position"] for row in rows(tmp_path / "run")]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert "policy/far_mm" in rows(tmp_path / "run")[-1] and "label/far_mm" not in rows(tmp_path / "run")[-1]
    assert [path.name[:6] for path in (tmp_path / "run" / "sheets").iterdir()] == ["policy"]
    assert ModelCard.load(folder).recipe["objective"] == "regression"
    row = run_episode("reach_target", 3, "policy", RolloutSettings(time_limit=1.0), load_policy(str(folder)))
    assert row["chunks"] > 0 and row["chunk_seconds"] > 0


def test_a_resumed_control_ends_where_an_unbroken_one_does(tmp_path, data, recipe):
    torch.set_num_threads(1)
    whole = train(recipe, data, tmp_path / "whole")
    train(replace(recipe, steps=2, decay_steps=0), data, tmp_path / "parts")
    parts = train(recipe, data, tmp_path / "parts", resume=True)
    a, b = (load_network(folder).state_dict() for folder in (whole, parts))
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)


def test_weights_of_the_other_kind_are_no_start(tmp_path, data, config, recipe):
    control = train(replace(recipe, steps=1, decay_steps=0), data, tmp_path / "control")
    with pytest.raises(ValueError, match="objective is denoiser.*PoseRegressor"):
        train(config, data, tmp_path / "run", init=control)


def test_every_objective_of_the_recipes_can_be_trained():
    from action_images_ros.training.config import OBJECTIVES as NAMES

    assert tuple(OBJECTIVES) == NAMES
