"""Test frames for the decoder: action images for random cameras, then degraded in one of several ways.

Noise (`KINDS`) is white Gaussian noise blurred with `1.2 * min(H, W) / 64` px and rescaled to the stated standard
deviation (or left white), added, clipped to [0, 1] and rounded to 8 bits; faded frames are multiplied by 0.6 first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from ..geometry.arrays import Array, Floats, Images
from ..geometry.camera import project
from .encode import action_points, blob_sigma, draw, encode, to_uint8

__all__ = ["CAMERAS_BACKWARDS", "GARBAGE", "KINDS", "Frames", "Kind", "generate", "noise_length", "random_rig"]

CAMERAS_BACKWARDS = np.diag([-1.0, -1.0, 1.0])


class Kind(NamedTuple):
    """One kind of degradation. noise: standard deviation of full scale; smooth: blurred or white noise."""

    label: str
    views: int = 2
    size: tuple[int, int] = (128, 128)
    noise: float = 0.0
    smooth: bool = True
    fade: float = 1.0
    missing: bool = False
    negative_focal: bool = False
    widen: float = 1.0
    jitter: float = 0.0


KINDS = {
    "clean_128": Kind("clean, 128 px"),
    "clean_256": Kind("clean, 256 px", size=(256, 256)),
    "clean_64": Kind("clean, 64 px", size=(64, 64)),
    "noise_5": Kind("smooth noise 5 %", noise=0.05),
    "noise_10": Kind("smooth noise 10 %", noise=0.10),
    "white_5": Kind("white noise 5 %", noise=0.05, smooth=False),
    "faded": Kind("faded to 60 % + noise 3 %", noise=0.03, fade=0.6),
    "three_views": Kind("smooth noise 5 %, 3 views", views=3, noise=0.05),
    "four_views": Kind("smooth noise 5 %, 4 views", views=4, noise=0.05),
    "portrait": Kind("smooth noise 5 %, portrait 96 x 160", size=(160, 96), noise=0.05),
    "landscape_256": Kind("smooth noise 5 %, landscape 320 x 256", size=(256, 320), noise=0.05),
    "negative_focal": Kind("smooth noise 5 %, negative focal lengths", noise=0.05, negative_focal=True),
    "missing": Kind("one point missing in one view", missing=True),
    "missing_noise": Kind("one point missing, smooth noise 5 %", missing=True, noise=0.05),
    "imagined": Kind(
        "blobs of a model: 1.3 x wider, peak 0.5, +-1 px apart, 96 px",
        size=(96, 96),
        fade=0.5,
        noise=0.01,
        widen=1.3,
        jitter=1.0,
    ),
}
GARBAGE = {
    "pure_noise": "pure smooth noise",
    "white_noise": "pure white noise",
    "two_blobs": "two blobs per channel",
    "other_rig": "images of another rig",
}


class Frames(NamedTuple):
    """images uint8 `[V, T, H, W, 3]`, K `[V, 3, 3]`, E `[V, 4, 4]`, world_from_tool `[T, 4, 4]`, openness `[T]`."""

    images: Images
    K: Floats
    E: Floats
    world_from_tool: Floats
    openness: Floats


def random_rig(rng: np.random.Generator, views: int, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Cameras 0.9 to 1.4 m from a table, 35 to 80 degrees of azimuth apart: K `[V, 3, 3]`, E `[V, 4, 4]`."""
    height, width = size
    K, E = np.zeros((views, 3, 3)), np.tile(np.eye(4), (views, 1, 1))
    azimuth = rng.uniform(-90, 90)
    for view in range(views):
        elevation, around = np.radians(rng.uniform(25, 55)), np.radians(azimuth)
        target = np.array([0.45, 0.0, 0.15]) + 0.03 * rng.standard_normal(3)
        out = [np.cos(elevation) * np.cos(around), np.cos(elevation) * np.sin(around), np.sin(elevation)]
        centre = target + rng.uniform(0.9, 1.4) * np.array(out)
        forward = (target - centre) / np.linalg.norm(target - centre)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        E[view, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        E[view, :3, 3] = centre
        focal = float(rng.uniform(0.87, 1.28)) * min(size)
        K[view] = np.array(
            [  # px
                [focal, 0, width / 2 + rng.uniform(-1.5, 1.5)],
                [0, focal * rng.uniform(0.99, 1.01), height / 2 + rng.uniform(-1.5, 1.5)],
                [0, 0, 1],
            ]
        )
        azimuth += rng.uniform(35, 80)
    return K, E


def _random_poses(rng: np.random.Generator, frames: int, K: Floats, E: Floats, size: tuple[int, int]) -> Floats:
    """Random poses over the table whose three points lie inside every picture, `[T, 4, 4]`."""
    height, width = size
    found = np.zeros((0, 4, 4))
    while len(found) < frames:
        pose = np.tile(np.eye(4), (4 * frames, 1, 1))
        pose[:, :3, 3] = rng.uniform([0.3, -0.2, 0.03], [0.6, 0.2, 0.35], (4 * frames, 3))
        pose[:, :3, :3] = Rotation.random(4 * frames, random_state=rng).as_matrix()
        uv, depth = project(action_points(pose), K[:, None, None], E[:, None, None])
        edge = 0.5 * blob_sigma(size)
        inside = ((uv > edge) & (uv < np.array([width, height]) - 1 - edge)).all(-1) & (depth > 0.1)
        found = np.concatenate([found, pose[inside.all((0, 2))]])
    return found[:frames]


def _noise(rng: np.random.Generator, shape: tuple[int, ...], deviation: float, length: float) -> Array:
    """Noise `[..., H, W, C]`; drawn with the pixels innermost, which filters faster."""
    noise = rng.standard_normal(shape[:-3] + (shape[-1],) + shape[-3:-1], dtype=np.float32)
    if length:
        noise = gaussian_filter(noise, (0.0,) * (noise.ndim - 2) + (length, length))
        noise /= noise.std(axis=(-2, -1), keepdims=True)
    return np.moveaxis(noise * np.float32(deviation), -3, -1)


def noise_length(kind: Kind) -> float:
    """Blur (px) of the generator's noise: `1.2 * min(H, W) / 64`, or 0 for white noise."""
    return 1.2 * min(kind.size) / 64.0 if kind.smooth else 0.0


def generate(kind: Kind | str, frames: int, rng: np.random.Generator) -> Frames:
    """T frames of one kind before one random rig. kind: a `Kind` or a key of `KINDS` or `GARBAGE`."""
    if isinstance(kind, str) and kind in GARBAGE:
        return _garbage(kind, frames, rng)
    kind = KINDS[kind] if isinstance(kind, str) else kind
    K, E = random_rig(rng, kind.views, kind.size)
    pose = _random_poses(rng, frames, K, E, kind.size)
    openness = rng.integers(0, 2, frames).astype(np.float64)
    uv = encode(pose, openness, K, E, kind.size).uv
    uv = uv + rng.uniform(-kind.jitter, kind.jitter, uv.shape)
    images: Array = draw(uv, np.broadcast_to(openness, uv.shape[:2]), kind.size)
    if kind.widen != 1.0:
        blur = blob_sigma(kind.size) * np.sqrt(kind.widen**2 - 1.0)
        images = gaussian_filter(images, (0, 0, blur, blur, 0))
        images[..., :2] /= images[..., :2].max((2, 3), keepdims=True)
    if kind.missing:
        images[rng.integers(kind.views), :, :, :, rng.integers(3)] = 0.0
    images = images * kind.fade
    if kind.noise:
        images = images + _noise(rng, images.shape, kind.noise, noise_length(kind))
    images = to_uint8(np.clip(images, 0.0, 1.0))
    if kind.negative_focal:
        K, E = K @ CAMERAS_BACKWARDS, E @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return Frames(images, K, E, pose, openness)


def _garbage(name: str, frames: int, rng: np.random.Generator) -> Frames:
    size = (128, 128)
    base = generate(Kind("garbage"), frames, rng)
    if name in ("pure_noise", "white_noise"):
        length = 1.2 * min(size) / 64.0 if name == "pure_noise" else 0.0
        level, deviation = rng.uniform(0.0, 0.5), rng.uniform(0.05, 0.3)
        return base._replace(images=to_uint8(np.clip(level + _noise(rng, base.images.shape, deviation, length), 0, 1)))
    if name == "two_blobs":
        other = encode(_random_poses(rng, frames, base.K, base.E, size), base.openness, base.K, base.E, size)
        return base._replace(images=np.maximum(base.images, to_uint8(other.images)))
    K, E = random_rig(rng, 2, size)
    return base._replace(K=K, E=E)
