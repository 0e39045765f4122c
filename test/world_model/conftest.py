import pytest
import torch

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.nano.denoiser import NanoDenoiser


@pytest.fixture(scope="session")
def tiny():
    """A small denoiser with random weights."""
    torch.manual_seed(0)
    return NanoDenoiser(
        width=24,
        layers=1,
        heads=2,
        quarter_channels=8,
        eighth_channels=8,
        condition=16,
        video_channels=8,
        reader_channels=8,
    ).eval()


@pytest.fixture
def inputs():
    """Random inputs of a mode: keyword arguments of the denoiser."""

    def make(mode="policy", views=2, frames=9, batch=2, size=(32, 48), known_pose=True, seed=0):
        canvas = build_canvas(mode, views, frames, known_pose)
        g = torch.Generator().manual_seed(seed)
        h, w = size[0] // 4, size[1] // 4
        text = torch.randn(batch, 24, 384, generator=g)
        text[:, 9:] = 0
        return {
            "known": torch.rand(batch, len(canvas.conditioning), 12, *size, generator=g) * 2 - 1,
            "noised": torch.randn(batch, len(canvas.targets()), 12, h, w, generator=g),
            "noise_level": torch.ones(batch, len(canvas.targets())),
            "canvas": canvas,
            "rays": torch.randn(batch, views, 6, h, w, generator=g),
            "text": text,
        }

    return make
