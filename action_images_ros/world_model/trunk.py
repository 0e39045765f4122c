"""What looks and thinks: a convolutional stem and diffusers' Wan transformer blocks.

What makes a small model see (measured, see docs/training.md): the stem turns every *known* frame into features, and
each token of the same view is given the features at its own place in the image ("aligned features"), of its own time
where that frame is known, of the first frame otherwise. Words act on the stem (FiLM) and by cross-attention. Cameras
enter as Pluecker rays per token and carry no index, so that any number of views and any placement may be used.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan import (
    WanRotaryPosEmbed,
    WanTimeTextImageEmbedding,
    WanTransformerBlock,
)
from torch import Tensor, nn
from torch.nn import functional as F

from action_images_ros.world_model.canvas import ACTION, COARSE, PATCH, TEMPORAL_COMPRESSION, VIDEO, Canvas
from action_images_ros.world_model.layers import ConvBlock

RAY_CHANNELS = 6
FRAME_CHANNELS = 16


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


class Trunk(ModelMixin, ConfigMixin):
    """Stems, what each token is told of its place, transformer blocks; subclasses add what goes in besides the known
    frames and what comes out (see `denoiser.NanoDenoiser`, `regression.PoseRegressor`)."""

    def build_trunk(
        self, width: int, layers: int, heads: int, text_dim: int, quarter: int, eighth: int, condition: int
    ) -> None:
        """Makes the parameters; called by the subclass where they are to stand in the order of its own."""
        self.ray_embedding = nn.Conv2d(RAY_CHANNELS, width, 1)
        self.known_embedding = nn.Embedding(2, width)
        self.modality_embedding = nn.Embedding(2, width)
        self.aligned_embedding = nn.Embedding(2, width)  # video features of its own time, or of the first frame
        self.condition_embedder = WanTimeTextImageEmbedding(width, 256, 6 * width, text_dim)
        self.pooled = nn.Sequential(nn.Linear(text_dim, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.stems = nn.ModuleList([Stem(quarter, eighth, width, condition) for _ in (VIDEO, ACTION)])
        self.rope = WanRotaryPosEmbed(width // heads, (1, 1, 1), 64)
        self.blocks = nn.ModuleList(
            [WanTransformerBlock(width, 4 * width, heads, cross_attn_norm=True) for _ in range(layers)]
        )
        self.norm_out = nn.LayerNorm(width)

    def instruction(self, text: Tensor) -> Tensor:
        """Token embeddings [B, L, text_dim], zero where padded -> one condition [B, C] for stems and decoders."""
        present = (text.abs().sum(-1, keepdim=True) > 0).to(text.dtype)
        return self.pooled((text * present).sum(1) / present.sum(1).clamp(min=1))

    def described(self, tokens: Tensor, frames: list[int], canvas: Canvas, rays: Tensor, features, places) -> Tensor:
        """Tokens [B, n, width, h, w] of these canvas frames, told their rays, their kind and the features there."""
        coarse_rays = F.avg_pool2d(rays.flatten(0, 1), PATCH // COARSE)
        embedded = self.ray_embedding(coarse_rays).unflatten(0, (len(tokens), -1))
        tokens = tokens + embedded[:, canvas.view[frames].tolist()]
        own_time = [places[VIDEO][frame][1] for frame in frames]
        device = tokens.device
        labels = (
            self.known_embedding(torch.as_tensor(canvas.known[frames], device=device).long())
            + self.modality_embedding(torch.as_tensor(canvas.modality[frames], device=device))
            + self.aligned_embedding(torch.as_tensor(own_time, device=device).long())
        )
        tokens = tokens + labels[None, :, :, None, None]
        for modality in (VIDEO, ACTION):
            tokens = tokens + gather(features[modality][2], places[modality], frames)
        return tokens

    def attend(self, x: Tensor, levels: Tensor, repeat: int, text: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """Tokens [B, N, width] through the blocks. levels: [B, n] noise levels, each of `repeat` tokens in a row (or
        [B, 1] of all); rotary: [1, N, 1, D] each."""
        timestep = (levels * 1000).flatten()
        _, modulation, words, _ = self.condition_embedder(timestep, text, timestep_seq_len=levels.shape[1])
        modulation = modulation.unflatten(2, (6, -1)).repeat_interleave(repeat, dim=1)
        for block in self.blocks:
            x = block(x, words, modulation, rotary)
        return self.norm_out(x)

    def features(self, known: Tensor, canvas: Canvas, rays: Tensor, condition: Tensor):
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

    def rotary_grid(self, times: int, h: int, w: int, device) -> tuple[Tensor, Tensor]:
        """Rotary embeddings (t, y, x) [times, h, w, D], the same for every segment: views and modalities are told apart
        by rays and embeddings."""
        return tuple(r.view(times, h, w, -1).float() for r in self.rope(torch.empty(1, 1, times, h, w, device=device)))


def gather(maps: Tensor, places: list, frames) -> Tensor:
    """[B, len(frames), C, ., .] features lying at the place of each of these canvas frames; zeros where none."""
    chosen = [places[f][0] for f in frames]
    gathered = maps[:, [c or 0 for c in chosen]]
    if None in chosen:
        keep = gathered.new_tensor([0.0 if c is None else 1.0 for c in chosen])
        gathered = gathered * keep[None, :, None, None, None]
    return gathered
