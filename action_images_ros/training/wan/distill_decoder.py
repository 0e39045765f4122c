"""The small decoder for action images, distilled from an autoencoder on images of the codec.

The data are synthetic: random motions and cameras, encoded by the codec and then by the frozen autoencoder. The small
decoder learns the action images (``target`` codec) or the reconstruction of the autoencoder (``target`` autoencoder)
from the latents. Noise on the latents stands for errors of a generator.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp
from torch import Tensor

from ...codec.decode import decode
from ...codec.encode import encode as draw_actions
from ...codec.synthetic import Kind, generate
from ...metrics.poses import pose_errors
from ...progress import Progress, silent
from ...world_model.wan.action_decoder import ActionDecoder
from ...world_model.wan.autoencoder import Autoencoder
from ...world_model.wan.conventions import to_model_range

TARGETS = ("codec", "autoencoder")


@dataclass(frozen=True)
class DistillSettings:
    """size: (H, W) px, frames: 1 + 4 k, of the segments drawn. batch: segments per step. heat: how many times more a
    pixel of a blob counts than background. noise: largest deviation added to latents (their own is about 1)."""

    size: tuple[int, int] = (512, 512)
    frames: int = 17
    steps: int = 20_000
    batch: int = 8
    learning_rate: float = 5e-4
    heat: float = 8.0
    noise: float = 0.3
    target: str = "codec"
    seed: int = 0

    def __post_init__(self):
        if self.target not in TARGETS:
            raise ValueError(f"target = {self.target!r}: use one of {', '.join(TARGETS)}")
        if self.frames < 5 or self.frames % 4 != 1:
            raise ValueError(f"frames = {self.frames}: give 1 + 4 k, for example 17")
        for name in ("steps", "batch", "learning_rate", "heat"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}: give a positive number")


def moving_actions(rng: np.random.Generator, frames: int, size: tuple[int, int], views: int = 1):
    """(images float32 [V, T, H, W, 3], K, world_from_camera, world_from_tool [T, 4, 4], openness [T]).

    The tool moves between a few random poses that every camera sees; the gripper changes once in half of the clips.
    """
    stops = max(2, frames // 8)
    scene = generate(Kind("", views=views, size=size), stops, rng)
    at, times = np.linspace(0, frames - 1, stops), np.arange(frames)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    for axis in range(3):
        poses[:, axis, 3] = np.interp(times, at, scene.world_from_tool[:, axis, 3])
    poses[:, :3, :3] = Slerp(at, Rotation.from_matrix(scene.world_from_tool[:, :3, :3]))(times).as_matrix()
    openness = np.full(frames, float(rng.random() < 0.5))
    if rng.random() < 0.5:
        openness[rng.integers(1, frames) :] = 1 - openness[0]
    images = draw_actions(poses, openness, scene.K, scene.E, size).images
    return images, scene.K, scene.E, poses, openness


def weighted_error(painted: Tensor, wanted: Tensor, heat: float) -> Tensor:
    """Mean squared error in which pixels count ``1 + heat * value``; [N, T, 3, H, W] in [0, 1]."""
    return ((1 + heat * wanted) * (painted - wanted) ** 2).mean()


def distill(
    autoencoder: Autoencoder,
    settings: DistillSettings,
    out: str | Path | None = None,
    *,
    width: int = 128,
    blocks: int = 4,
    progress: Progress = silent,
    minutes: float | None = None,
) -> ActionDecoder:
    """Train a decoder for this autoencoder; written to ``out`` (configuration, weights, `distilled.json`) if given."""
    vae = autoencoder.vae
    torch.manual_seed(settings.seed)
    student = (
        ActionDecoder(
            latent_channels=vae.config.z_dim, spatial=vae.config.scale_factor_spatial, width=width, blocks=blocks
        )
        .to(vae.device)
        .train()
    )
    optimiser = torch.optim.AdamW(student.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
    warm = max(1, settings.steps // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, 0.5 + 0.5 * np.cos(np.pi * step / settings.steps))
    )
    rng, begin, losses = np.random.default_rng(settings.seed), time.monotonic(), []
    for step in range(settings.steps):
        images = np.concatenate([moving_actions(rng, settings.frames, settings.size)[0] for _ in range(settings.batch)])
        with torch.no_grad():
            latents = autoencoder.encode(to_model_range(images))
            scale = settings.noise * torch.rand(len(latents), 1, 1, 1, 1, device=latents.device)
            latents = latents + scale * torch.randn_like(latents)
            pictures = images if settings.target == "codec" else autoencoder.decode(latents).astype(np.float32) / 255
        wanted = torch.from_numpy(pictures).permute(0, 1, 4, 2, 3).to(latents.device)
        loss = weighted_error(student(latents), wanted, settings.heat)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        rate.step()
        losses.append(float(loss.detach()))
        if (step + 1) % max(1, settings.steps // 20) == 0:
            progress(f"step {step + 1}/{settings.steps} loss {np.mean(losses[-50:]):.5f}")
        if minutes is not None and time.monotonic() - begin > 60 * minutes:
            break
    student.eval().requires_grad_(False)
    if out is not None:
        out = Path(out)
        student.save_pretrained(out, safe_serialization=True)
        facts = {
            "steps": len(losses),
            "loss": float(np.mean(losses[-50:])),
            "size": list(settings.size),
            "frames": settings.frames,
            "target": settings.target,
            "seconds": round(time.monotonic() - begin, 1),
        }
        (out / "distilled.json").write_text(json.dumps(facts, indent=1) + "\n")
    return student


@torch.no_grad()
def decoded_error(
    autoencoder: Autoencoder,
    decoder,
    settings: DistillSettings,
    *,
    clips: int = 4,
    seed: int = 10_000,
    noise: float = 0.0,
    views: int = 2,
) -> dict:
    """Errors of poses decoded from a decoder's output on encoded action images.

    decoder: an `ActionDecoder` or the autoencoder itself. Medians over all frames but the first (which is known):
    {"position_mm", "rotation_deg", "openness_right", "valid"}.
    """
    rows = []
    for i in range(clips):
        rng = np.random.default_rng(seed + i)
        images, K, E, poses, openness = moving_actions(rng, settings.frames, settings.size, views)
        latents = autoencoder.encode(to_model_range(images))
        spoilt = latents + noise * torch.from_numpy(rng.standard_normal(tuple(latents.shape), np.float32)).to(latents)
        read = decode(decoder.decode(spoilt), K, E)
        position, rotation, _ = pose_errors(read, poses)
        rows.append((position[1:], rotation[1:], ((read.openness > 0.5) == (openness > 0.5))[1:], read.valid[1:]))
    position, rotation, right, valid = (np.concatenate(column) for column in zip(*rows, strict=True))
    return {
        "position_mm": float(1e3 * np.nanmedian(position)),
        "rotation_deg": float(np.degrees(np.nanmedian(rotation))),
        "openness_right": float(right.mean()),
        "valid": float(valid.mean()),
    }
