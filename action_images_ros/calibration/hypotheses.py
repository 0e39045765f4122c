"""Errors of a rig that no camera pose explains: a turned hand, exchanged cameras, a wrong focal length, a mirror image.

Each is tried as a hypothesis and named only where it explains the readings far better than the rig as given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from ..codec.encode import TOOL_POINTS
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7
from .differences import camera_difference, workspace_shift
from .pnp import pnp_starts
from .readings import Readings
from .resection import CameraFit, Noise, Prior, solve_camera

__all__ = ["exchanged_cameras", "misfit", "mirrored", "turned_hand", "wrong_focal_length"]

_CLIP = 5.0  # sigmas at which a point's error is cut off in `misfit`
_EXPLAINED = 3.0  # misfit (mean squared sigmas) of a hypothesis that holds
_BETTER = 0.4  # and its share of the given rig's misfit
_EXCHANGED_M = 0.12  # cameras match if they agree to this at the workspace, m
_FOCAL_SIGMA, _FOCAL_LEAST, _FOCAL_SDS, _FOCAL_COST, _NEAR_SDS = 0.5, 0.04, 3.0, 4.5, 2.0
_RIVAL_COST = 4.5
_RIVAL_M, _RIVAL_RAD = 0.05, float(np.deg2rad(10.0))

Floats = npt.NDArray[np.float64]


def misfit(
    readings: Readings,
    view: int,
    world_from_camera: Floats,
    noise: Noise,
    points: Floats | None = None,
    focal_ratio: float = 1.0,
) -> float:
    """Mean squared error of one camera's points in sigmas, each cut off at 25; about 1 where everything is right."""
    used = readings.used[view]
    if not used.any():
        return float("inf")
    points = readings.points[used] if points is None else points
    K = readings.K[view].copy()
    K[:2, :2] *= focal_ratio
    predicted, depth = project(points, K, world_from_camera)
    sigma = noise.sigma(readings.variance[view, used], readings.unit)
    error = np.where((depth > 0)[..., None], (predicted - readings.uv[view, used]) / sigma, _CLIP)
    return float(np.mean(np.minimum(error**2, _CLIP**2)))


def turned_hand(readings: Readings, fits: Sequence[CameraFit | None], noise: Noise) -> str:
    """ "90 deg about z" where the tool frame is turned by a multiple of 90 deg about one of its axes; else "".

    Cameras are solved from the position point alone, which no turn of the tool moves; the turn is then judged by the
    two other points.
    """
    known = {view: fit for view, fit in enumerate(fits) if fit is not None}
    views = list(known)
    given = [misfit(readings, view, fit.world_from_camera, noise) for view, fit in known.items()]
    if not views or np.mean(given) < _EXPLAINED:
        return ""
    cameras = {view: _from_positions(readings, view, fit, noise) for view, fit in known.items()}
    matrices = matrix_from_pose7(np.where(np.isfinite(readings.tool_poses), readings.tool_poses, [0] * 6 + [1]))
    values: dict[str, float] = {}
    for turn in Rotation.create_group("O"):
        arms = np.einsum("nij,kj->nki", matrices[:, :3, :3], turn.apply(TOOL_POINTS))
        points = arms + matrices[:, None, :3, 3]
        values[_turn_name(turn)] = float(
            np.mean([misfit(readings, view, cameras[view], noise, points[readings.used[view]]) for view in views])
        )
    name = min(values, key=lambda key: values[key])
    return name if values[name] < _BETTER * values[""] else ""


def _from_positions(readings: Readings, view: int, fit: CameraFit, noise: Noise) -> Floats:
    """The camera `[4, 4]` that the position point alone says; near `fit` where that is not enough."""
    used = readings.used[view]
    points, uv, K = readings.points[used], readings.uv[view, used], readings.K[view]
    variance = readings.variance[view, used].copy()
    variance[:, 1:] = 1e6
    starts = [fit.world_from_camera, *pnp_starts(points[:, :1], uv[:, :1], K, readings.unit)]
    found = [
        solve_camera(points, uv, variance, K, prior=Prior(start, 0.2, 0.3), unit=readings.unit, noise=noise)
        for start in starts
    ]
    return min(found, key=lambda one: one.cost).world_from_camera


