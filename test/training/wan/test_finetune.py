import json

import numpy as np
import pytest
import torch
import wan_folder
from cameras import in_front
from safetensors.torch import load_file

from action_images_ros.data.episode import Episode
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.training.wan.clips import ClipMaker
from action_images_ros.training.wan.finetune import finetune
from action_images_ros.training.wan.objective import flow_loss
from action_images_ros.training.wan.settings import FinetuneSettings
from action_images_ros.world_model.wan.denoiser import WanDenoiser
from action_images_ros.world_model.wan.load import load_wan

SIZE = wan_folder.SIZE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return wan_folder.write_wan_folder(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def demonstrations():
    rng = np.random.default_rng(0)
    poses = np.tile([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (7, 1))
    poses[:, 2] -= 0.02 * np.arange(7)
    return [
        Episode(
            task="push_button",
            seed=seed,
            instruction="push the red button",
            dt=0.2,
            images=rng.integers(0, 255, (3, 7, *SIZE, 3), dtype=np.uint8),
            K=np.stack([intrinsics_from_fovy(50, *SIZE)] * 3),
            world_from_camera=np.stack([in_front(a) for a in (-0.7, 0.0, 0.7)]),
            poses=poses,
            openness=np.ones(7),
            success=True,
            camera_names=("a", "b", "c"),
        )
        for seed in range(2)
    ]


def weights(path):
    found = {}
    for file in sorted(path.glob("*.safetensors")):
        found |= load_file(file)
    return found


def losses(run):
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_lora_changes_the_blocks_alone_and_loads_as_a_denoiser(folder, demonstrations, tmp_path):
    from action_images_ros.policy.registry import load_policy

    settings = FinetuneSettings(steps=2, rank=2, alpha=2, learning_rate=0.05, warmup_steps=0)
    done = finetune(folder, demonstrations, tmp_path / "run", settings, device="cpu")
    before, after = weights(folder / "denoiser"), weights(done)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("blocks.") and name.endswith("weight") for name in changed)
    assert any("attn1.to_q" in name for name in changed) and any("cam_encoder" in name for name in changed)
    assert list((tmp_path / "run" / "lora").glob("*.safetensors"))
    assert len(load_policy(folder, settings={"denoiser": str(done)}).denoiser.blocks) == 2


def test_full_training_lowers_the_loss_and_a_resumed_run_ends_where_a_whole_one_does(folder, demonstrations, tmp_path):
    from dataclasses import replace

    settings = FinetuneSettings(method="full", steps=4, learning_rate=3e-3, warmup_steps=0, accumulate=2, save_every=2)
    whole = finetune(folder, demonstrations, tmp_path / "whole", settings, device="cpu")
    halves = tmp_path / "halves"
    finetune(folder, demonstrations, halves, replace(settings, steps=2), device="cpu")
    again = finetune(folder, demonstrations, halves, settings, device="cpu", resume=True)
    assert losses(halves) == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)
    a, b = weights(whole), weights(again)
    assert all(torch.allclose(a[name], b[name], atol=1e-5) for name in a)


def test_the_velocity_of_the_data_trained_on_is_learnt(folder, demonstrations, tmp_path):
    """The loss of one fixed batch, before and after."""
    model = load_wan(folder)
    settings = FinetuneSettings(method="full", steps=12, learning_rate=1e-2, warmup_steps=0, policy=1.0, video=0.0)
    done = finetune(folder, demonstrations[:1], tmp_path / "run", settings, device="cpu")
    made = ClipMaker(demonstrations[:1], model.autoencoder, model.card, 2, settings).make(0)

    def loss(denoiser):
        with torch.no_grad():
            text = model.text.encode("push the red button")
            return float(flow_loss(denoiser, made.clean, made.canvas, made.camera, text, 500, made.noise))

    assert loss(WanDenoiser.from_pretrained(done, local_files_only=True).eval()) < 0.95 * loss(model.denoiser)


def test_few_step_distillation_is_a_run_like_any_other(folder, demonstrations, tmp_path):
    settings = FinetuneSettings(objective="few_steps", steps=1, rank=2, few_steps=2, fine=2, policy=1.0, video=0.0)
    done = finetune(folder, demonstrations, tmp_path / "run", settings, device="cpu")
    assert weights(done).keys() == weights(folder / "denoiser").keys() and np.isfinite(losses(tmp_path / "run")).all()
    with pytest.raises(ValueError, match="few_steps.*lora"):
        FinetuneSettings(objective="few_steps", method="full")


def test_a_run_is_not_overwritten_nor_resumed_with_other_settings(folder, demonstrations, tmp_path):
    settings = FinetuneSettings(steps=1, rank=2)
    with pytest.raises(FileNotFoundError, match="without --resume"):
        finetune(folder, demonstrations, tmp_path / "run", settings, device="cpu", resume=True)
    finetune(folder, demonstrations, tmp_path / "run", settings, device="cpu")
    with pytest.raises(ValueError, match="holds a run already"):
        finetune(folder, demonstrations, tmp_path / "run", settings, device="cpu")
    with pytest.raises(ValueError, match="rank differ"):
        finetune(folder, demonstrations, tmp_path / "run", FinetuneSettings(steps=2, rank=3), device="cpu", resume=True)


def test_data_that_does_not_fit_the_model_is_refused(folder, demonstrations, tmp_path):
    from dataclasses import replace

    wrong = replace(demonstrations[0], dt=0.1)
    with pytest.raises(ValueError, match="dt = 0.1"):
        finetune(folder, [wrong], tmp_path / "run", device="cpu")
    with pytest.raises(ValueError, match="no successful episode"):
        finetune(folder, [], tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "values, words",
    [
        ({"method": "dora"}, "method = 'dora'.*lora"),
        ({"rank": 0}, "rank = 0"),
        ({"video": 2}, "video = 2"),
        ({"speed": 1}, "unknown setting speed"),
        ({"shift": 0}, "shift = 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(values, words):
    with pytest.raises(ValueError, match=words):
        FinetuneSettings.load(None, values)
