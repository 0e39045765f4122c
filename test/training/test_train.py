import json
import multiprocessing
import signal
from dataclasses import replace

import pytest
import torch

from action_images_ros.training.train import load_initial, train
from action_images_ros.training.trainer import Trainer
from action_images_ros.world_model.nano.checkpoints import ModelCard, load_denoiser


@pytest.fixture
def data(episode_folder, quick_validation):
    return episode_folder


def weights(folder):
    return load_denoiser(folder).state_dict()


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def interrupt(monkeypatch):
    """interrupt(step): this process gets a SIGINT, as from Ctrl-C, in that step."""
    advance = Trainer.advance

    def at(step):
        def interrupted(trainer, batches):
            if trainer.step + 1 == step:
                signal.raise_signal(signal.SIGINT)
            return advance(trainer, batches)

        monkeypatch.setattr(Trainer, "advance", interrupted)

    return at


def test_without_a_compiler_a_run_says_so_and_goes_uncompiled(tmp_path, data, config, monkeypatch, capfd):
    monkeypatch.setenv("CXX", "no-such-compiler")
    torch._dynamo.reset()
    run = train(replace(config, compile=True), data, tmp_path / "run", workers=0)
    assert "no C++ compiler" in capfd.readouterr().err and rows(tmp_path / "run")[-1]["step"] == config.steps
    assert all(torch.isfinite(value).all() for value in weights(run).values())


@pytest.mark.parametrize("accumulate, stop", [(1, 1), (3, 2)])
def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(tmp_path, data, config, interrupt, accumulate, stop):
    torch.set_num_threads(1)
    config = replace(config, accumulate=accumulate)
    whole = train(config, data, tmp_path / "whole", workers=0)
    before = set(multiprocessing.active_children())
    interrupt(stop)
    with pytest.raises(SystemExit) as end:
        train(config, data, tmp_path / "parts", workers=1)
    assert set(multiprocessing.active_children()) <= before, "its loaders have ended"
    assert end.value.code == 128 + signal.SIGINT and rows(tmp_path / "parts")[-1]["step"] == stop
    interrupt(0)
    parts = train(config, data, tmp_path / "parts", resume=True, workers=0)
    a, b = weights(whole), weights(parts)
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert [r["step"] for r in rows(tmp_path / "parts")] == [1, 2, 3, 4]


def test_micro_batches_train_as_the_whole_batch_does(tmp_path, data, config):
    whole, parts = (train(replace(config, accumulate=n), data, tmp_path / str(n), workers=0) for n in (1, 3))
    for a, b in zip(rows(whole.parent), rows(parts.parent), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4) and b["mode"] == a["mode"]


def test_a_run_leaves_everything_a_person_needs(tmp_path, data, config):
    folder = train(config, data, tmp_path / "run")
    found = rows(tmp_path / "run")
    assert [r["step"] for r in found] == [1, 2, 3, 4]
    assert all(r["samples_per_second"] > 0 and r["device"] == "cpu" and r["samples"] == 3 * r["step"] for r in found)
    assert {"policy/far_mm", "label/near_mm"} <= set(found[-1])
    assert {p.name[:5] for p in (tmp_path / "run" / "sheets").iterdir()} == {"polic", "joint"}
    card = ModelCard.load(folder)
    assert card.recipe["trained_steps"] == 4 and card.data["episodes"] == 4 and card.tasks == ("reach_target",)
    assert card.figures["step"] == 4 and "label/near_mm" in card.figures["validation"]
    assert "reach_target" in (folder / "README.md").read_text()


def test_training_lowers_the_loss(tmp_path, data, config):
    train(
        replace(config, steps=40, warmup_steps=5, learning_rate=3e-3, modes={"policy": 1.0}, checkpoint_every=40),
        data,
        tmp_path / "run",
    )
    found = rows(tmp_path / "run")
    first, last = (sum(r["intensity"] for r in part) for part in (found[:5], found[-5:]))
    assert last < 0.7 * first


def test_a_resumed_run_says_what_changed_in_the_recipe_and_keeps_the_former_one(tmp_path, data, config, capsys):
    train(replace(config, steps=2, decay_steps=0), data, tmp_path / "run")
    train(config, data, tmp_path / "run", resume=True)
    assert "from step 2 on: steps 2 -> 4, decay_steps 0 -> 1" in capsys.readouterr().err
    assert {p.name for p in (tmp_path / "run").glob("*.yaml")} == {"config.yaml", "config_until_000002.yaml"}
    assert "steps: 2\n" in (tmp_path / "run" / "config_until_000002.yaml").read_text()


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


def test_only_the_named_part_is_trained(tmp_path, data, config):
    first = train(config, data, tmp_path / "first")
    video = replace(config, train_only=("decoders.0", "reader"), modes={"world": 1.0}, learning_rate=1e-2)
    before, after = weights(first), weights(train(video, data, tmp_path / "second", init=first))
    for name, value in before.items():
        if not name.startswith("decoders.0"):
            assert torch.equal(after[name], value), name
    assert any(not torch.equal(after[n], before[n]) for n in before if n.startswith("decoders.0"))


def test_a_part_that_does_not_exist_is_refused_with_the_parts_there_are(tmp_path, data, config):
    with pytest.raises(ValueError, match="train_only = \\('nose',\\).*decoders"):
        train(replace(config, train_only="nose"), data, tmp_path / "run")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"dt": 0.1}, "dt is 0.2 there and 0.1"),
        ({"model": {"width": 48}}, "model.width is 24 there and 48"),
        ({"image_size": (32, 32)}, "image_size"),
    ],
)
def test_a_model_that_does_not_fit_the_recipe_is_no_beginning(tmp_path, data, config, change, words):
    first = train(replace(config, steps=1), data, tmp_path / "first", workers=0)
    with pytest.raises(ValueError, match=words):
        load_initial(first, replace(config, **change))


def test_two_folders_are_mixed_as_asked_and_the_card_says_how(tmp_path, data, config):
    folder = train(config, [data, data], tmp_path / "run", shares=[3, 1], workers=0)
    assert [source["share"] for source in ModelCard.load(folder).data["sources"]] == [0.75, 0.25]
