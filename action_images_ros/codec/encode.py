"""Encode actions as images: three points of the tool frame, projected and drawn as Gaussians.

Red shows the tool's position, green the point `AXIS_LENGTH` along its x axis, blue the point `AXIS_LENGTH` against
its z axis. The blue background is a pedestal, present when the gripper is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Array, ArrayLike, Floats, Images
from ..geometry.camera import normalised_cameras, project

__all__ = [
    "AXIS_LENGTH",
    "PEDESTAL",
    "SIGMA_FRACTION",
    "TOOL_POINTS",
    "ActionImages",
    "action_points",
    "blob_sigma",
    "draw",
    "encode",
    "to_uint8",
]

AXIS_LENGTH = 0.1
"""Distance in metres of the green and blue points from the tool's position."""
SIGMA_FRACTION = 0.05
"""Standard deviation of a drawn Gaussian, as a fraction of min(H, W)."""
PEDESTAL = 0.25
"""Blue level up to which the Gaussian is replaced by the openness pedestal, and the pedestal's own level."""
TOOL_POINTS = np.array([[0.0, 0.0, 0.0], [AXIS_LENGTH, 0.0, 0.0], [0.0, 0.0, -AXIS_LENGTH]])
"""The drawn points in the tool frame, `[3, 3]` m, in channel order red, green, blue."""


class ActionImages(NamedTuple):
    """uv `[V, T, 3, 2]` px (NaN where the point is behind the camera); images float32 `[V, T, H, W, 3]` in [0, 1]."""

    uv: Floats
    images: Floats


def blob_sigma(size: tuple[int, int]) -> float:
    """Standard deviation in pixels of the Gaussians drawn into an image of size (H, W)."""
    return SIGMA_FRACTION * min(size)


def action_points(world_from_tool: ArrayLike) -> Floats:
    """World points `[..., 3, 3]` (m; position, x-axis point, back-axis point) of tool poses `[..., 4, 4]`."""
    world_from_tool = np.asarray(world_from_tool, dtype=np.float64)
    arms: Floats = np.einsum("...ij,kj->...ki", world_from_tool[..., :3, :3], TOOL_POINTS)
    points: Floats = arms + world_from_tool[..., None, :3, 3]
    return points


def _check_size(size: Sequence[float]) -> tuple[int, int]:
    try:
        height, width = (int(n) for n in size)
        whole = height == size[0] and width == size[1]
    except (TypeError, ValueError):
        raise ValueError(f"size is {size!r}; give (H, W) in pixels") from None
    if not whole or height < 8 or width < 8 or height > 8192 or width > 8192:
        raise ValueError(f"size is {size!r}; give (H, W) as whole pixels, 8 to 8192 each")
    return height, width


def draw(uv: ArrayLike, openness: ArrayLike, size: tuple[int, int]) -> Array:
    """Action images float32 `[..., H, W, 3]` in [0, 1] of points `uv [..., 3, 2]` px and openness `[...]`.

    Gaussians of peak 1 and sigma `0.05 * min(H, W)`; a point with NaN coordinates is not drawn. Blue is
    `0.25 * [openness > 0.5]` wherever its Gaussian is `<= 0.25`.
    """
    height, width = _check_size(size)
    uv = np.asarray(uv, dtype=np.float32)
    if uv.shape[-2:] != (3, 2):
        raise ValueError(f"uv has shape {list(uv.shape)}, expected [..., 3, 2]; give x, y of three points")
    lead = uv.shape[:-2]
    uv = uv.reshape(-1, 3, 2)
    open_ = np.broadcast_to(np.asarray(openness) > 0.5, lead).reshape(-1)
    scale = np.float32(1.0 / (np.sqrt(2.0) * blob_sigma((height, width))))
    uv = np.where(np.isfinite(uv), uv, np.float32(1e6))
    gx = np.exp(-np.square((np.arange(width, dtype=np.float32) - uv[..., :1]) * scale))
    gy = np.exp(-np.square((np.arange(height, dtype=np.float32) - uv[..., 1:]) * scale))
    images = np.empty((len(uv), height, width, 3), dtype=np.float32)
    chunk = max(1, 200_000 // (height * width))
    blue = np.empty((min(chunk, len(uv)), height, width), dtype=np.float32)
    for start in range(0, len(uv), chunk):
        part = slice(start, min(start + chunk, len(uv)))
        for channel in (0, 1):
            np.multiply(gy[part, channel, :, None], gx[part, channel, None, :], out=images[part, :, :, channel])
        gauss = np.multiply(gy[part, 2, :, None], gx[part, 2, None, :], out=blue[: part.stop - part.start])
        pedestal = np.where(open_[part], np.float32(PEDESTAL), np.float32(0))[:, None, None]
        np.copyto(gauss, pedestal, where=gauss <= PEDESTAL)
        images[part, :, :, 2] = gauss
    return images.reshape(lead + (height, width, 3))


def encode(
    world_from_tool: ArrayLike, openness: ArrayLike, K: ArrayLike, E: ArrayLike, size: tuple[int, int]
) -> ActionImages:
    """Encode T actions for V cameras.

    world_from_tool `[T, 4, 4]` (m; MODEL tool frame), openness `[T]` in [0, 1], K `[V, 3, 3]` px, E `[V, 4, 4]`
    world_from_camera (`[V, T, 4, 4]` where a camera moves), size (H, W). Any number of views >= 1. Raises ValueError
    on non-finite or misshapen input.
    """
    world_from_tool = np.asarray(world_from_tool, dtype=np.float64)
    openness = np.asarray(openness, dtype=np.float64)
    if world_from_tool.ndim != 3 or world_from_tool.shape[1:] != (4, 4) or len(world_from_tool) == 0:
        raise ValueError(
            f"world_from_tool has shape {list(world_from_tool.shape)}, expected [T, 4, 4] with T >= 1; "
            "give one matrix per time step"
        )
    if openness.shape != (len(world_from_tool),):
        raise ValueError(
            f"openness has shape {list(openness.shape)}, expected [{len(world_from_tool)}]; "
            "give one value per time step"
        )
    for name, value in (("world_from_tool", world_from_tool), ("openness", openness)):
        if not np.isfinite(value).all():
            where = [int(i) for i in np.argwhere(~np.isfinite(value))[0]]
            raise ValueError(f"{name}{where} is {value[tuple(where)]}; every pose must be finite")
    views = len(np.atleast_1d(K))
    if np.ndim(K) != 3 or np.shape(E)[:-2] not in ((views,), (views, len(world_from_tool))):
        raise ValueError(
            f"K has shape {list(np.shape(K))} and E {list(np.shape(E))}, expected [V, 3, 3] and "
            "[V, 4, 4], or [V, T, 4, 4] for cameras that move; give one matrix per camera"
        )
    K, E = normalised_cameras(K, E)
    every = E[:, :, None] if E.ndim == 4 else E[:, None, None]
    uv, depth = project(action_points(world_from_tool), K[:, None, None], every)
    uv = np.where((depth > 1e-6)[..., None], uv, np.nan)
    return ActionImages(uv, draw(uv, openness, size))


def to_uint8(images: ArrayLike) -> Images:
    """Round images in [0, 1] to 8 bits, clipped."""
    scaled = np.multiply(images, np.float32(255), dtype=np.float32)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
