"""How well action images are decoded: generated test frames, the Cramer-Rao bound, and a table to publish.

The frames are drawn with a perfect encoder and then spoilt in one of several ways (`KINDS`). Noise is white Gaussian
noise blurred with `1.2 * min(H, W) / 64` px and rescaled to the stated standard deviation (or left white), added,
clipped to [0, 1] and rounded to 8 bits; faded frames are multiplied by 0.6 first.

The bound is that of three full Gaussians per view in stationary noise of the generator's spectrum plus the rounding
to 8 bits. It ignores the clipping and that the blue blob is cut off at its pedestal; the cut is a contour of its own
and can tell more about the place than the Gaussian's missing foot, so ratios slightly below 1 are possible.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from ..codec.decode import DecodedActions, decode
from ..codec.encode import TOOL_POINTS, action_points, blob_sigma, draw, encode, to_uint8
from ..codec.published import decode_published
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7, vector_from_rotation
from ..geometry.triangulation import projection_jacobian

__all__ = ["GARBAGE", "KINDS", "Frames", "Kind", "Scores", "decoder_table", "evaluate_kind", "generate",
           "pose_bound", "random_rig"]

CAMERAS_BACKWARDS = np.diag([-1.0, -1.0, 1.0])


class Kind(NamedTuple):
    """One way to spoil frames. noise: standard deviation of full scale; smooth: blurred or white noise."""

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
    "imagined": Kind("blobs of a model: 1.3 x wider, peak 0.5, +-1 px apart, 96 px", size=(96, 96), fade=0.5,
                     noise=0.01, widen=1.3, jitter=1.0),
}
GARBAGE = {
    "pure_noise": "pure smooth noise",
    "white_noise": "pure white noise",
    "two_blobs": "two blobs per channel",
    "other_rig": "images of another rig",
}


class Frames(NamedTuple):
    """images uint8 `[V, T, H, W, 3]`, K `[V, 3, 3]`, E `[V, 4, 4]`, world_from_tool `[T, 4, 4]`, openness `[T]`."""

    images: np.ndarray
    K: np.ndarray
    E: np.ndarray
    world_from_tool: np.ndarray
    openness: np.ndarray


def random_rig(rng, views: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
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
        focal = rng.uniform(0.87, 1.28) * min(size)
        K[view] = [[focal, 0, width / 2 + rng.uniform(-1.5, 1.5)],
                   [0, focal * rng.uniform(0.99, 1.01), height / 2 + rng.uniform(-1.5, 1.5)], [0, 0, 1]]
        azimuth += rng.uniform(35, 80)
    return K, E


def _random_poses(rng, frames, K, E, size):
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


def _noise(rng, shape, deviation, length):
    """Noise `[..., H, W, C]`; drawn with the pixels innermost, which filters faster."""
    noise = rng.standard_normal(shape[:-3] + (shape[-1],) + shape[-3:-1], dtype=np.float32)
    if length:
        noise = gaussian_filter(noise, (0.0,) * (noise.ndim - 2) + (length, length))
        noise /= noise.std(axis=(-2, -1), keepdims=True)
    return np.moveaxis(noise * np.float32(deviation), -3, -1)


def noise_length(kind: Kind) -> float:
    """Blur (px) of the generator's noise: `1.2 * min(H, W) / 64`, or 0 for white noise."""
    return 1.2 * min(kind.size) / 64.0 if kind.smooth else 0.0


def generate(kind: Kind | str, frames: int, rng) -> Frames:
    """T frames of one kind before one random rig. kind: a `Kind` or a key of `KINDS` or `GARBAGE`."""
    if isinstance(kind, str) and kind in GARBAGE:
        return _garbage(kind, frames, rng)
    kind = KINDS[kind] if isinstance(kind, str) else kind
    K, E = random_rig(rng, kind.views, kind.size)
    pose = _random_poses(rng, frames, K, E, kind.size)
    openness = rng.integers(0, 2, frames).astype(np.float64)
    uv = encode(pose, openness, K, E, kind.size).uv
    uv = uv + rng.uniform(-kind.jitter, kind.jitter, uv.shape)
    images = draw(uv, np.broadcast_to(openness, uv.shape[:2]), kind.size)
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


