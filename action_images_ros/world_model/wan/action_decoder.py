"""A small decoder for action images: 1.7 M parameters in place of the autoencoder's 555 M.

Action images are three smooth blobs and a flat background, so a quarter of the resolution holds them. A latent frame
and the one before it (the autoencoder is causal) pass a convolutional trunk at the latents' own resolution and are
upsampled to four frames; the last step to full resolution is bilinear. The first latent frame is one image, as in the
autoencoder.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from ...policy.card import TEMPORAL_COMPRESSION

COARSE = 4


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(min(32, width // 4), width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(min(32, width // 4), width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ActionDecoder(ModelMixin, ConfigMixin):
    """Latents of action segments, in the denoiser's scale, to action images. Defaults: 1.7 M parameters.

    latent_channels: of the autoencoder. width: of the trunk, halved by each of the two upsamplings. blocks: of the
    trunk. spatial: image pixels per latent pixel, a power of two, 8 or more.
    """

    @register_to_config
    def __init__(self, latent_channels: int = 48, width: int = 128, blocks: int = 4, spatial: int = 16):
        super().__init__()
        if spatial < 2 * COARSE or spatial & (spatial - 1):
            raise ValueError(f"spatial = {spatial}: give a power of two, 8 or more")
        layers: list[nn.Module] = [nn.Conv2d(2 * latent_channels, width, 3, padding=1)]
        layers += [_Residual(width) for _ in range(blocks)]
        while spatial > COARSE:
            layers += [nn.Conv2d(width, 2 * width, 3, padding=1), nn.PixelShuffle(2), _Residual(width // 2)]
            width, spatial = width // 2, spatial // 2
        layers += [nn.SiLU(), nn.Conv2d(width, 3 * TEMPORAL_COMPRESSION, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        """float [N, 1 + k, C, h, w] -> [N, 1 + 4 k, 3, H, W], about [0, 1]; clamp before use."""
        before = torch.cat([latents[:, :1], latents[:, :-1]], dim=1)
        x = self.layers(torch.cat([before, latents], dim=2).flatten(0, 1))
        x = F.interpolate(x, scale_factor=COARSE, mode="bilinear", align_corners=False)
        x = x.unflatten(1, (TEMPORAL_COMPRESSION, 3)).unflatten(0, latents.shape[:2]).flatten(1, 2)
        return x[:, TEMPORAL_COMPRESSION - 1 :]

    @torch.inference_mode()
    def decode(self, latents: Tensor):
        """float [N, 1 + k, C, h, w] -> uint8 ndarray [N, 1 + 4 k, H, W, 3], like `Autoencoder.decode`."""
        images = self(latents.to(self.device, self.dtype)).float().clamp(0, 1)
        return (images * 255).round().to(torch.uint8).permute(0, 1, 3, 4, 2).cpu().numpy()
