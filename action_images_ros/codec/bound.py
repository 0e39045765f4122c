"""The Cramer-Rao bound of a pose decoded from action images."""

from __future__ import annotations

import numpy as np

from ..geometry.arrays import Bools, Floats
from ..geometry.triangulation import projection_jacobian
from .encode import TOOL_POINTS, action_points, blob_sigma

__all__ = ["blob_information", "pose_bound"]


def blob_information(size: tuple[int, int], noise: float, length: float, fade: float = 1.0) -> float:
    """Fisher information (px^-2) about each coordinate of one Gaussian blob of peak `fade` in stationary noise.

    `(1 / 4 pi^2) * integral of w_x^2 |G(w)|^2 / S(w)` with `G = 2 pi s^2 exp(-s^2 w^2 / 2)` and the noise spectrum
    `S = 4 pi l^2 sd^2 exp(-l^2 w^2)` (white: `sd^2`) plus `1 / (12 * 255^2)` of rounding.
    """
    sigma = blob_sigma(size)
    omega = np.linspace(0.0, np.pi, 4001)[1:]
    spectrum = noise**2 * (4 * np.pi * length**2 * np.exp(-((length * omega) ** 2)) if length else 1.0)
    power = (2 * np.pi * sigma**2 * fade) ** 2 * np.exp(-((sigma * omega) ** 2))
    integrand = np.pi * omega**3 * power / (spectrum + 1.0 / (12 * 255.0**2))
    return float(integrand.sum() * (omega[1] - omega[0]) / (4 * np.pi**2))


def pose_bound(
    world_from_tool: Floats, K: Floats, E: Floats, information: float | Floats, seen: Bools | None = None
) -> Floats:
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