def _garbage(name: str, frames: int, rng) -> Frames:
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


def blob_information(size: tuple[int, int], noise: float, length: float, fade: float = 1.0) -> float:
    """Fisher information (px^-2) about each coordinate of one Gaussian blob of peak `fade` in stationary noise.

    `(1 / 4 pi^2) * integral of w_x^2 |G(w)|^2 / S(w)` with `G = 2 pi s^2 exp(-s^2 w^2 / 2)` and the noise spectrum
    `S = 4 pi l^2 sd^2 exp(-l^2 w^2)` (white: `sd^2`) plus `1 / (12 * 255^2)` of rounding.
    """
    sigma = blob_sigma(size)
    omega = np.linspace(0.0, np.pi, 4001)[1:]
    spectrum = noise**2 * (4 * np.pi * length**2 * np.exp(-(length * omega) ** 2) if length else 1.0)
    power = (2 * np.pi * sigma**2 * fade) ** 2 * np.exp(-(sigma * omega) ** 2)
    integrand = np.pi * omega**3 * power / (spectrum + 1.0 / (12 * 255.0**2))
    return float(integrand.sum() * (omega[1] - omega[0]) / (4 * np.pi**2))


def pose_bound(world_from_tool, K, E, information, seen=None) -> np.ndarray:
    """Cramer-Rao covariance `[T, 6, 6]` (translation m, rotation vector rad, left, world) of the poses `[T, 4, 4]`.

    information: px^-2 per blob (see `blob_information`); seen: bool `[V, 3]`, which points each view shows.
    """
    points = action_points(world_from_tool)
    arms = np.einsum("tij,kj->tki", world_from_tool[:, :3, :3], TOOL_POINTS)
    by_point = projection_jacobian(points, K[:, None, None], E[:, None, None])
    turn = np.stack([np.cross(np.broadcast_to(axis, arms.shape), arms) for axis in np.eye(3)], axis=-1)
    jacobian = np.concatenate([by_point, by_point @ turn], axis=-1)
    weight = np.ones((len(K), 3)) if seen is None else np.asarray(seen, float)
    return np.linalg.inv(information * np.einsum("vk,vtkri,vtkrj->tij", weight, jacobian, jacobian, optimize=True))


class Scores(NamedTuple):
    """Errors of one kind, one entry per frame; `summary` makes plain numbers of them."""

    position: np.ndarray
    rotation: np.ndarray
    nees: np.ndarray
    openness_right: np.ndarray
    valid: np.ndarray
    bound_position: np.ndarray
    bound_rotation: np.ndarray
    published_position: np.ndarray
    published_axis: np.ndarray
    published_openness_right: np.ndarray
    seconds: np.ndarray

    def summary(self) -> dict:
        """Medians and 95th percentiles in mm and degrees, their ratio to the bound, shares, NEES of
        valid frames, milliseconds of processor time."""
        row = {}
        for name, values, unit in (("position_mm", self.position, 1e3), ("rotation_deg", self.rotation, 180 / np.pi)):
            bound = getattr(self, "bound_" + name.split("_")[0]) * unit
            values = values * unit
            row[f"{name}_median"], row[f"{name}_p95"] = np.nanmedian(values), np.nanpercentile(values, 95)
            row[f"{name}_bound_median"], row[f"{name}_bound_p95"] = np.median(bound), np.percentile(bound, 95)
            row[f"{name}_median_ratio"] = row[f"{name}_median"] / row[f"{name}_bound_median"]
            row[f"{name}_p95_ratio"] = row[f"{name}_p95"] / row[f"{name}_bound_p95"]
        row["nees"] = np.mean(self.nees[self.valid]) if self.valid.any() else float("nan")
        row["openness_right"] = self.openness_right.mean()
        row["valid"] = self.valid.mean()
        row["published_position_mm_median"] = np.median(self.published_position) * 1e3
        row["published_axis_deg_median"] = np.degrees(np.median(self.published_axis))
        row["published_openness_right"] = self.published_openness_right.mean()
        row["ms_per_frame"] = 1e3 * np.median(self.seconds)
        return {key: float(value) for key, value in row.items()}


