"""Pixel latents: the nano model's "autoencoder".

It has the video autoencoder's temporal layout (the first image alone, then four by four), so that the canvas is the
same for every backend. Known latents keep the full resolution; the diffusion itself runs on their means over 4 x 4
pixels (`coarse`), which hold a blob of sigma 0.05 * 96 px without loss, and the denoiser generates the fine image.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ...policy.card import TEMPORAL_COMPRESSION, latent_frames
from ..canvas import CHANNELS, COARSE, Canvas

__all__ = ["CHANNELS", "COARSE", "coarse", "decode", "encode", "on_canvas"]


def encode(images: torch.Tensor) -> torch.Tensor:
    """images: [..., T, H, W, 3] uint8 or float in [0, 1] -> latents [..., 1 + k, 12, H, W] in [-1, 1]."""
    frames = images.shape[-4]
    n = latent_frames(frames) if frames > 1 else 1
    scaled = images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images.float() * 2 - 1
    planes = scaled.movedim(-1, -3)  # [..., T, 3, H, W]
    first = planes[..., :1, :, :, :]
    padded = torch.cat([first] * TEMPORAL_COMPRESSION + [planes[..., 1:, :, :, :]], dim=-4)
    return padded.unflatten(-4, (n, TEMPORAL_COMPRESSION)).flatten(-4, -3)


def decode(latents: torch.Tensor) -> torch.Tensor:
    """latents: [..., 1 + k, 12, H, W] -> images [..., T, H, W, 3] uint8."""
    planes = latents.unflatten(-3, (TEMPORAL_COMPRESSION, 3)).flatten(-5, -4)
    planes = planes[..., TEMPORAL_COMPRESSION - 1 :, :, :, :].movedim(-3, -1)
    return ((planes.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def on_canvas(segments: dict[int, torch.Tensor], canvas: Canvas, frames: list[int]) -> torch.Tensor:
    """Latent frames of whole segments {modality: [B, V, 1 + k, ...]} at these canvas positions: [B, n, ...]."""
    return torch.stack([segments[canvas.modality[f]][:, canvas.view[f], canvas.time[f]] for f in frames], dim=1)


def coarse(latents: torch.Tensor) -> torch.Tensor:
    """latents: [..., 12, H, W] -> [..., 12, H/4, W/4], what the diffusion noises."""
    return F.avg_pool2d(latents.flatten(0, -4), COARSE).unflatten(0, latents.shape[:-3])
