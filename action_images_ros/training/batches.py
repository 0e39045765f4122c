"""Windows to training batches: views, modes, action images and rays.

A loader packs a batch (`PackedBatch`), the device that trains unpacks it (`Batch`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..codec.encode import PEDESTAL, action_points, blob_sigma, draw
from ..geometry.camera import project, resize_intrinsics
from ..world_model.canvas import ACTION, VIDEO, Canvas, build_canvas
from ..world_model.nano import pixel_latents
from ..world_model.nano.denoiser import ACTION_SCALE
from ..world_model.rays import coarse_rays
from .config import TrainConfig
from .windows import TrainingWindow, WindowSampler


@dataclass
class Batch:
    """Tensors of one training step, in canvas order (shapes as in `NanoDenoiser.forward`)."""

    canvas: Canvas
    known: torch.Tensor  # [B, n_known, 12, H, W]
    target_video: torch.Tensor | None  # [B, n_video, 12, H, W] in [-1, 1]
    target_action: torch.Tensor | None  # [B, n_action, 12, H/2, W/2] in [0, 1]
    rays: torch.Tensor  # [B, V, 6, H/4, W/4]
    text: torch.Tensor  # [B, L, D]
    windows: list[TrainingWindow]
    poses: torch.Tensor  # [B, T, 4, 4]
    told: torch.Tensor  # [B, 4, 4] the tool's first pose as the model is told it
    openness: torch.Tensor  # [B, T]
    seeds: list[int]  # [B], of each window's noise


@dataclass
class PackedBatch:
    """The batch as a loader transfers it: images as bytes and blobs as coordinates, about a tenth of the size."""

    canvas: Canvas
    size: tuple[int, int]
    images: torch.Tensor  # uint8 [B, V, n, H, W, 3]
    given_uv: torch.Tensor | None  # [B, V, n, 3, 2] px, of the action images that are known
    wanted_uv: torch.Tensor | None  # [B, V, T, 3, 2] px at half the size, of those to generate
    openness: torch.Tensor  # [B, T]
    rays: torch.Tensor
    text: torch.Tensor
    windows: list[TrainingWindow]
    poses: torch.Tensor
    told: torch.Tensor
    seeds: list[int]

    def pin_memory(self) -> PackedBatch:
        """In page-locked memory, from where a GPU copies without waiting; DataLoader calls this."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        return replace(self, **{name: value.pin_memory() for name, value in tensors.items()})

    def unpack(self, device: torch.device | str = "cpu") -> Batch:
        """Latents and targets, made on the device that is to use them."""
        canvas = self.canvas

        def there(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(device, non_blocking=True)

        openness = there(self.openness)[:, None]  # the same in every view
        segments = {VIDEO: pixel_latents.encode(there(self.images))}  # [B, V, n, 12, H, W]
        if self.given_uv is not None:
            drawn = draw_points(there(self.given_uv), openness[..., : self.given_uv.shape[2]], self.size)
            segments[ACTION] = pixel_latents.encode(drawn)
        known = pixel_latents.on_canvas(segments, canvas, canvas.conditioning)
        target_action = target_video = None
        if self.wanted_uv is not None:
            half = (self.size[0] // ACTION_SCALE, self.size[1] // ACTION_SCALE)
            drawn = draw_points(there(self.wanted_uv), openness, half)
            latents = pixel_latents.encode(drawn).add_(1).mul_(0.5)
            target_action = pixel_latents.on_canvas({ACTION: latents}, canvas, canvas.targets(ACTION))
        if canvas.targets(VIDEO):
            target_video = pixel_latents.on_canvas(segments, canvas, canvas.targets(VIDEO))
        return Batch(
            canvas,
            known,
            target_video,
            target_action,
            there(self.rays),
            there(self.text),
            self.windows,
            there(self.poses),
            there(self.told),
            openness[:, 0],
            self.seeds,
        )


def draw_points(uv: torch.Tensor, openness: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """`codec.encode.draw` for tensors on any device: uv [..., 3, 2] px, openness [...] -> [..., H, W, 3] in [0, 1]."""
    scale = 0.5**0.5 / blob_sigma(size)
    uv = torch.where(torch.isfinite(uv), uv, 1e6)  # a point behind the camera lies far outside of the picture
    y, x = (torch.arange(n, device=uv.device, dtype=uv.dtype) for n in size)
    gx = torch.exp(-(((x - uv[..., :1]) * scale) ** 2))
    gy = torch.exp(-(((y - uv[..., 1:]) * scale) ** 2))
    planes = gy[..., :, None] * gx[..., None, :]  # [..., 3, H, W]
    blue, pedestal = planes[..., 2, :, :], PEDESTAL * (openness > 0.5).to(uv.dtype)[..., None, None]
    blue.copy_(torch.where(blue <= PEDESTAL, pedestal, blue))
    return planes.movedim(-3, -1)


def project_actions(poses: np.ndarray, K: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Where the three points are: poses [B, T, 4, 4], K [B, V, 3, 3], E [B, V, 4, 4] -> uv [B, V, T, 3, 2] px, NaN
    behind the camera."""
    uv, depth = project(action_points(poses)[:, None], K[:, :, None, None], E[:, :, None, None])
    return np.where((depth > 1e-6)[..., None], uv, np.nan)


def action_images(poses: np.ndarray, openness: np.ndarray, K: np.ndarray, E: np.ndarray, size) -> np.ndarray:
    """poses [B, T, 4, 4], openness [B, T], K [B, V, 3, 3], E [B, V, 4, 4] -> float32 [B, V, T, H, W, 3]."""
    uv = project_actions(poses, K, E)
    return draw(uv, np.broadcast_to(openness[:, None], uv.shape[:3]), size)


class BatchMaker:
    """Windows to the tensors of one mode."""

    def __init__(self, sampler: WindowSampler, encode_text, config: TrainConfig):
        self.sampler, self.encode_text, self.config = sampler, encode_text, config

    def make(
        self, step: int, indices: range | None = None, *, modes: dict | None = None, augment: bool = True
    ) -> PackedBatch:
        """The windows ``indices`` (default: all) of a step's batch.

        What all windows share, such as the mode, depends on (seed, step), everything else on (seed, step, index): a
        step is the same however its batch is divided.
        """
        config = self.config
        shared = np.random.default_rng((config.seed, step))
        mode, views = str(_choose(shared, modes or config.modes_at(step))), int(_choose(shared, config.views))
        views = min(views, self.sampler.cameras, 2 if mode == "video" else views)
        known_pose = mode != "label" or shared.random() >= config.unknown_pose
        # One is added because a trailing zero does not change a seed.
        rngs = [np.random.default_rng((config.seed, step, i + 1)) for i in indices or range(config.batch_size)]
        windows = [self.sampler.draw(rng, views, mode != "policy", augment) for rng in rngs]
        if mode == "label":  # no plan foresees a motion played backwards: the actions must be read off the video
            windows = [
                w.reversed() if rng.random() < config.label_reversed else w
                for w, rng in zip(windows, rngs, strict=True)
            ]
        return self.pack(windows, build_canvas(mode, views, config.frames, known_pose), rngs)

    def assemble(self, windows: list[TrainingWindow], canvas: Canvas) -> Batch:
        """Tensors of these windows as they are."""
        return self.pack(windows, canvas).unpack()

    def pack(self, windows: list[TrainingWindow], canvas: Canvas, rngs: list | None = None) -> PackedBatch:
        """These windows, ready to be unpacked; ``rngs`` None: no text dropout, no jitter of the known pose, no noise"""
        config, size = self.config, self.config.image_size
        K = np.stack([w.K for w in windows])
        E = np.stack([w.world_from_camera for w in windows])
        poses = np.stack([w.poses for w in windows])
        given_uv, wanted_uv, shown = None, None, poses
        if any(canvas.modality[f] == ACTION for f in canvas.conditioning):
            frames = config.frames if canvas.mode == "world" else 1
            shown = poses[:, :frames]
            if canvas.mode == "policy" and rngs is not None:
                shown = np.stack([self._jitter(p, rng) for p, rng in zip(shown, rngs, strict=True)])
            given_uv = _float_tensor(project_actions(shown, K, E))
        if canvas.targets(ACTION):
            halved = resize_intrinsics(K, 1 / ACTION_SCALE, 1 / ACTION_SCALE)
            wanted_uv = _float_tensor(project_actions(poses, halved, E))
        text = torch.from_numpy(np.array(self.encode_text([w.instruction for w in windows])[0]))
        seeds = []
        dropout = config.label_text_dropout if canvas.mode == "label" else config.text_dropout
        for i, rng in enumerate(rngs or []):
            if rng.random() < dropout:
                text[i] = 0
            seeds.append(int(rng.integers(2**63)))
        images = torch.from_numpy(np.stack([w.images for w in windows]))
        openness = _float_tensor(np.stack([w.openness for w in windows]))
        rays = torch.from_numpy(coarse_rays(K, E, size))
        return PackedBatch(
            canvas,
            size,
            images,
            given_uv,
            wanted_uv,
            openness,
            rays,
            text,
            windows,
            _float_tensor(poses),
            _float_tensor(shown[:, 0]),
            seeds,
        )

    def _jitter(self, poses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Perturb some conditioning poses [n, 4, 4], so that the model relies on the images."""
        config = self.config
        if rng.random() >= config.pose_jitter:
            return poses
        poses = poses.copy()
        poses[:, :3, 3] += rng.normal(0, config.pose_jitter_mm * 1e-3 / 1.7, 3)
        turn = Rotation.from_rotvec(rng.normal(0, np.radians(config.pose_jitter_deg) / 1.7, 3)).as_matrix()
        poses[:, :3, :3] = turn @ poses[:, :3, :3]
        return poses


def _float_tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _choose(rng: np.random.Generator, weights: dict):
    """A key, with probability in proportion to its weight."""
    share = np.array(list(weights.values()), dtype=float)
    return rng.choice(list(weights), p=share / share.sum())
