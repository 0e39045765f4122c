from dataclasses import replace

import pytest
import torch

from action_images_ros.training.batches import BatchMaker
from action_images_ros.training.trainer import Trainer
from action_images_ros.training.windows import WindowSampler


@pytest.fixture
def batch(episodes, config, encode_text):
    return BatchMaker(WindowSampler(episodes, config), encode_text, config).make(0, modes={"policy": 1.0}).unpack()


def test_the_average_follows_the_weights_slowly(batch, config):
    trainer = Trainer(replace(config, ema=0.9))
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.advance([batch])
    decay = min(0.9, 2 / 11)
    averaged = trainer.averaged().state_dict()
    for name, parameter in trainer.model.named_parameters():
        torch.testing.assert_close(averaged[name], before[name] + (1 - decay) * (parameter.detach() - before[name]))
    assert any(not torch.equal(averaged[name], p) for name, p in trainer.model.named_parameters())


def test_a_trainer_goes_on_where_another_one_was_saved(batch, config, tmp_path):
    trainer, other = Trainer(config), Trainer(replace(config, seed=5))
    trainer.advance([batch])
    trainer.figures = {"step": 1}
    trainer.save(tmp_path / "checkpoint.pt")
    other.load(tmp_path / "checkpoint.pt")
    assert (other.step, other.figures) == (1, {"step": 1})
    assert trainer.advance([batch]) == other.advance([batch])
    for a, b in zip(trainer.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert all(torch.equal(a, b) for a, b in zip(trainer.average, other.average, strict=True))
    assert {p.name for p in tmp_path.iterdir()} == {"checkpoint.pt"}


def test_a_loss_that_is_not_finite_ends_the_training_before_the_weights_are_spoilt(batch, config):
    trainer = Trainer(config)
    before = [p.detach().clone() for p in trainer.model.parameters()]
    batch.known[0] = float("nan")
    with pytest.raises(RuntimeError, match="nan.*learning_rate"):
        trainer.advance([batch])
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))
