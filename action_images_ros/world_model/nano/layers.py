"""Convolutions modulated by the instruction."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
