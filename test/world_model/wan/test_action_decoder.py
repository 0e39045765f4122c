import numpy as np
import pytest
import torch

from action_images_ros.world_model.wan.action_decoder import ActionDecoder


def test_the_default_has_less_than_two_million_parameters():
    with torch.device("meta"):
        assert 1e6 < sum(p.numel() for p in ActionDecoder().parameters()) < 2e6


def test_it_has_the_shapes_and_the_causality_of_the_autoencoder():
    model = ActionDecoder(latent_channels=4, width=16, blocks=1).eval()
    latents = torch.randn(2, 3, 4, 2, 4)
    images = model.decode(latents)
    assert images.shape == (2, 9, 32, 64, 3) and images.dtype == np.uint8
    changed = latents.clone()
    changed[:, 2] += 1
    assert np.array_equal(model.decode(changed)[:, :5], images[:, :5])
    assert np.array_equal(model.decode(latents[:, :2]), images[:, :5])
    assert not np.array_equal(model.decode(changed)[:, 5:], images[:, 5:])


def test_a_saved_decoder_comes_back(tmp_path):
    model = ActionDecoder(latent_channels=4, width=16, blocks=1).eval()
    model.save_pretrained(tmp_path)
    again = ActionDecoder.from_pretrained(tmp_path, local_files_only=True, low_cpu_mem_usage=False).eval()
    latents = torch.randn(1, 2, 4, 2, 2)
    assert np.array_equal(again.decode(latents), model.decode(latents))


def test_a_scale_it_cannot_have_is_refused():
    with pytest.raises(ValueError, match="spatial = 12"):
        ActionDecoder(spatial=12)
