import json

import pytest
import torch
from wan_folder import CARD

from action_images_ros.paths import models_path
from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.nano.checkpoints import ModelCard
from action_images_ros.world_model.wan import load
from action_images_ros.world_model.wan import weight_files as weights
from action_images_ros.world_model.wan.load import load_wan
from action_images_ros.world_model.wan.model import WanWorldModel


@pytest.fixture
def nothing_loads(monkeypatch):
    """Fails the test when any weight is read: a refusal must come before."""

    def read(*_, **__):
        raise AssertionError("weights were read before the refusal")

    transformers = load._umt5()
    for kind in (load.WanDenoiser, load.AutoencoderKLWan, transformers.UMT5EncoderModel):
        monkeypatch.setattr(kind, "from_pretrained", read)


def test_the_card_chooses_the_backend(wan):
    assert isinstance(wan, WanWorldModel)
    assert wan.card == ModelCard(**{**CARD, "image_size": tuple(CARD["image_size"])})
    assert wan.denoiser.dtype == torch.float32 and wan.settings.steps == 2


def test_a_backend_nobody_knows_is_refused(folder, nothing_loads):
    (folder / "model_card.json").write_text(json.dumps(CARD | {"backend": "sora"}))
    with pytest.raises(ValueError, match="backend is 'sora'.*nano.*wan"):
        load_policy(folder)


def test_nano_takes_no_settings():
    with pytest.raises(ValueError, match="settings is.*only the wan backend"):
        load_policy("nano", settings={"steps": 3})


@pytest.mark.parametrize("name", ["Wan-AI/Wan2.2-TI2V-5B", "anyeZHY/ActionImages"])
def test_a_hub_name_where_a_folder_is_meant_is_told_so(name, folder, nothing_loads):
    with pytest.raises(FileNotFoundError, match=f"{name}.*hub"):
        load_policy(name)
    with pytest.raises(FileNotFoundError, match=f"vae = '{name}'.*hub name"):
        load_wan(folder, {"vae": name})


def test_parts_may_lie_elsewhere(folder, tmp_path, nothing_loads):
    (folder / "vae").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="vae = 'vae'.*README"):
        load_wan(folder)
    with pytest.raises(AssertionError, match="weights were read"):  # all checks passed
        load_wan(folder, {"vae": str(tmp_path / "elsewhere")})


def test_the_shipped_folder_has_no_weights_and_says_where_to_get_them(nothing_loads):
    with pytest.raises(FileNotFoundError, match="(denoiser|tokenizer).*README.md"):
        load_policy("wan2.2-ti2v-5b")
    assert "import-checkpoint" in (models_path("wan2.2-ti2v-5b") / "README.md").read_text()


def test_too_little_memory_is_told_before_loading(folder, nothing_loads, monkeypatch):
    monkeypatch.setattr(weights, "available_memory", lambda device: 1000)
    with pytest.raises(ValueError, match="GiB as float32.*free"):
        load_wan(folder)


@pytest.mark.parametrize(
    "spoil, words",
    [
        (
            lambda f: (f / "denoiser" / "config.json").write_text('{"_class_name": "WanTransformer3DModel"}'),
            "denoiser.*describes a WanTransformer3DModel, not a WanDenoiser",
        ),
        (lambda f: (f / "text_encoder" / "config.json").write_text('{"model_type": "bert"}'), "bert, not a umt5"),
        (lambda f: (f / "vae" / "config.json").write_text("{"), "vae.*not the right configuration"),
        (lambda f: (f / "vae" / "config.json").unlink(), "vae.*config.json is missing"),
        (lambda f: next((f / "denoiser").glob("*00003*")).write_bytes(b"short"), "00003.*truncated"),
        (lambda f: (f / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "vae.*has neither"),
        (lambda f: [p.unlink() for p in (f / "tokenizer").iterdir()], "tokenizer.*no readable tokenizer"),
    ],
)
def test_a_spoiled_part_is_named_before_anything_is_loaded(folder, nothing_loads, spoil, words):
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load_wan(folder)


def test_parts_that_do_not_fit_each_other_are_refused(folder, nothing_loads):
    from wan_folder import tiny_denoiser

    for path in (folder / "denoiser").iterdir():
        path.unlink()
    tiny_denoiser(text_dim=24).save_pretrained(folder / "denoiser")
    with pytest.raises(ValueError, match="24.*16"):
        load_wan(folder)
