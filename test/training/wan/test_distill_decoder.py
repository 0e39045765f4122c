import json

import numpy as np
import pytest
import torch
from wan_folder import tiny_vae

from action_images_ros.training.wan.distill_decoder import (
    DistillSettings,
    decoded_error,
    distill,
    moving_actions,
    weighted_error,
)
from action_images_ros.world_model.wan.action_decoder import ActionDecoder
from action_images_ros.world_model.wan.autoencoder import Autoencoder

SIZE = (32, 32)


@pytest.fixture(scope="module")
def teacher():
    return Autoencoder(tiny_vae())


def test_the_drawn_actions_move_and_are_seen_by_every_camera():
    images, K, E, poses, openness = moving_actions(np.random.default_rng(0), 9, (96, 96), views=2)
    assert images.shape == (2, 9, 96, 96, 3) and images.max() <= 1
    assert (images.max((2, 3)) > 0.8).all()  # all three blobs, in every frame of every view
    assert np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1).min() > 0
    assert set(openness) <= {0.0, 1.0}


def test_blobs_count_more_than_background():
    wanted = torch.zeros(1, 1, 3, 2, 2)
    wanted[..., 0, 0] = 1
    wrong_blob, wrong_ground = wanted.clone(), wanted.clone()
    wrong_blob[..., 0, 0] = 0
    wrong_ground[..., 1, 1] = 1
    ground = float(weighted_error(wrong_ground, wanted, 8.0))
    assert weighted_error(wrong_blob, wanted, 8.0) == pytest.approx(9 * ground)


@pytest.mark.parametrize("target", ["codec", "autoencoder"])
def test_the_loss_falls_and_what_is_written_can_be_loaded(teacher, tmp_path, target):
    lines = []
    settings = DistillSettings(SIZE, frames=5, steps=20, batch=2, learning_rate=3e-3, noise=0.1, target=target)
    student = distill(teacher, settings, tmp_path, width=16, blocks=1, progress=lines.append)
    first, last = (float(line.split()[-1]) for line in (lines[0], lines[-1]))
    assert last < first  # of the mean of all steps so far
    facts = json.loads((tmp_path / "distilled.json").read_text())
    assert facts["steps"] == 20 and facts["target"] == target
    again = ActionDecoder.from_pretrained(tmp_path, local_files_only=True, low_cpu_mem_usage=False).eval()
    latents = torch.randn(1, 2, 4, 2, 2)
    assert np.array_equal(again.decode(latents), student.decode(latents))


def test_a_perfect_decoder_has_no_decoded_error(teacher):
    settings = DistillSettings((96, 96), frames=5)

    class Perfect:
        calls = 0

        def decode(self, latents):
            rng = np.random.default_rng(10_000 + self.calls)
            self.calls += 1
            return (moving_actions(rng, 5, (96, 96), 2)[0] * 255).round().astype(np.uint8)

    found = decoded_error(teacher, Perfect(), settings, clips=1)
    assert found["position_mm"] < 0.5 and found["openness_right"] == 1 and found["valid"] == 1


def test_settings_that_make_no_sense_are_named():
    with pytest.raises(ValueError, match="target = 'vae'.*codec"):
        DistillSettings(target="vae")
    with pytest.raises(ValueError, match="frames = 16"):
        DistillSettings(frames=16)
