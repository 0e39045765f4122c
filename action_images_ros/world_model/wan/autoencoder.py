"""Video to latents and back with `AutoencoderKLWan`, each segment by itself, in the scale of the denoiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor


class Autoencoder:
    """Latents are means of the encoder, less `latents_mean`, over `latents_std` (both of the autoencoder's config)."""

    def __init__(self, vae: AutoencoderKLWan):
        self.vae = vae.eval().requires_grad_(False)
        self._mean, self._std = (
            torch.tensor(values, dtype=torch.float32, device=vae.device).view(-1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )

    @property
    def scale(self) -> int:
        """Image pixels per latent pixel."""
        return self.vae.config.scale_factor_spatial

    def encode(self, segments: Tensor) -> Tensor:
        """float [N, T, H, W, 3] in [-1, 1] -> float32 [N, 1 + k, C, H / 16, W / 16]; T = 1 + 4 k, 1 included."""
        planes = segments.movedim(-1, 1).to(self.vae.device, self.vae.dtype)
        latents = [self.vae.encode(segment[None]).latent_dist.mode()[0] for segment in planes]
        return (torch.stack(latents).float().transpose(1, 2) - self._mean) / self._std

    def decode(self, latents: Tensor) -> np.ndarray:
        """float [N, 1 + k, C, h, w] -> uint8 [N, 1 + 4 k, 16 h, 16 w, 3]."""
        raw = (latents.to(self.vae.device).float() * self._std + self._mean).transpose(1, 2).to(self.vae.dtype)
        images = []
        for segment in raw:
            planes = self.vae.decode(segment[None]).sample[0].float().clamp(-1, 1)
            images.append(((planes + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).cpu())
        return torch.stack(images).numpy()


def load_autoencoder(folder: Path, device: torch.device | str = "cpu") -> Autoencoder:
    """An autoencoder alone, float32, from its folder; FileNotFoundError where that has none."""
    if not (Path(folder) / "config.json").is_file():
        raise FileNotFoundError(f"{folder} has no config.json: give the autoencoder's folder")
    return Autoencoder(AutoencoderKLWan.from_pretrained(folder, local_files_only=True).to(device))