def pose_errors(decoded: DecodedActions, world_from_tool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position error (m), rotation error (rad) and normalised estimation error squared `[T]`; NaN where unsolved."""
    solved = np.isfinite(decoded.poses).all(-1)
    poses = np.where(solved[:, None], decoded.poses, [0, 0, 0, 0, 0, 0, 1.0])
    estimate = matrix_from_pose7(poses)
    shift = world_from_tool[:, :3, 3] - estimate[:, :3, 3]
    turn = vector_from_rotation(world_from_tool[:, :3, :3] @ np.swapaxes(estimate[:, :3, :3], 1, 2))
    error = np.concatenate([shift, turn], axis=1)
    covariance = np.where(solved[:, None, None], decoded.covariance, np.eye(6))
    nees = np.einsum("ti,ti->t", error, np.linalg.solve(covariance, error[..., None])[..., 0])
    blank = np.where(solved, 1.0, np.nan)
    return np.linalg.norm(shift, axis=1) * blank, np.linalg.norm(turn, axis=1) * blank, nees * blank


def evaluate_kind(kind: Kind | str, frames: int = 500, seed: int = 0, chunk: int = 20, draws: int = 40,
                  published: bool = True) -> Scores:
    """Decode `frames` generated frames in chunks of `chunk`, each before another rig, and compare with the truth."""
    rng = np.random.default_rng(seed)
    kind = KINDS[kind] if isinstance(kind, str) and kind in KINDS else kind
    columns = [[] for _ in Scores._fields]
    for _ in range(-(-frames // chunk)):
        data = generate(kind, chunk, rng)
        start = time.process_time()
        decoded = decode(data.images, data.K, data.E)
        seconds = (time.process_time() - start) / chunk
        position, rotation, nees = pose_errors(decoded, data.world_from_tool)
        bound_position, bound_rotation = np.ones(chunk), np.ones(chunk)
        if isinstance(kind, Kind):
            seen = (data.images.max((1, 2, 3)) > 0.3 * 255 * kind.fade) if kind.missing else None
            covariance = pose_bound(data.world_from_tool, data.K, data.E,
                                    blob_information(kind.size, kind.noise, noise_length(kind), kind.fade), seen)
            sample = np.linalg.cholesky(covariance) @ rng.standard_normal((chunk, 6, draws))
            bound_position = np.linalg.norm(sample[:, :3], axis=1).ravel()
            bound_rotation = np.linalg.norm(sample[:, 3:], axis=1).ravel()
        other = np.full(chunk, np.nan), np.full(chunk, np.nan), np.zeros(chunk, bool)
        if published:
            theirs = decode_published(data.images, data.K, data.E)
            cosine = np.sum(theirs.x_axis * data.world_from_tool[:, :3, 0], axis=1)
            other = (np.linalg.norm(theirs.position - data.world_from_tool[:, :3, 3], axis=1),
                     np.arccos(np.clip(cosine, -1, 1)), (theirs.openness > 0.5) == (data.openness > 0.5))
        row = (position, rotation, nees, (decoded.openness > 0.5) == (data.openness > 0.5), decoded.valid,
               bound_position, bound_rotation, *other, np.array([seconds]))
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return Scores(*(np.concatenate(column) for column in columns))


def decoder_table(frames: int = 500, seed: int = 0, kinds=None, progress=None) -> list[dict]:
    """Rows of the decoder table: one dict per kind (see `Scores.summary`), garbage kinds with `valid` only.

    progress: called with each kind's name before it is computed.
    """
    rows = []
    for name in (*KINDS, *GARBAGE) if kinds is None else kinds:
        if progress is not None:
            progress(name)
        scores = evaluate_kind(name, frames, seed)
        if name in GARBAGE:
            rows.append({"kind": name, "label": GARBAGE[name], "garbage": True, "frames": len(scores.valid),
                         "valid": float(scores.valid.mean()), "ms_per_frame": float(1e3 * np.median(scores.seconds))})
        else:
            kind = KINDS[name]
            rows.append({"kind": name, "label": kind.label, "garbage": False, "frames": len(scores.valid),
                         "views": kind.views, "size": list(kind.size), **scores.summary()})
    return rows
