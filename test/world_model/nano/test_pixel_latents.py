import pytest
import torch

from action_images_ros.world_model.nano import pixel_latents


@pytest.mark.parametrize("frames", [1, 5, 9, 41])
def test_decoding_gives_back_the_images_exactly(frames):
    images = torch.randint(0, 256, (2, 3, frames, 16, 32, 3), dtype=torch.uint8)
    latents = pixel_latents.encode(images)
    assert latents.shape == (2, 3, 1 + (frames - 1) // 4, 12, 16, 32)
    assert torch.equal(pixel_latents.decode(latents), images)


def test_first_latent_holds_the_first_image_alone():
    images = torch.rand(5, 16, 16, 3)
    first = pixel_latents.encode(images)[0].unflatten(0, (4, 3))
    assert all(torch.equal(first[0], first[i]) for i in range(4))


def test_coarse_latents_are_means_of_four_by_four_pixels():
    latents = torch.rand(2, 5, 12, 16, 32)
    coarse = pixel_latents.coarse(latents)
    assert coarse.shape == (2, 5, 12, 4, 8)
    assert torch.allclose(coarse[1, 2, 3, 1, 2], latents[1, 2, 3, 4:8, 8:12].mean())
