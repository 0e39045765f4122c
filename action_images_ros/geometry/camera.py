"""The pinhole camera: intrinsics, projection, crops and resizes, Pluecker rays, sign conventions.

`K` `[..., 3, 3]` are intrinsics in pixels, `E` `[..., 4, 4]` is `world_from_camera` of the OpenCV optical frame
(x right, y down, z forward; REP 103 `_optical`). Pixel centres lie at integer coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import ArrayLike, Floats
from .pose import inverse

__all__ = [
    "Camera",
    "crop_intrinsics",
    "intrinsics_from_fovy",
    "looking_at",
    "normalise_signs",
    "normalised_cameras",
    "plucker",
    "project",
    "resize_intrinsics",
    "validate_extrinsics",
    "validate_intrinsics",
]

_MIRROR = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated camera; checked when made, negative focal lengths are normalised.

    K: `[3, 3]` px; world_from_camera: `[4, 4]` m, of the optical frame; size: (H, W) px of its images.
    """

    K: Floats
    world_from_camera: Floats
    size: tuple[int, int]

    def __post_init__(self) -> None:
        height, width = self.size
        if height < 1 or width < 1:
            raise ValueError(f"size is {self.size}; give a positive (H, W) in pixels")
        K, E = normalise_signs(self.K, self.world_from_camera)
        if K.shape != (3, 3) or E.shape != (4, 4):
            raise ValueError(f"K is {list(K.shape)} and world_from_camera {list(E.shape)}; give [3, 3] and [4, 4]")
        object.__setattr__(self, "K", K)
        object.__setattr__(self, "world_from_camera", E)
        object.__setattr__(self, "size", (int(height), int(width)))

    @classmethod
    def looking_at(cls, eye: ArrayLike, target: ArrayLike, size: tuple[int, int], *, fovy_deg: float = 50.0) -> Camera:
        """An ideal camera at `eye` (m) whose image centre shows `target` (m); see `looking_at`."""
        return cls(intrinsics_from_fovy(fovy_deg, *size), looking_at(eye, target), size)

    @staticmethod
    def stack(cameras: Sequence[Camera]) -> tuple[Floats, Floats]:
        """K `[V, 3, 3]` and world_from_camera `[V, 4, 4]` of V cameras, as the codec takes them."""
        return np.stack([camera.K for camera in cameras]), np.stack([camera.world_from_camera for camera in cameras])


def looking_at(eye: ArrayLike, target: ArrayLike) -> Floats:
    """world_from_camera `[4, 4]` of an optical frame at `eye` that looks at `target` (m), image down along world down.

    Raises ValueError where they coincide or lie above one another.
    """
    centre, towards = np.asarray(eye, dtype=np.float64), np.asarray(target, dtype=np.float64)
    forward = towards - centre
    right = np.cross(forward, [0.0, 0.0, 1.0])
    if not np.linalg.norm(right) > 1e-9:
        raise ValueError(
            f"eye is {centre.tolist()} and target {towards.tolist()}; give two points not above one another"
        )
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = centre
    return pose


def _camera_array(name: str, value: ArrayLike, size: int) -> Floats:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not numeric ({error}); give float arrays [..., {size}, {size}]") from None
    if array.ndim < 2 or array.shape[-2:] != (size, size):
        raise ValueError(
            f"{name} has shape {list(array.shape)}, expected [..., {size}, {size}]; give one matrix per camera"
        )
    if array.size == 0:
        raise ValueError(f"{name} has shape {list(array.shape)}: it holds no camera; give at least one")
    if not np.isfinite(array).all():
        where = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise ValueError(f"{name}{where} is {array[tuple(where)]}; calibrate the camera, every entry must be finite")
    return array


def validate_intrinsics(K: ArrayLike) -> Floats:
    """`K` as float64 `[..., 3, 3]`; ValueError when not finite, singular or not of pinhole form."""
    K = _camera_array("K", K, 3)
    if np.any(np.abs(K[..., 2, :] - [0.0, 0.0, 1.0]) > 1e-6) or np.any(np.abs(K[..., 1, 0]) > 1e-6):
        raise ValueError(
            f"K is {K.tolist()}: not of the form [[fx, s, cx], [0, fy, cy], [0, 0, 1]]; "
            "give the matrix of an undistorted pinhole camera, not its transpose or inverse"
        )
    focal = np.stack([K[..., 0, 0], K[..., 1, 1]], axis=-1)
    if np.any(np.abs(focal) < 1e-3):
        raise ValueError(
            f"K has focal lengths {focal.reshape(-1, 2).tolist()} px: it is singular; "
            "calibrate the camera (an all-zero K means an uncalibrated one)"
        )
    return K


