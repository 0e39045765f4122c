"""The nano denoiser: diffusers' Wan transformer blocks between a convolutional stem and a convolutional decoder.

What makes a small model see (measured, see docs/training.md): the stem turns every *known* frame into features, and
each token of the same view is given the features at its own place in the image ("aligned features"), of its own time
where that frame is known, of the first frame otherwise. The decoder draws each generated frame from its tokens with
skips from the same features. Words act on the stem and decoder (FiLM) and by cross-attention. Cameras enter as
Pluecker rays per token and carry no index, so that any number of views and any placement may be used.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan import (
    WanRotaryPosEmbed,
    WanTimeTextImageEmbedding,
    WanTransformerBlock,
)
from torch import Tensor, nn
from torch.nn import functional as F

from action_images_ros.world_model.canvas import ACTION, PATCH, TEMPORAL_COMPRESSION, VIDEO, Canvas
from action_images_ros.world_model.pixel_latents import CHANNELS, COARSE

RAY_CHANNELS = 6
FRAME_CHANNELS = 16
ACTION_SCALE = 2  # action images are painted at half the resolution; their Gaussians lose nothing by it


class FiLM(nn.Module):
    """Scale and shift of a feature map by the instruction."""

    def __init__(self, condition: int, channels: int):
        super().__init__()
        self.linear = nn.Linear(condition, 2 * channels)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.linear(condition)[..., None, None].chunk(2, dim=1)
        return torch.addcmul(shift, x, 1 + scale)


class ConvBlock(nn.Module):
    """Convolution, group norm, FiLM, SiLU; residual where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, condition: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.norm = nn.GroupNorm(8, outputs)
        self.film = FiLM(condition, outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = F.silu(self.film(self.norm(self.conv(x)), condition))
        return x + y if self.residual else y


class Stem(nn.Module):
    """Known latent frames -> feature maps at 1/4, 1/8 and 1/16 of the image."""

    def __init__(self, quarter: int, eighth: int, token: int, condition: int):
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(3, FRAME_CHANNELS, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv2d(FRAME_CHANNELS, FRAME_CHANNELS, 3, stride=2, padding=1),
            nn.SiLU(),
        )
        merged = FRAME_CHANNELS * TEMPORAL_COMPRESSION + RAY_CHANNELS
        self.quarter = nn.ModuleList([ConvBlock(merged, quarter, condition), ConvBlock(quarter, quarter, condition)])
        self.eighth = nn.ModuleList(
            [ConvBlock(quarter, eighth, condition, stride=2), ConvBlock(eighth, eighth, condition)]
        )
        self.token = nn.Conv2d(eighth, token, 3, stride=2, padding=1)

    def forward(self, latents: Tensor, time: np.ndarray, rays: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """latents: [B, n, 12, H, W]; time: [n]; rays: [B, n, 6, H/4, W/4]; condition: [B, C] -> maps [B, n, ...]."""
        batch, n = latents.shape[:2]
        images = latents.unflatten(2, (TEMPORAL_COMPRESSION, 3))
        still, moving = np.flatnonzero(time == 0).tolist(), np.flatnonzero(time > 0).tolist()
        parts = []  # the first latent frame holds one image four times: look at it once
        if still:
            seen = self.frame(images[:, still, 0].flatten(0, 1))
            parts.append(seen.repeat(1, TEMPORAL_COMPRESSION, 1, 1).unflatten(0, (batch, len(still))))
        if moving:
            seen = self.frame(images[:, moving].flatten(0, 2))
            parts.append(seen.unflatten(0, (batch, len(moving), TEMPORAL_COMPRESSION)).flatten(2, 3))
        order = np.argsort(still + moving).tolist()
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)[:, order]
        x = torch.cat([x, rays.to(x.dtype)], dim=2).flatten(0, 1)
        condition = condition.repeat_interleave(n, 0)
        for block in self.quarter:
            x = block(x, condition)
        y = x
        for block in self.eighth:
            y = block(y, condition)
        return tuple(m.unflatten(0, (batch, n)) for m in (x, y, self.token(y)))


class Decoder(nn.Module):
    """Tokens and aligned features of a frame -> four images."""

    def __init__(self, token: int, quarter: int, eighth: int, condition: int, outputs: int, scale: int):
        super().__init__()
        inner = (48, 32)
        self.up_eighth = nn.Sequential(nn.Conv2d(token, 4 * inner[0], 1), nn.PixelShuffle(2))
        self.eighth = nn.ModuleList(
            [ConvBlock(inner[0] + 2 * eighth, eighth, condition), ConvBlock(eighth, eighth, condition)]
        )
        self.up_quarter = nn.Sequential(nn.Conv2d(eighth, 4 * inner[1], 1), nn.PixelShuffle(2))
        self.skip = nn.Conv2d(2 * quarter, inner[1], 1)
        self.quarter = nn.ModuleList(
            [ConvBlock(2 * inner[1], quarter, condition), ConvBlock(quarter, quarter, condition)]
        )
        self.upscale = COARSE // scale
        self.head = nn.Conv2d(quarter, outputs * TEMPORAL_COMPRESSION * self.upscale**2, 1)

    def forward(self, tokens: Tensor, quarter: Tensor, eighth: Tensor, condition: Tensor) -> Tensor:
        """tokens: [N, C, h, w], quarter and eighth: skips -> [N, 4 * outputs, H / scale, W / scale]."""
        x = torch.cat([self.up_eighth(tokens), eighth], dim=1)
        for block in self.eighth:
            x = block(x, condition)
        x = torch.cat([self.up_quarter(x), self.skip(quarter)], dim=1)
        for block in self.quarter:
            x = block(x, condition)
        return F.pixel_shuffle(self.head(x), self.upscale)


class NanoDenoiser(ModelMixin, ConfigMixin):
    """Known frames and noise in, clean frames out: the network predicts the clean frames directly."""

    @register_to_config
    def __init__(
        self,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        text_dim: int = 384,
        quarter_channels: int = 40,
        eighth_channels: int = 80,
        condition: int = 128,
    ):
        super().__init__()
        patch = PATCH // COARSE
        self.patch_embedding = nn.Conv2d(CHANNELS, width, patch, stride=patch)
        self.ray_embedding = nn.Conv2d(RAY_CHANNELS, width, 1)
        self.known_embedding = nn.Embedding(2, width)
        self.modality_embedding = nn.Embedding(2, width)
        self.aligned_embedding = nn.Embedding(2, width)  # video features of its own time, or of the first frame
        self.condition_embedder = WanTimeTextImageEmbedding(width, 256, 6 * width, text_dim)
        self.pooled = nn.Sequential(nn.Linear(text_dim, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.stems = nn.ModuleList(
            [Stem(quarter_channels, eighth_channels, width, condition) for _ in (VIDEO, ACTION)]
        )
        self.rope = WanRotaryPosEmbed(width // heads, (1, 1, 1), 64)
        self.blocks = nn.ModuleList(
            [WanTransformerBlock(width, 4 * width, heads, cross_attn_norm=True) for _ in range(layers)]
        )
        self.norm_out = nn.LayerNorm(width)
        self.decoders = nn.ModuleList(
            [
                Decoder(width, quarter_channels, eighth_channels, condition, 4, 1),  # colours and where to paint them
                Decoder(width, quarter_channels, eighth_channels, condition, 3, ACTION_SCALE),
            ]
        )
        nn.init.constant_(self.decoders[ACTION].head.bias, -3.0)

    def forward(
        self, known: Tensor, noised: Tensor, noise_level: Tensor, canvas: Canvas, rays: Tensor, text: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        """Generate the unknown frames of a canvas.

        known: [B, n_known, 12, H, W] latents of the known frames, in canvas order. noised: [B, n_unknown, 12, H/4, W/4]
        coarse latents of the others at noise_level [B, n_unknown] in [0, 1]. rays: [B, V, 6, H/4, W/4] Pluecker rays.
        text: [B, L, text_dim] token embeddings, zero where padded.
        Returns (video, action): video latents [B, n_video, 12, H, W]; *logits* of the action images in [0, 1] at half
        the resolution, [B, n_action, 12, H/2, W/2]; None where the mode generates none of that kind.
        """
        batch, _, _, height, width = known.shape
        h, w = height // PATCH, width // PATCH
        given, wanted = canvas.given, canvas.wanted()
        present = (text.abs().sum(-1, keepdim=True) > 0).to(text.dtype)
        condition = self.pooled((text * present).sum(1) / present.sum(1).clamp(min=1))  # [B, C]

        features, places = self._features(known, canvas, rays, condition)
        noised_tokens = self.patch_embedding(noised.flatten(0, 1)).unflatten(0, (batch, len(wanted)))
        known_tokens = noised_tokens.new_zeros(batch, len(given), *noised_tokens.shape[2:])
        order = np.argsort(given + wanted).tolist()
        tokens = torch.cat([known_tokens, noised_tokens], dim=1)[:, order]
        levels = torch.cat([noise_level.new_zeros(batch, len(given)), noise_level], dim=1)[:, order]

        device = known.device
        coarse_rays = F.avg_pool2d(rays.flatten(0, 1), PATCH // COARSE)
        tokens = tokens + self.ray_embedding(coarse_rays).unflatten(0, (batch, -1))[:, canvas.view.tolist()]
        own_time = torch.as_tensor([own for _, own in places[VIDEO]], device=device).long()
        labels = (
            self.known_embedding(torch.as_tensor(canvas.known, device=device).long())
            + self.modality_embedding(torch.as_tensor(canvas.modality, device=device))
            + self.aligned_embedding(own_time)
        )
        tokens = tokens + labels[None, :, :, None, None]
        for modality in (VIDEO, ACTION):
            tokens = tokens + _gather(features[modality][2], places[modality], range(canvas.length))

        timestep = (levels * 1000).flatten()
        _, modulation, words, _ = self.condition_embedder(timestep, text, timestep_seq_len=canvas.length)
        modulation = modulation.unflatten(2, (6, -1)).repeat_interleave(h * w, dim=1)
        rotary = self._rotary(canvas, h, w, device)
        x = tokens.flatten(3).transpose(2, 3).flatten(1, 2)  # [B, F * h * w, width]
        for block in self.blocks:
            x = block(x, words, modulation, rotary)
        x = self.norm_out(x).unflatten(1, (canvas.length, h, w)).movedim(4, 2)  # [B, F, width, h, w]

        outputs = []
        for modality in (VIDEO, ACTION):
            frames = canvas.wanted(modality)
            if not frames:
                outputs.append(None)
                continue
            quarter, eighth = (
                torch.cat([_gather(features[m][scale], places[m], frames) for m in (VIDEO, ACTION)], dim=2)
                for scale in (0, 1)
            )
            out = self.decoders[modality](
                x[:, frames].flatten(0, 1),
                quarter.flatten(0, 1),
                eighth.flatten(0, 1),
                condition.repeat_interleave(len(frames), 0),
            ).unflatten(0, (batch, len(frames)))
            outputs.append(_paint(out, known, canvas, frames) if modality == VIDEO else out)
        return outputs[VIDEO], outputs[ACTION]

    def _features(self, known: Tensor, canvas: Canvas, rays: Tensor, condition: Tensor):
        """Stem features of the known frames, and for every canvas frame which of them lies at its place.

        Returns per modality (maps at 1/4, 1/8, 1/16: [B, n, C, ., .]) and a list over the canvas of
        (index into n or None, whether that frame is of its own time).
        """
        features, places = [], []
        for modality in (VIDEO, ACTION):
            given = [f for f in canvas.given if canvas.modality[f] == modality]
            index = {(canvas.view[f], canvas.time[f]): i for i, f in enumerate(given)}
            chosen = []
            for view, time in zip(canvas.view, canvas.time, strict=True):
                own = index.get((view, time))
                chosen.append((index.get((view, 0)), 0) if own is None else (own, 1))
            places.append(chosen)
            if given:
                rows = [canvas.given.index(f) for f in given]
                views = canvas.view[given].tolist()
                features.append(self.stems[modality](known[:, rows], canvas.time[given], rays[:, views], condition))
            else:  # nothing of this modality is known: zeros of the right size
                channels = (self.config.quarter_channels, self.config.eighth_channels, self.config.width)
                features.append(
                    tuple(
                        m.new_zeros(m.shape[0], 1, c, *m.shape[3:])
                        for m, c in zip(features[VIDEO], channels, strict=True)
                    )
                )
        return features, places

    def _rotary(self, canvas: Canvas, h: int, w: int, device) -> tuple[Tensor, Tensor]:
        """The same rotary (t, y, x) for every segment: views and modalities are told apart by rays and embeddings."""
        segment = int(canvas.time.max()) + 1
        grid = torch.empty(1, 1, segment, h, w, device=device)
        return tuple(
            r.view(segment, h * w, -1)[canvas.time.tolist()].reshape(1, canvas.length * h * w, 1, -1).float()
            for r in self.rope(grid)
        )


def _gather(maps: Tensor, places: list, frames) -> Tensor:
    """[B, len(frames), C, ., .] features lying at the place of each of these canvas frames; zeros where none."""
    chosen = [places[f][0] for f in frames]
    gathered = maps[:, [c or 0 for c in chosen]]
    if None in chosen:
        keep = gathered.new_tensor([0.0 if c is None else 1.0 for c in chosen])
        gathered = gathered * keep[None, :, None, None, None]
    return gathered


def _paint(out: Tensor, known: Tensor, canvas: Canvas, frames: list[int]) -> Tensor:
    """Video frames are the view's first frame with new colours painted where the mask says so."""
    out = out.unflatten(2, (TEMPORAL_COMPRESSION, 4))
    colours, mask = out[:, :, :, :3], torch.sigmoid(out[:, :, :, 3:])
    firsts = [canvas.given.index(canvas.index(int(canvas.view[f]), VIDEO, 0)) for f in frames]
    first = known[:, firsts].unflatten(2, (TEMPORAL_COMPRESSION, 3))
    return (first + mask * (colours - first)).flatten(2, 3)
