import pytest
import torch
from safetensors.torch import load_file, save_file

from action_images_ros.world_model.nano.checkpoints import CONFIG, WEIGHTS, ModelCard, load_denoiser, save_model

CARD = ModelCard(name="tiny", image_size=(32, 48), frames=9, dt=0.2, tasks=("reach_target",))


@pytest.fixture
def folder(tmp_path, tiny):
    save_model(tmp_path, tiny, CARD)
    return tmp_path


def test_a_saved_model_computes_the_same_after_loading(folder, tiny, inputs):
    given = inputs("policy")
    with torch.no_grad():
        assert torch.equal(load_denoiser(folder)(**given)[1], tiny(**given)[1])


def test_a_model_that_began_with_another_does_not_tell_where_that_lay(folder, tmp_path):
    loaded = load_denoiser(folder)
    again = type(loaded).from_config(loaded.config)  # as a training publishes its averaged weights
    for model in (loaded, again):
        save_model(tmp_path / "later", model, CARD)
        assert str(tmp_path) not in (tmp_path / "later" / CONFIG).read_text()
        assert (tmp_path / "later" / CONFIG).read_text() == (folder / CONFIG).read_text()


def test_missing_files_are_named(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(FileNotFoundError, match=WEIGHTS):
        load_denoiser(folder)


def test_weights_that_do_not_fit_are_listed_and_nothing_is_loaded(folder):
    weights = load_file(folder / WEIGHTS)
    weights["norm_out.weight"] = torch.zeros(7)
    del weights["norm_out.bias"]
    weights["surprise"] = torch.zeros(1)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ValueError, match="norm_out.weight.*(7,).*") as error:
        load_denoiser(folder)
    assert "missing" in str(error.value) and "surprise: unknown" in str(error.value)


def test_truncated_weights_are_refused(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="copy it again"):
        load_denoiser(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(folder, value):
    path = folder / WEIGHTS
    tensors = load_file(path)
    save_file({name: torch.full_like(tensor, value) for name, tensor in tensors.items()}, path)
    with pytest.raises(ValueError, match="not finite"):
        load_denoiser(folder)
