"""Warp of an image by the motion of the tool: the source of each pixel from the three points of two action images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["moved_grid", "points_of", "sample"]

FAINTEST, CLEAR = 0.2, 0.5
"""Heights of a blob at which its point begins to count, and counts wholly."""
STAYS = 1e-3
"""Of (half the image)^2: how much the points must spread to turn and scale the image, and not only shift it."""


def points_of(actions: Tensor) -> tuple[Tensor, Tensor]:
    """Action images [N, 3, h, w] in [0, 1] -> where their three points lie, x and y in [-1, 1] (as `grid_sample`
    counts) [N, 3, 2], and how surely there is one [N, 3]."""
    low, high = (extreme(actions, (2, 3), keepdim=True) for extreme in (torch.amin, torch.amax))
    # low is the pedestal of an open gripper's blue
    heat = ((actions - low) / (high - low).clamp(min=1e-6)) ** 4  # the blob, not what is faint all over the image
    heat = heat / heat.sum((2, 3), keepdim=True).clamp(min=1e-6)
    x, y = (_centres(n, heat.device) for n in (heat.shape[3], heat.shape[2]))
    points = torch.stack([(heat.sum(2) * x).sum(2), (heat.sum(3) * y).sum(2)], dim=2)
    return points, ((high - low)[:, :, 0, 0] - FAINTEST).div(CLEAR - FAINTEST).clamp(0, 1)


def moved_grid(before: Tensor, after: Tensor, size: tuple[int, int]) -> Tensor:
    """Sampling grid of an image warped by the motion of the tool: shift, rotation and scale (least squares over the
    points, Umeyama 1991) from action images `before` to `after` [N, 3, h, w] -> [N, H, W, 2] for `sample`."""
    height, width = size
    wide = before.new_tensor([width / height, 1.0])  # x and y in the same unit
    (here, sure), (there, surely) = points_of(before), points_of(after)
    weight = (sure * surely)[..., None]
    total = weight.sum(1, keepdim=True)
    known = total.clamp(max=1.0)  # without any point nothing moves
    centre = [(weight * points * wide).sum(1, keepdim=True) / total.clamp(min=1e-6) for points in (here, there)]
    centre[1] = known * centre[1] + (1 - known) * centre[0]
    a, b = (weight.sqrt() * (points * wide - c) for points, c in zip((here, there), centre, strict=True))
    # As complex numbers z' = m z, so that a source is z = z' / m; drawn towards m = 1 where the points hardly spread.
    spread = (a * a).sum((1, 2)) + STAYS
    real = ((a * b).sum((1, 2)) + STAYS) / spread
    imaginary = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]).sum(1) / spread
    square = (real**2 + imaginary**2).clamp(min=0.1)
    real, imaginary = (n[:, None, None] for n in (real / square, imaginary / square))
    x, y = (_centres(n, before.device) for n in (width, height))
    y, x = torch.meshgrid(y, x * wide[0], indexing="ij")
    x, y = x - centre[1][..., :1], y - centre[1][..., 1:]
    source = torch.stack([real * x + imaginary * y, real * y - imaginary * x], dim=3)
    return (source + centre[0][:, None]) / wide


def sample(image: Tensor, grid: Tensor) -> Tensor:
    """[N, C, H, W] at the places of the grid [N, H, W, 2]; beyond the border as on it."""
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _centres(pixels: int, device: torch.device) -> Tensor:
    """Where the centres of so many pixels lie in [-1, 1], as `grid_sample` counts."""
    return (2 * torch.arange(pixels, device=device) + 1) / pixels - 1
