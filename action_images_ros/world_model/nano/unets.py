"""U-Nets for single images: one generates video, one refines action images where the video is known.

The action-image decoder generates the four images of a latent frame at once from features at a quarter of the
resolution. That suffices for future poses; it is too coarse for the appearance of an image and for the exact position
of the tool in it. These networks process each of the four images separately, from half the resolution down.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...policy.card import TEMPORAL_COMPRESSION
from .layers import ConvBlock
from .warp import moved_grid, sample

__all__ = ["ActionReader", "VideoUNet"]

OFF_SCALE = 0.1
"""Of half the image, what 1 of the network's output moves a source by."""


class ImageUNet(nn.Module):
    """U-Net over single images, conditioned on the tokens and aligned features of their latent frame.

    inputs, outputs: channels at half the resolution. channels: of the maps there; twice and four times as many
    below it. quarter, eighth: channels of the skips from the aligned features.
    """

    def __init__(self, inputs: int, outputs: int, channels: int, token: int, quarter: int, eighth: int, condition: int):
        super().__init__()
        half, fourth, eight = channels, 2 * channels, 4 * channels
        self.own = nn.Conv2d(token, TEMPORAL_COMPRESSION * eight, 1)  # what the tokens say of each of the four
        self.skips = nn.ModuleList([nn.Conv2d(2 * quarter, half, 1), nn.Conv2d(2 * eighth, fourth, 1)])

        def block(inputs: int, outputs: int, stride: int = 1) -> ConvBlock:
            return ConvBlock(inputs, outputs, condition, stride)

        self.down = nn.ModuleList(
            [
                block(inputs, half),
                block(half, fourth, 2),
                block(fourth + half, eight, 2),
                block(eight + fourth, eight, 2),
            ]
        )
        self.middle = nn.ModuleList([block(2 * eight, eight), block(eight, eight)])
        levels = (eight, eight, fourth, half)
        self.rise = nn.ModuleList([nn.Conv2d(a, 4 * b, 1) for a, b in zip(levels[:-1], levels[1:], strict=True)])
        self.up = nn.ModuleList([block(2 * eight, eight), block(2 * fourth, fourth), block(2 * half, half)])
        self.head = nn.Conv2d(half, outputs, 3, padding=1)

    def forward(self, images: Tensor, tokens: Tensor, quarter: Tensor, eighth: Tensor, condition: Tensor) -> Tensor:
        """images [N * 4, inputs, H/2, W/2]; of the N latent frames: tokens [N, C, h, w], skips at 1/4 and 1/8,
        condition [N, C] -> [N * 4, outputs, H/2, W/2]."""
        own = self.own(tokens).unflatten(1, (TEMPORAL_COMPRESSION, -1)).flatten(0, 1)
        quarter, eighth = (each(skip(x)) for skip, x in zip(self.skips, (quarter, eighth), strict=True))
        condition = each(condition)
        a = self.down[0](images, condition)
        b = self.down[1](a, condition)
        c = self.down[2](torch.cat([b, quarter], dim=1), condition)
        x = torch.cat([self.down[3](torch.cat([c, eighth], dim=1), condition), own], dim=1)
        for block in self.middle:
            x = block(x, condition)
        for rise, block, skip in zip(self.rise, self.up, (c, b, a), strict=True):
            x = block(torch.cat([F.pixel_shuffle(rise(x), 2), skip], dim=1), condition)
        return self.head(x)


class VideoUNet(nn.Module):
    """Video frames from the first image of the view and the tool positions in the action images.

    Hand and held object change little in appearance, so the first image, warped by the motion of the three points,
    shows them sharply at the new position. The network predicts per pixel a correction of the warp (other links move
    differently), the choice between first image, warped image and generated colour, and that colour.
    """

    CHOICES = 3  # of every pixel: the first image, the moved one, what the network generates

    def __init__(self, channels: int, **sizes):
        super().__init__()
        outputs = 4 * (3 + self.CHOICES)
        self.net = ImageUNet(2 * 4 * 3 + 3 + 3, outputs + 2, channels, **sizes)
        with torch.no_grad():
            self.net.head.weight[outputs:] = 0.0  # at first, only as the points have moved,
            self.net.head.bias[outputs:] = 0.0
            self.net.head.bias[4 * 3 : 4 * 4] = 2.0  # and leave the image as it is

    def forward(self, first: Tensor, told: Tensor, actions: Tensor, *described: Tensor) -> Tensor:
        """Of N latent frames: the view's first image [N, 3, H, W] in [-1, 1], its action image [N, 3, H/2, W/2] in
        [0, 1], those of the target images [N, 4, 3, H/2, W/2] (zeros where there are none); described: as in
        `ImageUNet` -> [N, 12, H, W] in [-1, 1]."""
        first, told, actions = each(first.float()), each(told.float()), actions.flatten(0, 1).float()
        sources = moved_grid(told, actions, first.shape[-2:])
        moved = sample(first, sources)
        seen = torch.cat([F.pixel_unshuffle(first, 2), told, actions, F.pixel_unshuffle(moved, 2)], dim=1)
        out = self.net(seen, *described).float()
        off = F.interpolate(out[:, -2:], scale_factor=2, mode="bilinear", align_corners=False)
        moved = sample(first, sources + OFF_SCALE * off.movedim(1, 3))
        out = F.pixel_shuffle(out[:, :-2], 2)
        share = torch.softmax(out[:, 3:], dim=1)[:, :, None]
        generated = (share * torch.stack([first, moved, out[:, :3]], dim=1)).sum(1)
        return generated.unflatten(0, (-1, TEMPORAL_COMPRESSION)).flatten(1, 2)


class ActionReader(nn.Module):
    """Corrects the decoder's action images by the images of their own time: nothing, before it is trained."""

    def __init__(self, channels: int, **sizes):
        super().__init__()
        self.net = ImageUNet(4 * 3 + 3, 3, channels, **sizes)
        nn.init.zeros_(self.net.head.weight)
        nn.init.zeros_(self.net.head.bias)

    def forward(self, images: Tensor, logits: Tensor, *described: Tensor) -> Tensor:
        """Of N latent frames: known images [N, 12, H, W] in [-1, 1], logits [N, 12, H/2, W/2] -> better logits."""
        images, generated = (x.unflatten(1, (TEMPORAL_COMPRESSION, 3)).flatten(0, 1) for x in (images, logits.detach()))
        seen = torch.cat([F.pixel_unshuffle(images, 2), torch.sigmoid(generated)], dim=1)
        return logits + self.net(seen, *described).unflatten(0, (-1, TEMPORAL_COMPRESSION)).flatten(1, 2)


def each(x: Tensor) -> Tensor:
    """Once for each of a latent frame's images: [N, ...] -> [N * 4, ...]."""
    return x.repeat_interleave(TEMPORAL_COMPRESSION, 0)
