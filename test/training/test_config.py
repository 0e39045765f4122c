import pytest

from action_images_ros.paths import share_path
from action_images_ros.training.config import TrainConfig
from action_images_ros.world_model.denoiser import NanoDenoiser


def test_the_shipped_recipe_is_valid_and_fits_the_model():
    recipe = TrainConfig.load(share_path("config/training/nano.yaml"))
    assert recipe.frames == 9 and recipe.image_size == (96, 96)
    NanoDenoiser(**recipe.model)


def test_unknown_keys_are_named_with_the_known_ones(tmp_path):
    (tmp_path / "r.yaml").write_text("stepz: 3\n")
    with pytest.raises(ValueError, match="stepz.*steps"):
        TrainConfig.load(tmp_path / "r.yaml")


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.yaml"):
        TrainConfig.load(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("values", [
    {"frames": 10}, {"image_size": (90, 96)}, {"modes": {"dream": 1.0}}, {"precision": "half"}, {"batch_size": 0},
    {"steps": 10, "decay_steps": 20}, {"objective": "dream"}, {"objective": "regression"},
    {"pose_weights": {"position": 1.0}}])
def test_impossible_values_are_refused(values):
    with pytest.raises(ValueError):
        TrainConfig(**values)


def test_the_learning_rate_warms_up_stays_and_decays_to_zero():
    recipe = TrainConfig(steps=100, decay_steps=20, warmup_steps=10, learning_rate=1.0)
    rates = [recipe.learning_rate_at(s) for s in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[80] == 1.0
    assert rates[100] == 0.0 and rates[90] == pytest.approx(0.5)
