from dataclasses import replace

import pytest

from action_images_ros.paths import models_path
from action_images_ros.policy.card import ModelCard
from action_images_ros.training.wan.memory import GIB, memory_plan, standard_plans
from action_images_ros.training.wan.settings import FinetuneSettings

CARD = ModelCard.load(models_path("wan2.2-ti2v-5b"))


def test_full_training_counts_every_parameter_in_float32_four_times():
    plan = memory_plan(FinetuneSettings(method="full"), CARD)
    assert plan.trained == 6_415_549_632
    assert plan.gradients == pytest.approx(4 * plan.trained / GIB)
    assert plan.optimiser == pytest.approx(2 * plan.gradients)
    assert not plan.fits  # one card of 80 GB


def test_eight_cards_share_what_is_trained():
    one, eight = (memory_plan(FinetuneSettings(method="full"), CARD, gpus=n) for n in (1, 8))
    assert eight.optimiser == pytest.approx(one.optimiser / 8) and eight.activations == one.activations
    assert eight.fits


def test_recomputing_saves_activations_and_batches_cost_them():
    settings = FinetuneSettings()
    plan = memory_plan(settings, CARD)
    assert memory_plan(replace(settings, checkpointing=False), CARD).activations > 4 * plan.activations
    assert memory_plan(replace(settings, batch_size=4), CARD).activations == pytest.approx(4 * plan.activations)


def test_there_is_a_way_on_each_of_the_three_machines():
    fitting = {(plan.gpus, round(plan.capacity * GIB / 1e9)) for plan in standard_plans(CARD) if plan.fits}
    assert fitting == {(1, 24), (1, 80), (8, 80)}
