import json
from dataclasses import replace

import pytest
import torch

from action_images_ros.data.episode import append_index, save_episode
from action_images_ros.training.train import split_episodes, train
from action_images_ros.world_model.checkpoints import ModelCard, load_denoiser


@pytest.fixture
def data(tmp_path, episodes):
    folder = tmp_path / "data"
    folder.mkdir()
    for episode in episodes:
        append_index(folder, {"file": save_episode(folder, episode).name, "task": episode.task, "seed": episode.seed})
    return folder


def weights(folder):
    return load_denoiser(folder).state_dict()


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path, data, config):
    torch.set_num_threads(1)
    whole = train(config, data, tmp_path / "whole")
    train(replace(config, steps=2, decay_steps=0), data, tmp_path / "parts")
    parts = train(config, data, tmp_path / "parts", resume=True)
    a, b = weights(whole), weights(parts)
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in a)


def test_a_run_leaves_everything_a_person_needs(tmp_path, data, config):
    folder = train(config, data, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in rows] == [1, 2, 3, 4]
    assert {"policy/far_mm", "label/near_mm"} <= set(rows[-1])
    assert {p.name[:5] for p in (tmp_path / "run" / "sheets").iterdir()} == {"polic", "joint"}
    card = ModelCard.load(folder)
    assert card.recipe["trained_steps"] == 4 and card.data["episodes"] == 4 and card.tasks == ("reach_target",)


def test_training_lowers_the_loss(tmp_path, data, config):
    train(replace(config, steps=40, warmup_steps=5, learning_rate=3e-3, modes={"policy": 1.0}, checkpoint_every=40),
          data, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    first, last = (sum(r["intensity"] for r in part) for part in (rows[:5], rows[-5:]))
    assert last < 0.7 * first


def test_an_existing_run_is_never_overwritten(tmp_path, data, config):
    train(replace(config, steps=1), data, tmp_path / "run")
    with pytest.raises(ValueError, match="--resume"):
        train(config, data, tmp_path / "run")


def test_nothing_to_resume_is_said(tmp_path, data, config):
    with pytest.raises(FileNotFoundError, match="without --resume"):
        train(config, data, tmp_path / "run", resume=True)


def test_a_folder_without_episodes_is_refused(tmp_path, config):
    (tmp_path / "empty").mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match="collect"):
        train(config, tmp_path / "empty", tmp_path / "run")


def test_held_out_episodes_are_not_trained_on(episodes):
    training, held = split_episodes(episodes, 0.4)
    assert held and not {e.seed for e in training} & {e.seed for e in held}


def test_only_the_named_part_is_trained(tmp_path, data, config):
    first = train(config, data, tmp_path / "first")
    video = replace(config, train_only="decoders.0", modes={"world": 1.0}, learning_rate=1e-2)
    before, after = weights(first), weights(train(video, data, tmp_path / "second", init=first))
    for name, value in before.items():
        if not name.startswith("decoders.0"):
            assert torch.equal(after[name], value), name
    assert any(not torch.equal(after[n], before[n]) for n in before if n.startswith("decoders.0"))


def test_a_part_that_does_not_exist_is_refused_with_the_parts_there_are(tmp_path, data, config):
    with pytest.raises(ValueError, match="train_only = 'nose'.*decoders"):
        train(replace(config, train_only="nose"), data, tmp_path / "run")
