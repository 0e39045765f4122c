"""Decoded pose error: decoded actions of generated chunks against the expert's, on held-out episodes.

The training loss hardly shows whether a model sees; the decoded error at full noise does (docs/training.md). *Far* are
chunks whose arm travels more than 10 cm, which cannot be guessed without looking; *near* the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..codec.decode import decode
from ..world_model.canvas import build_canvas
from ..world_model.nano import pixel_latents
from ..world_model.nano.sampler import generate
from .batches import Batch, BatchMaker

FAR = 0.10


@dataclass
class Samples:
    """Generated canvases of a validation batch: uint8 [B, V, T, H, W, 3] or None where the mode has no such segment."""

    batch: Batch
    video: np.ndarray | None
    action: np.ndarray | None


def fixed_batch(maker: BatchMaker, mode: str, size: int, seed: int, known_pose: bool = True) -> Batch:
    """The same windows at every call: two views, no augmentation, no dropout."""
    rng = np.random.default_rng(seed)
    windows = [maker.sampler.draw(rng, 2, mode != "policy", augment=False) for _ in range(size)]
    return maker.assemble(windows, build_canvas(mode, windows[0].images.shape[0], maker.config.frames, known_pose))


@torch.no_grad()
def sample(model, batch: Batch, steps: int = 1, seed: int = 0) -> Samples:
    """Generate a batch's unknown frames, on the model's device."""
    device = next(model.parameters()).device
    inputs = (batch.known.to(device), batch.canvas, batch.rays.to(device), batch.text.to(device))
    video, action = generate(model, *inputs, steps=steps, seed=seed)
    return Samples(
        batch,
        None if video is None else pixel_latents.decode(video).cpu().numpy(),
        None if action is None else pixel_latents.decode(action).cpu().numpy(),
    )


def decoded_errors(samples: Samples) -> dict[str, float]:
    """Medians over chunks: position error (mm) of the last frame for far and near chunks, rotation (deg, valid
    frames); openness right and valid as shares of all frames."""
    ends: list[float] = []
    long: list[bool] = []
    rotation, openness, valid = [], [], []
    assert samples.action is not None  # modes without actions are not decoded
    for window, images in zip(samples.batch.windows, samples.action, strict=True):
        decoded = decode(images, window.K, window.world_from_camera)
        matrix = window.poses
        error = np.linalg.norm(decoded.poses[:, :3] - matrix[:, :3, 3], axis=-1)
        ends.append(error[-1])
        if decoded.valid[-1]:
            turned = Rotation.from_quat(decoded.poses[-1, 3:]).inv() * Rotation.from_matrix(matrix[-1, :3, :3])
            rotation.append(np.degrees(turned.magnitude()))
        long.append(bool(np.linalg.norm(matrix[-1, :3, 3] - matrix[0, :3, 3]) > FAR))
        openness.append(((decoded.openness > 0.5) == (window.openness > 0.5)).mean())
        valid.append(decoded.valid.mean())
    position, far = np.nan_to_num(np.array(ends) * 1e3, nan=1e3), np.array(long, dtype=bool)
    median = lambda values: float(np.median(values)) if len(values) else float("nan")  # noqa: E731
    return {
        "far_mm": median(position[far]),
        "near_mm": median(position[~far]),
        "rotation_deg": median(rotation),
        "openness": float(np.mean(openness)),
        "valid": float(np.mean(valid)),
    }


def validate(model, maker: BatchMaker, size: int = 48, seed: int = 7, *, sampler=sample, modes=("policy", "label")):
    """Decoded errors of these modes: {"policy/far_mm": .., ..}, floats. sampler: (model, batch) -> Samples."""
    report: dict[str, float] = {}
    for mode in modes:
        errors = decoded_errors(sampler(model, fixed_batch(maker, mode, size, seed)))
        report |= {f"{mode}/{name}": value for name, value in errors.items()}
    return report