def _turn_name(turn: Rotation) -> str:
    vector = turn.as_rotvec()
    angle = float(np.linalg.norm(vector))
    if angle < 1e-6:
        return ""
    axis = vector / angle
    if np.abs(axis).max() > 0.99:
        index = int(np.abs(axis).argmax())
        degrees = np.rad2deg(angle) * (1 if axis[index] > 0 or angle > 3.1 else -1)
        return f"{degrees:.0f} deg about {'xyz'[index]}"
    shown = ", ".join(f"{value:.2f}" for value in axis)
    return f"{np.rad2deg(angle):.0f} deg about [{shown}]"


def exchanged_cameras(readings: Readings, told: Floats, found: Sequence[Floats | None]) -> list[tuple[str, str]]:
    """Pairs (camera, whose place it has) where the calibration has cameras under each other's names.

    told: `[V, 4, 4]`; found: cameras solved without any prior, None where there is none.
    """
    solved = {view: E for view, E in enumerate(found) if E is not None}
    views = list(solved)
    if len(views) < 2:
        return []
    points = readings.points[readings.used.any(0)]
    distance = np.array(
        [[min(workspace_shift(readings.K[i], solved[i], told[j], points)[1], 10.0) for j in views] for i in views]
    )
    rows, columns = linear_sum_assignment(distance)
    moved = [(i, j) for i, j in zip(rows, columns, strict=True) if i != j]
    if not moved:
        return []
    now, then = np.mean([distance[i, i] for i, _ in moved]), np.mean([distance[i, j] for i, j in moved])
    if then > _EXCHANGED_M or then > 0.5 * now:
        return []
    return [(readings.cameras[views[i]], readings.cameras[views[j]]) for i, j in moved]


def wrong_focal_length(readings: Readings, view: int, told: Prior | None, start: Floats, noise: Noise) -> float:
    """True over given focal length where another one explains the readings far better, with the camera near the place
    that it is said to have (`told`; None: anywhere); else 1. start: `[4, 4]` of a solution with the given one."""
    used = readings.used[view]
    parts = (readings.points[used], readings.uv[view, used], readings.variance[view, used], readings.K[view])
    start = start if told is None else told.world_from_camera
    given = solve_camera(*parts, prior=told, start=start, unit=readings.unit, noise=noise)
    free = solve_camera(*parts, prior=told, start=start, unit=readings.unit, noise=noise, focal_sigma=_FOCAL_SIGMA)
    if told is not None:
        moved, turned = camera_difference(told.world_from_camera, free.world_from_camera)
        if moved > _NEAR_SDS * told.position_m or turned > _NEAR_SDS * told.rotation_rad:
            return 1.0
    change = abs(np.log(free.focal_ratio))
    named = change > _FOCAL_LEAST and change > _FOCAL_SDS * free.focal_sd and given.cost - free.cost > _FOCAL_COST
    return free.focal_ratio if named else 1.0


def mirrored(readings: Readings, view: int, fit: CameraFit, noise: Noise) -> bool:
    """Whether a second, clearly different camera explains the same pixels about as well (no prior)."""
    used = readings.used[view]
    points, uv, variance = readings.points[used], readings.uv[view, used], readings.variance[view, used]
    for start in pnp_starts(points, uv, readings.K[view], readings.unit):
        rival = solve_camera(
            points, uv, variance, readings.K[view], prior=None, start=start, unit=readings.unit, noise=noise
        )
        distance, angle = camera_difference(rival.world_from_camera, fit.world_from_camera)
        if (distance > _RIVAL_M or angle > _RIVAL_RAD) and rival.cost - fit.cost < _RIVAL_COST:
            return True
    return False
