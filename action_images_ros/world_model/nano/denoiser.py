"""The nano denoiser: the shared backbone followed by convolutional decoders.

A decoder draws each generated frame from its tokens, with skips from the aligned features that conditioned the tokens
(see `trunk`). The text acts on it too (FiLM). The video decoder is conditioned on the action images, given or just
generated; where the video is the condition, it refines the action images (see `unets`).
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

from ...policy.card import PATCH, TEMPORAL_COMPRESSION
from ..canvas import ACTION, VIDEO, Canvas
from .layers import ConvBlock
from .pixel_latents import CHANNELS, COARSE
from .trunk import EIGHTH, QUARTER, AlignedFeatures, Trunk
from .unets import ActionReader, VideoUNet

ACTION_SCALE = 2  # action images are generated at half the resolution; their Gaussians lose nothing by it


class ActionImageDecoder(nn.Module):
    """Tokens and aligned features of a frame -> four action images."""

    def __init__(self, token: int, quarter: int, eighth: int, condition: int):
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
        self.upscale = COARSE // ACTION_SCALE
        self.head = nn.Conv2d(quarter, 3 * TEMPORAL_COMPRESSION * self.upscale**2, 1)
        nn.init.constant_(self.head.bias, -3.0)

    def forward(self, tokens: Tensor, quarter: Tensor, eighth: Tensor, condition: Tensor) -> Tensor:
        """tokens: [N, C, h, w], quarter and eighth: skips -> logits [N, 12, H/2, W/2]."""
        x = torch.cat([self.up_eighth(tokens), eighth], dim=1)
        for block in self.eighth:
            x = block(x, condition)
        x = torch.cat([self.up_quarter(x), self.skip(quarter)], dim=1)
        for block in self.quarter:
            x = block(x, condition)
        return F.pixel_shuffle(self.head(x), self.upscale)


class NanoDenoiser(Trunk):
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
        video_channels: int = 24,
        reader_channels: int = 16,
    ):
        super().__init__()
        patch = PATCH // COARSE
        self.patch_embedding = nn.Conv2d(CHANNELS, width, patch, stride=patch)
        self.build_trunk(width, layers, heads, text_dim, quarter_channels, eighth_channels, condition)
        sizes = {"token": width, "quarter": quarter_channels, "eighth": eighth_channels, "condition": condition}
        self.decoders = nn.ModuleList([VideoUNet(video_channels, **sizes), ActionImageDecoder(**sizes)])
        self.reader = ActionReader(reader_channels, **sizes)

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
        given, wanted = canvas.conditioning, canvas.targets()
        condition = self.instruction(text)
        aligned = self.align_features(known, canvas, rays, condition)
        noised_tokens = self.patch_embedding(noised.flatten(0, 1)).unflatten(0, (batch, len(wanted)))
        known_tokens = noised_tokens.new_zeros(batch, len(given), *noised_tokens.shape[2:])
        order = np.argsort(given + wanted).tolist()
        tokens = torch.cat([known_tokens, noised_tokens], dim=1)[:, order]
        levels = torch.cat([noise_level.new_zeros(batch, len(given)), noise_level], dim=1)[:, order]

        tokens = self.condition_tokens(tokens, list(range(canvas.length)), canvas, rays, aligned)
        x = tokens.flatten(3).transpose(2, 3).flatten(1, 2)  # [B, F * h * w, width]
        x = self.attend(x, levels, h * w, text, self._rotary(canvas, h, w, known.device))
        x = x.unflatten(1, (canvas.length, h, w)).movedim(4, 2)  # [B, F, width, h, w]

        video = action = None
        if frames := canvas.targets(ACTION):
            parts = self._decoder_inputs(x, aligned, condition, frames)
            action = self.decoders[ACTION](*parts)
            if canvas.mode == "label":
                own = [canvas.frame_of(canvas.view[frame], VIDEO, canvas.time[frame]) for frame in frames]
                seen = known[:, [given.index(frame) for frame in own]].flatten(0, 1)
                action = self.reader(seen, action, *parts)
            action = action.unflatten(0, (batch, len(frames)))
        if frames := canvas.targets(VIDEO):
            parts = self._decoder_inputs(x, aligned, condition, frames)
            seen = (part.flatten(0, 1) for part in _video_conditioning(known, action, canvas, frames))
            video = self.decoders[VIDEO](*seen, *parts).unflatten(0, (batch, len(frames)))
        return video, action

    def _decoder_inputs(
        self, x: Tensor, aligned: AlignedFeatures, condition: Tensor, frames: list[int]
    ) -> tuple[Tensor, ...]:
        """Tokens, skips at 1/4 and 1/8 and the text condition of these canvas frames, [B * n, ...]."""
        quarter, eighth = (
            torch.cat([aligned.at(modality, scale, frames) for modality in (VIDEO, ACTION)], dim=2).flatten(0, 1)
            for scale in (QUARTER, EIGHTH)
        )
        return x[:, frames].flatten(0, 1), quarter, eighth, condition.repeat_interleave(len(frames), 0)

    def _rotary(self, canvas: Canvas, h: int, w: int, device) -> tuple[Tensor, Tensor]:
        grid = self.rotary_grid(int(canvas.time.max()) + 1, h, w, device)
        return tuple(part[canvas.time.tolist()].flatten(0, 2)[None, :, None] for part in grid)


def _video_conditioning(
    known: Tensor, action: Tensor | None, canvas: Canvas, frames: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Conditioning of these video frames: the first images of their views [B, n, 3, H, W] in [-1, 1], the action images
    of those [B, n, 3, H/2, W/2] and of the frames themselves [B, n, 4, 3, H/2, W/2] in [0, 1].

    action: logits of the action images generated with the video; no gradient flows from the video to them.
    """
    given, generated = canvas.conditioning, canvas.targets(ACTION)
    blank = known.new_zeros(len(known), CHANNELS, *(n // ACTION_SCALE for n in known.shape[-2:]))

    def action_images(view: int, time: int) -> Tensor:
        frame = canvas.index(view, ACTION, time)
        if frame is None:
            return blank
        if action is not None and frame in generated:
            return torch.sigmoid(action[:, generated.index(frame)].detach().float())
        return F.avg_pool2d(known[:, given.index(frame)], ACTION_SCALE) * 0.5 + 0.5

    view_times = [(int(canvas.view[f]), int(canvas.time[f])) for f in frames]
    first = [given.index(canvas.frame_of(view, VIDEO, 0)) for view, _ in view_times]
    first_images = torch.stack([known[:, row, :3] for row in first], dim=1)
    first_actions = torch.stack([action_images(view, 0)[:, :3] for view, _ in view_times], dim=1)
    actions = torch.stack([action_images(view, time) for view, time in view_times], dim=1)
    return first_images, first_actions, actions.unflatten(2, (TEMPORAL_COMPRESSION, 3))