def validate_extrinsics(E: ArrayLike) -> Floats:
    """`E` (world_from_camera) as float64 `[..., 4, 4]`; ValueError when not finite or not a rigid motion."""
    E = _camera_array("E", E, 4)
    rotation = E[..., :3, :3]
    error = np.abs(rotation @ np.swapaxes(rotation, -1, -2) - np.eye(3)).max()
    if error > 1e-3 or np.any(np.linalg.det(rotation) < 0) or np.abs(E[..., 3, :] - [0, 0, 0, 1]).max() > 1e-6:
        raise ValueError(
            f"E is {E.tolist()}: not a rigid motion (rotation off by {error:.3g}); "
            "give world_from_camera of the optical frame, rotation in the upper left, bottom row 0 0 0 1"
        )
    return E


def normalise_signs(K: ArrayLike, E: ArrayLike) -> tuple[Floats, Floats]:
    """Cameras with both focal lengths negative (PyRep, RLBench) rewritten with positive ones; same rays.

    `K -> K @ diag(-1, -1, 1)` (cx, cy stay), `E -> E @ diag(-1, -1, 1, 1)`. K `[..., 3, 3]`, E `[..., 4, 4]`.
    Raises ValueError when only one is negative (a mirrored image) and on invalid K or E.
    """
    K, E = validate_intrinsics(K), validate_extrinsics(E)
    negative = np.stack([K[..., 0, 0] < 0, K[..., 1, 1] < 0], axis=-1)
    mixed = negative[..., 0] != negative[..., 1]
    if np.any(mixed):
        bad = K[mixed].reshape(-1, 3, 3)[0] if K.ndim > 2 else K
        raise ValueError(
            f"K has focal lengths fx = {bad[0, 0]:g}, fy = {bad[1, 1]:g}: only one is negative, which "
            "mirrors the image; flip the image or give both the same sign"
        )
    both = np.asarray(negative.all(axis=-1))
    sign = np.where(both[..., None], _MIRROR, 1.0)
    signs_E = np.concatenate([sign, np.ones(sign.shape[:-1] + (1,))], axis=-1)
    return K * sign[..., None, :], E * signs_E[..., None, :]


def normalised_cameras(K: ArrayLike, E: ArrayLike) -> tuple[Floats, Floats]:
    """`normalise_signs` of K `[V, 3, 3]` with E `[V, 4, 4]`, or `[V, T, 4, 4]` where a camera moves."""
    if np.ndim(E) != 4:
        return normalise_signs(K, E)
    every = np.broadcast_to(np.asarray(K)[:, None], (*np.shape(E)[:2], 3, 3))
    positive, poses = normalise_signs(every, E)
    return np.ascontiguousarray(positive[:, 0]), poses


def project(points: ArrayLike, K: ArrayLike, E: ArrayLike) -> tuple[Floats, Floats]:
    """World points (m) to pixels `uv [..., 2]` and depths (m) along the optical axis `[...]`.

    points: `[..., 3]`; K `[3, 3]`, E `[4, 4]` of one camera, or batches whose leading axes broadcast against those of
    `points` (for V cameras and points `[T, 3, 3]` give `K[:, None, None]`). Points with depth <= 0 are behind the
    camera: their uv is meaningless, the caller decides by the depth. Signs must be normalised (see
    `normalise_signs`); with negative focal lengths the formula still gives the right uv.
    """
    points = np.asarray(points, dtype=np.float64)
    K = np.asarray(K, dtype=np.float64)
    camera_from_world = inverse(E)
    if points.shape[-1] != 3:
        raise ValueError(f"points has shape {list(points.shape)}, expected [..., 3]; give metres in the world frame")
    local = np.einsum("...ij,...j->...i", camera_from_world[..., :3, :3], points) + camera_from_world[..., :3, 3]
    depth = local[..., 2]
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    u = (K[..., 0, 0] * local[..., 0] + K[..., 0, 1] * local[..., 1]) / safe + K[..., 0, 2]
    v = K[..., 1, 1] * local[..., 1] / safe + K[..., 1, 2]
    return np.stack([u, v], axis=-1), depth


