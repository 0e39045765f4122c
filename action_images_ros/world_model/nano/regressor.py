"""The regression baseline: the nano model's stems and transformer with poses read from learnt query tokens.

No image is generated and no point triangulated: one query token per future frame attends to the tokens of the
conditioning frames and is read as a displacement from the arm's present pose. The parameters of nano's decoder are
spent on one more block and a head, so that both models have the same size.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

from ...policy.card import PATCH
from ..canvas import Canvas
from .trunk import Trunk

POSITION_SCALE = 0.1
"""Metres per unit of the output: about what the tool travels in a chunk."""
_OUTPUTS = 3 + 6 + 1
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class PoseRegressor(Trunk):
    """Known frames in, poses of the other frames out."""

    @register_to_config
    def __init__(
        self,
        width: int = 128,
        layers: int = 6,
        heads: int = 4,
        text_dim: int = 384,
        quarter_channels: int = 40,
        eighth_channels: int = 80,
        condition: int = 128,
        frames: int = 9,
        head_channels: int = 512,
    ):
        super().__init__()
        self.build_trunk(width, layers, heads, text_dim, quarter_channels, eighth_channels, condition)
        self.queries = nn.Parameter(torch.randn(frames - 1, width) / width**0.5)
        self.readout = nn.Sequential(
            nn.Linear(width, head_channels),
            nn.SiLU(),
            nn.Linear(head_channels, head_channels // 2),
            nn.SiLU(),
            nn.Linear(head_channels // 2, _OUTPUTS),
        )
        nn.init.normal_(self.readout[-1].weight, std=1e-3)  # an untrained model keeps the arm where it is
        nn.init.zeros_(self.readout[-1].bias)

    def forward(self, known: Tensor, canvas: Canvas, rays: Tensor, text: Tensor) -> Tensor:
        """known, canvas, rays, text: as of `NanoDenoiser`, of the policy canvas. Returns raw outputs [B, T - 1, 10]
        of frames 1 .. T - 1, to be read by `poses_of`."""
        batch, _, _, height, width = known.shape
        h, w = height // PATCH, width // PATCH
        condition = self.instruction(text)
        aligned = self.align_features(known, canvas, rays, condition)
        given = canvas.conditioning
        tokens = known.new_zeros(batch, len(given), self.config.width, h, w)
        tokens = self.condition_tokens(tokens, given, canvas, rays, aligned)
        tokens = tokens.flatten(3).transpose(2, 3).flatten(1, 2)  # [B, n * h * w, width]
        queries = self.queries.expand(batch, -1, -1)
        steps = len(self.queries)
        grid = self.rotary_grid(steps + 1, h, w, known.device)
        rotary = tuple(
            torch.cat([part[canvas.time[given].tolist()].flatten(0, 2), part[1:, h // 2, w // 2]])[None, :, None]
            for part in grid
        )
        x = self.attend(torch.cat([tokens, queries], dim=1), known.new_zeros(batch, 1), 1, text, rotary)
        return self.readout(x[:, -steps:])


def rotation_from_6d(six: Tensor) -> Tensor:
    """[..., 6], the first two columns -> [..., 3, 3] by Gram-Schmidt (Zhou et al., "On the continuity of rotation
    representations in neural networks", 2019)."""
    a, b = six[..., :3], six[..., 3:]
    x = F.normalize(a, dim=-1)
    y = F.normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def poses_of(raw: Tensor, first: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Raw outputs [B, n, 10] and the known first pose [B, 4, 4] (model tool in world) -> positions [B, n, 3] m,
    rotations [B, n, 3, 3] and logits of openness [B, n]. Displacement and turn are in world axes."""
    raw = raw.float()
    position = first[:, None, :3, 3] + POSITION_SCALE * raw[..., :3]
    turn = rotation_from_6d(raw[..., 3:9] + raw.new_tensor(_IDENTITY))
    return position, turn @ first[:, None, :3, :3], raw[..., 9]


def chunk_poses(raw: Tensor, first: np.ndarray, first_openness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole chunks, the known frame 0 included: poses [B, T, 4, 4] and openness [B, T], 0 or 1 but for frame 0.

    first: [B, 4, 4], first_openness: [B], as in the model's conditioning.
    """
    position, rotation, openness = poses_of(raw, torch.from_numpy(first).float())
    poses = np.tile(np.eye(4), (*position.shape[:2], 1, 1))
    poses[..., :3, :3], poses[..., :3, 3] = rotation.numpy(), position.numpy()
    opened = (openness > 0).numpy().astype(float)
    return np.concatenate([first[:, None], poses], axis=1), np.concatenate([first_openness[:, None], opened], axis=1)
