import pytest
import torch

from action_images_ros.paths import share_path
from action_images_ros.training.config import TrainConfig
from action_images_ros.training.objectives import new_network
from action_images_ros.world_model.nano.denoiser import NanoDenoiser

RECIPES = sorted(share_path("config/training").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_valid_and_makes_a_model(path):
    recipe = TrainConfig.load(path)
    with torch.device("meta"):
        model = new_network(recipe)
    assert any(name.startswith(recipe.train_only or ("",)) for name, _ in model.named_parameters())
    # So that two GPUs, and micro-batches, can share a batch.
    assert recipe.batch_size % 4 == 0


def test_recipes_are_of_the_sizes_they_promise():
    def parameters(name):
        with torch.device("meta"):
            model = NanoDenoiser(**TrainConfig.load(share_path(f"config/training/{name}.yaml")).model)
        return sum(p.numel() for p in model.parameters()) / 1e6

    assert parameters("pico") < 1.5 < parameters("nano") < 4 < 20 < parameters("small") < 26


@pytest.mark.parametrize("name", ["nano_near", "nano_images", "nano_reader", "finetune", "finetune_corrected"])
def test_later_stages_take_the_model_of_the_first(name):
    first, later = (TrainConfig.load(share_path(f"config/training/{n}.yaml")) for n in ("nano", name))
    assert not {"model", "image_size", "frames", "dt"} & set(first.changes(later))


def test_a_recipe_takes_from_its_base_what_it_does_not_say(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "first.yaml").write_text("steps: 2000\nbatch_size: 7\nmodes: {policy: 0.5, label: 0.5}\n")
    (tmp_path / "sub" / "second.yaml").write_text("base: ../first.yaml\nsteps: 900\nmodes: {world: 1.0}\n")
    recipe = TrainConfig.load(tmp_path / "sub" / "second.yaml", decay_steps=10)
    assert (recipe.steps, recipe.batch_size, recipe.modes, recipe.decay_steps) == (900, 7, {"world": 1.0}, 10)


def test_bases_that_are_missing_or_lead_back_are_named(tmp_path):
    for name, base in (("a", "b"), ("b", "a"), ("c", "none")):
        (tmp_path / f"{name}.yaml").write_text(f"base: {base}.yaml\n")
    with pytest.raises(ValueError, match="a.yaml.*b.yaml"):
        TrainConfig.load(tmp_path / "a.yaml")
    with pytest.raises(FileNotFoundError, match="none.yaml.*c.yaml"):
        TrainConfig.load(tmp_path / "c.yaml")


def test_a_file_that_is_no_recipe_is_named(tmp_path):
    for text in ("steps: [1", "- steps"):
        (tmp_path / "r.yaml").write_text(text)
        with pytest.raises(ValueError, match="r.yaml"):
            TrainConfig.load(tmp_path / "r.yaml")


def test_changes_are_told_by_key_with_both_values():
    first = TrainConfig(steps=1000)
    assert first.changes(first) == {}
    assert first.changes(TrainConfig(steps=2000, ema=0.9)) == {"steps": (1000, 2000), "ema": (0.998, 0.9)}


def test_unknown_keys_are_named_with_the_known_ones(tmp_path):
    (tmp_path / "r.yaml").write_text("stepz: 3\n")
    with pytest.raises(ValueError, match="stepz.*steps"):
        TrainConfig.load(tmp_path / "r.yaml")


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.yaml"):
        TrainConfig.load(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    "values",
    [
        {"frames": 10},
        {"image_size": (90, 96)},
        {"modes": {"dream": 1.0}},
        {"precision": "half"},
        {"batch_size": 0},
        {"steps": 10, "decay_steps": 20},
        {"objective": "dream"},
        {"objective": "regression"},
        {"pose_weights": {"position": 1.0}},
        {"accumulate": 0},
        {"batch_size": 9, "accumulate": 2},
    ],
)
def test_impossible_values_are_refused(values):
    with pytest.raises(ValueError):
        TrainConfig(**values)


def test_the_learning_rate_warms_up_stays_and_decays_to_zero():
    recipe = TrainConfig(steps=100, decay_steps=20, warmup_steps=10, learning_rate=1.0)
    rates = [recipe.learning_rate_at(s) for s in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[80] == 1.0
    assert rates[100] == 0.0 and rates[90] == pytest.approx(0.5)
