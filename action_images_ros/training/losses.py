"""Losses of the generated frames.

Action images: cross-entropy of the generated intensity, weighted towards the blobs, and a small cross-entropy of
*where* each point is (the picture, less the pedestal, normalised to a distribution). Video: absolute error of
pixels and edges, weighted where things move.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..codec.encode import PEDESTAL, blob_sigma
from ..world_model.canvas import ACTION, VIDEO
from ..world_model.nano import pixel_latents
from ..world_model.nano.pixel_latents import CHANNELS, COARSE
from .batches import Batch
from .config import TrainConfig
from .precision import computing

ABOVE_PEDESTAL = 1 - PEDESTAL + PEDESTAL * math.log(PEDESTAL)
"""Share of a Gaussian's sum that is left when the pedestal is taken off it and what lies below is left out."""
FAINT = 1e-5
"""Intensity added before the logarithm of a picture: what is not generated at all costs much, but not everything."""


def draw_noise(batch: Batch, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Noise levels [B, n_unknown], one per sample and modality, and noise [B, n_unknown, 12, H/4, W/4].

    Action segments: exactly 1 for ``pure_noise`` of the samples, because a Gaussian is so smooth that any lower level
    reveals its position; the rest shifted high. Video segments: half as often exactly 1, a lower shift. Every sample
    has its own seed, so that its noise does not depend on the batch.
    """
    device, wanted = batch.known.device, batch.canvas.targets()
    shape = (len(wanted), CHANNELS, *(n // COARSE for n in batch.known.shape[-2:]))
    generator = torch.Generator(device)
    uniform, noise = [], []
    for seed in batch.seeds:
        generator.manual_seed(seed)
        uniform.append(torch.rand(2, 2, generator=generator, device=device))
        noise.append(torch.randn(shape, generator=generator, device=device))
    levels = {}
    for modality, shift, pure in (
        (VIDEO, config.video_shift, config.pure_noise / 2),
        (ACTION, config.action_shift, config.pure_noise),
    ):
        s, is_pure = torch.stack(uniform)[:, modality].unbind(-1)
        s = shift * s / (1 + (shift - 1) * s)
        levels[modality] = torch.where(is_pure < pure, torch.ones_like(s), s)
    return torch.stack([levels[batch.canvas.modality[f]] for f in wanted], dim=1), torch.stack(noise)


def noised_canvas(batch: Batch, levels: Tensor, noise: Tensor) -> Tensor:
    """Coarse latents of the unknown frames at these noise levels: [B, n_unknown, 12, H/4, W/4]."""
    clean = []
    video, action = 0, 0
    coarse_video: Any = None if batch.target_video is None else pixel_latents.coarse(batch.target_video)
    coarse_action: Any = None
    if batch.target_action is not None:
        coarse_action = F.avg_pool2d(batch.target_action.flatten(0, 1), 2).unflatten(0, batch.target_action.shape[:2])
        coarse_action = coarse_action * 2 - 1
    for f in batch.canvas.targets():
        if batch.canvas.modality[f] == VIDEO:
            clean.append(coarse_video[:, video])
            video += 1
        else:
            clean.append(coarse_action[:, action])
            action += 1
    clean = torch.stack(clean, dim=1)
    s = levels[:, :, None, None, None]
    return (1 - s) * clean + s * noise


def action_loss(logits: Tensor, target: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """(intensity, location) losses; logits and target: [B, n, 12, H/2, W/2].

    Both are 0 for a perfect picture and are means over independent samples, so that a batch may be divided among
    processes. The pedestal of an open gripper is no part of the blue blob: it counts for the intensity and is
    subtracted before the picture is read as a distribution over pixels.
    """
    logits = logits.float()
    pixels = target.unflatten(2, (-1, 3))
    below = pixels[:, :, :, 2:] <= PEDESTAL + 1e-3
    pedestal = _pedestal(pixels, below)
    heat = _replace_blue(pixels, torch.where(below, torch.zeros_like(pixels[:, :, :, 2:]), pixels[:, :, :, 2:]))
    intensity = _intensity_loss(logits, target, 1 + config.heat_weight * heat)
    return intensity, _location_loss(logits, heat, pedestal, blob_sigma(target.shape[-2:]))


def _pedestal(pixels: Tensor, below: Tensor) -> Tensor:
    """Blue background [B, n, 4, 1, 1, 1] of pictures [B, n, 4, 3, H, W]; `below` marks the pixels without a blob."""
    blue = pixels[:, :, :, 2:]
    return torch.where(below, blue, torch.zeros_like(blue)).amax(dim=(-2, -1), keepdim=True)


def _replace_blue(pixels: Tensor, blue: Tensor) -> Tensor:
    return torch.cat([pixels[:, :, :, :2], blue], dim=3)


def _subtract_pedestal(pixels: Tensor, pedestal: Tensor) -> Tensor:
    """Pictures whose blue channel holds the blob alone."""
    return _replace_blue(pixels, (pixels[:, :, :, 2:] - pedestal).clamp(min=0))


def _intensity_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross-entropy less the target's own entropy, so that a perfect picture gives 0."""
    raw = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    entropy = -(torch.xlogy(target, target) + torch.xlogy(1 - target, 1 - target))
    return ((raw - entropy).unflatten(2, (-1, 3)) * weight).mean()


def _location_loss(logits: Tensor, heat: Tensor, pedestal: Tensor, sigma: float) -> Tensor:
    """Divergence between target and generated distribution over pixels, for the visible points."""
    heat = _subtract_pedestal(heat, pedestal)
    total = heat.flatten(4).sum(-1)
    whole = torch.full_like(total, 2 * math.pi * sigma**2)
    whole[..., 2] *= torch.where(pedestal[..., 0, 0, 0] > 0, ABOVE_PEDESTAL, 1.0)
    visible = total > 0.5 * whole  # a point cut off by the border has no clean distribution
    where = heat.flatten(4) / total.clamp(min=1e-6)[..., None]
    generated = _subtract_pedestal(torch.sigmoid(logits).unflatten(2, (-1, 3)), pedestal).flatten(4) + FAINT
    log_generated = torch.log(generated / generated.sum(-1, keepdim=True))
    divergence = -(where * log_generated).sum(-1) + torch.xlogy(where, where).sum(-1)
    shown = visible.flatten(1).sum(1)
    return ((divergence * visible).flatten(1).sum(1) / shown.clamp(min=1)).mean()


def video_loss(video: Tensor, batch: Batch) -> Tensor:
    """Absolute error of the generated video and of its differences between neighbouring pixels (the edges, which a mean
    over possible futures would blur), with five times the weight where the image differs from the first frame."""
    canvas = batch.canvas
    firsts = [canvas.conditioning.index(canvas.frame_of(int(canvas.view[f]), VIDEO, 0)) for f in canvas.targets(VIDEO)]
    weight = 1 + 4 * ((batch.target_video - batch.known[:, firsts]).abs() > 0.15).float()
    error = video.float() - batch.target_video
    edges = [(error.diff(dim=dim).abs() * weight.narrow(dim, 1, weight.shape[dim] - 1)).mean() for dim in (-2, -1)]
    return (error.abs() * weight).mean() + sum(edges)


def total_loss(model, batch: Batch, config: TrainConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """One forward pass on the batch's device, and its losses by name."""
    levels, noise = draw_noise(batch, config)
    noised = noised_canvas(batch, levels, noise)
    with computing(batch.known.device, config):
        video, action = model(batch.known, noised, levels, batch.canvas, batch.rays, batch.text)
    losses: dict[str, Tensor] = {}
    loss = 0.0
    if action is not None:
        intensity, location = action_loss(action, batch.target_action, config)
        losses |= {"intensity": intensity, "location": location}
        loss = loss + 10 * intensity + config.location_weight * location
    if video is not None:
        losses["video"] = video_loss(video, batch)
        loss = loss + config.video_weight * losses["video"]
    return loss, {name: value.detach() for name, value in losses.items()}
