import numpy as np
import pytest
import torch
from wan_folder import tiny_vae

from action_images_ros.world_model.wan.autoencoder import Autoencoder


@pytest.fixture(scope="module")
def autoencoder():
    return Autoencoder(tiny_vae())


@torch.inference_mode()
def test_each_segment_is_encoded_by_itself(autoencoder):
    videos = torch.rand(2, 5, 32, 64, 3) * 2 - 1
    both = autoencoder.encode(videos)
    assert both.shape == (2, 2, 4, 2, 4) and both.dtype == torch.float32
    assert torch.allclose(both[1:], autoencoder.encode(videos[1:]), atol=1e-5)


@torch.inference_mode()
def test_the_first_latent_is_that_of_the_first_image_alone(autoencoder):
    videos = torch.rand(1, 9, 32, 64, 3) * 2 - 1
    assert torch.allclose(autoencoder.encode(videos)[:, :1], autoencoder.encode(videos[:, :1]), atol=1e-5)


@torch.inference_mode()
def test_latents_are_scaled_by_the_autoencoders_own_mean_and_deviation(autoencoder):
    videos = torch.rand(1, 5, 32, 64, 3) * 2 - 1
    raw = autoencoder.vae.encode(videos.movedim(-1, 1)).latent_dist.mode()
    mean, std = (torch.tensor(autoencoder.vae.config[key])[:, None, None] for key in ("latents_mean", "latents_std"))
    assert torch.allclose(autoencoder.encode(videos)[0] * std + mean, raw[0].transpose(0, 1), atol=1e-5)


@torch.inference_mode()
def test_decoding_undoes_the_scale_and_gives_pictures(autoencoder):
    raw = torch.randn(1, 4, 2, 2, 4)
    mean, std = (torch.tensor(autoencoder.vae.config[key])[:, None, None] for key in ("latents_mean", "latents_std"))
    images = autoencoder.decode((raw[0].transpose(0, 1)[None] - mean) / std)
    wanted = (autoencoder.vae.decode(raw).sample.clamp(-1, 1) + 1) * 127.5
    assert images.shape == (1, 5, 32, 64, 3) and images.dtype == np.uint8
    assert np.abs(images[0] - wanted[0].permute(1, 2, 3, 0).numpy()).max() <= 0.51
