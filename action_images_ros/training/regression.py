"""Objective of the regression baseline (see `world_model.nano.regressor`): the poses of the windows, no images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..codec.encode import to_uint8
from ..world_model.nano.regressor import POSITION_SCALE, chunk_poses, poses_of
from .batches import Batch, action_images
from .config import TrainConfig
from .precision import computing
from .validate import Samples

_SMOOTH = 1e-3
"""Below this (in units of the losses) a distance counts as squared, so that its gradient is finite at zero."""


def _length(squared: Tensor) -> Tensor:
    return (squared + _SMOOTH**2).sqrt() - _SMOOTH


def regression_loss(model, batch: Batch, config: TrainConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """One forward pass and its losses by name, means over frames 1 .. T - 1.

    position: distance in units of POSITION_SCALE. rotation: chord 2 sin(angle / 2), about the angle in rad.
    openness: cross-entropy. Weighted by the recipe's `pose_weights`.
    """
    with computing(batch.known.device, config):
        raw = model(batch.known, batch.canvas, batch.rays, batch.text)
    position, rotation, openness = poses_of(raw, batch.told)
    true, opened = batch.poses[:, 1:], batch.openness[:, 1:]
    chord = (rotation - true[..., :3, :3]).square().sum((-2, -1)) / 2
    losses = {
        "position": _length((position - true[..., :3, 3]).square().sum(-1) / POSITION_SCALE**2).mean(),
        "rotation": _length(chord).mean(),
        "openness": F.binary_cross_entropy_with_logits(openness, opened),
    }
    loss = sum(config.pose_weights[name] * value for name, value in losses.items())
    return loss, {name: value.detach() for name, value in losses.items()}


@torch.no_grad()
def regress(model, batch: Batch) -> Samples:
    """The regressed poses of a batch, encoded as action images to be evaluated like those of the world model."""
    raw = model(batch.known, batch.canvas, batch.rays, batch.text)
    opened = np.stack([window.openness[0] for window in batch.windows])
    poses, openness = chunk_poses(raw, batch.told.double().cpu().numpy(), opened)
    K = np.stack([window.K for window in batch.windows])
    E = np.stack([window.world_from_camera for window in batch.windows])
    drawn = action_images(poses, openness, K, E, batch.windows[0].images.shape[2:4])
    return Samples(batch, None, to_uint8(drawn))
