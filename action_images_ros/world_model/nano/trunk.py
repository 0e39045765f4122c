"""Shared backbone: convolutional stem and Wan transformer blocks.

Aligned conditioning makes a small model accurate (measured, see docs/training.md): the stem turns every conditioning
frame into a feature map, and each token of the same view receives the features of its own image patch, taken from the
conditioning frame of its own time where there is one, from the first frame otherwise. The text acts on the stem (FiLM)
and by cross-attention. Cameras enter as Pluecker rays per token and carry no index, so that any number of views and any
placement may be used.
"""

from __future__ import annotations

from typing import NamedTuple

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

from ...policy.card import PATCH, TEMPORAL_COMPRESSION
from ..canvas import ACTION, COARSE, VIDEO, Canvas
from .layers import ConvBlock

RAY_CHANNELS = 6
FRAME_CHANNELS = 16
QUARTER, EIGHTH, TOKEN = 0, 1, 2  # scales of the stem's feature maps


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


class Source(NamedTuple):
    """Conditioning frame that one canvas frame reads.

    row: in the feature maps, None where there is no such frame; own_time: it is of the same time, not the first frame.
    """

    row: int | None
    own_time: bool


class AlignedFeatures(NamedTuple):
    """Stem features of the conditioning frames, by modality (VIDEO, ACTION).

    maps: at 1/4, 1/8 and 1/16 of the image, [B, n, C, ., .] each; sources: one per canvas frame.
    """

    maps: list[tuple[Tensor, ...]]
    sources: list[list[Source]]

    def at(self, modality: int, scale: int, frames: list[int]) -> Tensor:
        """Features [B, len(frames), C, ., .] aligned with these canvas frames; zeros where there are none.

        scale: QUARTER, EIGHTH or TOKEN.
        """
        rows = [self.sources[modality][frame].row for frame in frames]
        features = self.maps[modality][scale][:, [row or 0 for row in rows]]
        if None in rows:
            keep = features.new_tensor([0.0 if row is None else 1.0 for row in rows])
            features = features * keep[None, :, None, None, None]
        return features

    def own_time(self, modality: int, frames: list[int]) -> list[int]:
        """1 where a canvas frame reads features of its own time, 0 where of the first frame."""
        return [int(self.sources[modality][frame].own_time) for frame in frames]


class Trunk(ModelMixin, ConfigMixin):
    """Stems, token conditioning and transformer blocks; subclasses add further inputs and the output heads (see
    `denoiser.NanoDenoiser`, `regression.PoseRegressor`)."""

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

    def condition_tokens(
        self, tokens: Tensor, frames: list[int], canvas: Canvas, rays: Tensor, aligned: AlignedFeatures
    ) -> Tensor:
        """Tokens [B, n, width, h, w] of these canvas frames plus their rays, embeddings and aligned features."""
        coarse_rays = F.avg_pool2d(rays.flatten(0, 1), PATCH // COARSE)
        embedded = self.ray_embedding(coarse_rays).unflatten(0, (len(tokens), -1))
        tokens = tokens + embedded[:, canvas.view[frames].tolist()]
        device = tokens.device
        embedding = (
            self.known_embedding(torch.as_tensor(canvas.known[frames], device=device).long())
            + self.modality_embedding(torch.as_tensor(canvas.modality[frames], device=device))
            + self.aligned_embedding(torch.as_tensor(aligned.own_time(VIDEO, frames), device=device).long())
        )
        tokens = tokens + embedding[None, :, :, None, None]
        for modality in (VIDEO, ACTION):
            tokens = tokens + aligned.at(modality, TOKEN, frames)
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

    def align_features(self, known: Tensor, canvas: Canvas, rays: Tensor, condition: Tensor) -> AlignedFeatures:
        """Stem features of the conditioning frames, and for every canvas frame the conditioning frame it reads.

        known: [B, n_known, 12, H, W]; rays: [B, V, 6, H/4, W/4]; condition: [B, C].
        """
        maps: list[tuple[Tensor, ...]] = []
        sources: list[list[Source]] = []
        for modality in (VIDEO, ACTION):
            given = [f for f in canvas.conditioning if canvas.modality[f] == modality]
            sources.append(_sources(canvas, given))
            if given:
                rows = [canvas.conditioning.index(f) for f in given]
                views = canvas.view[given].tolist()
                maps.append(self.stems[modality](known[:, rows], canvas.time[given], rays[:, views], condition))
            else:  # no conditioning frame of this modality: zeros of the right size
                channels = (self.config.quarter_channels, self.config.eighth_channels, self.config.width)
                like = zip(maps[VIDEO], channels, strict=True)
                maps.append(tuple(m.new_zeros(m.shape[0], 1, c, *m.shape[3:]) for m, c in like))
        return AlignedFeatures(maps, sources)

    def rotary_grid(self, times: int, h: int, w: int, device) -> tuple[Tensor, Tensor]:
        """Rotary embeddings (t, y, x) [times, h, w, D], the same for every segment: views and modalities are separated
        by rays and embeddings."""
        return tuple(r.view(times, h, w, -1).float() for r in self.rope(torch.empty(1, 1, times, h, w, device=device)))


def _sources(canvas: Canvas, given: list[int]) -> list[Source]:
    """For every canvas frame its conditioning frame among `given`, which are canvas positions of one modality."""
    row = {(canvas.view[f], canvas.time[f]): i for i, f in enumerate(given)}
    sources = []
    for view, time in zip(canvas.view, canvas.time, strict=True):
        own = row.get((view, time))
        sources.append(Source(row.get((view, 0)), False) if own is None else Source(own, True))
    return sources