def resize_intrinsics(K: ArrayLike, scale_x: float, scale_y: float) -> Floats:
    """K of the image resized by these factors; integer pixel centres: `cx' = (cx + 0.5) * s - 0.5`."""
    if not (np.isfinite(scale_x) and np.isfinite(scale_y) and scale_x > 0 and scale_y > 0):
        raise ValueError(f"scale_x, scale_y are {scale_x}, {scale_y}; give new size divided by old size, positive")
    K = np.array(K, dtype=np.float64)
    K[..., 0, :2] *= scale_x
    K[..., 1, :2] *= scale_y
    K[..., 0, 2] = (K[..., 0, 2] + 0.5) * scale_x - 0.5
    K[..., 1, 2] = (K[..., 1, 2] + 0.5) * scale_y - 0.5
    return K


def crop_intrinsics(K: ArrayLike, x0: float, y0: float) -> Floats:
    """K of the image whose pixel (0, 0) was pixel (x0, y0)."""
    K = np.array(K, dtype=np.float64)
    K[..., 0, 2] -= x0
    K[..., 1, 2] -= y0
    return K


def intrinsics_from_fovy(fovy_deg: float, height: int, width: int) -> Floats:
    """K `[3, 3]` of an ideal camera with square pixels: `f = H / 2 / tan(fovy / 2)`, centre `((W-1)/2, (H-1)/2)`."""
    if not 0 < fovy_deg < 180:
        raise ValueError(f"fovy_deg is {fovy_deg}; give the vertical field of view in degrees, between 0 and 180")
    if height < 1 or width < 1:
        raise ValueError(f"height, width are {height}, {width}; give a positive image size in pixels")
    focal = 0.5 * height / np.tan(np.radians(fovy_deg) / 2)
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])


def plucker(
    K: ArrayLike,
    E: ArrayLike,
    size: tuple[int, int],
    *,
    relative_to: ArrayLike | None = None,
    pixel_offset: float = 0.0,
) -> Floats:
    """Pluecker coordinates `[d, o x d]` of every pixel's ray, float64 `[..., H, W, 6]`.

    K `[..., 3, 3]`, E `[..., 4, 4]`, size `(H, W)`. d is the unit direction, o the camera centre (m), both in the
    world frame or, with `relative_to` `[4, 4]` (a world_from_camera), in that camera's frame. `pixel_offset` 0 has
    pixel centres at integers; the published weights use 0.5 (see `published_plucker`).
    """
    height, width = size
    K, E = normalise_signs(K, E)
    if relative_to is not None:
        E = inverse(relative_to) @ E
    u, v = np.meshgrid(np.arange(width) + pixel_offset, np.arange(height) + pixel_offset)
    K = K[..., None, None, :, :]
    y = (v - K[..., 1, 2]) / K[..., 1, 1]
    x = (u - K[..., 0, 2] - K[..., 0, 1] * y) / K[..., 0, 0]
    direction = np.stack([x, y, np.ones_like(x)], axis=-1)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    direction = np.einsum("...ij,...hwj->...hwi", E[..., :3, :3], direction)
    origin = E[..., None, None, :3, 3]
    return np.concatenate([direction, np.cross(np.broadcast_to(origin, direction.shape), direction)], axis=-1)


def published_plucker(K: ArrayLike, E: ArrayLike, size: tuple[int, int]) -> Floats:
    """Rays `[V, H, W, 6]` as the published weights expect them: pixel centres at +0.5, relative to view 0.

    K `[V, 3, 3]`, E `[V, 4, 4]`. The half pixel contradicts the integer centres used everywhere else; it is a quirk
    the weights were trained with, kept in this one function.
    """
    _, normalised = normalise_signs(K, E)
    return plucker(K, E, size, relative_to=normalised[0], pixel_offset=0.5)
