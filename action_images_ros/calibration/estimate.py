"""All cameras of a rig from readings, each with a verdict and its reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..geometry.camera import normalise_signs, project
from .differences import camera_difference, workspace_sd, workspace_shift
from .hypotheses import exchanged_cameras, mirrored, turned_hand, wrong_focal_length
from .pnp import pnp_starts
from .readings import Readings
from .resection import CameraFit, Prior, solve_camera
from .results import CORRECTED, GOOD, REFUSED, CameraResult, RigResult, Settings

__all__ = ["estimate_rig", "judge_camera", "solve_view"]

Floats = npt.NDArray[np.float64]


def estimate_rig(readings: Readings, told: npt.ArrayLike | None = None, settings: Settings | None = None) -> RigResult:
    """Estimate the cameras from N frames. told: `[V, 4, 4]` the given calibration, None for none.

    Raises ValueError with fewer than two cameras: a common error is not distinguishable from one of the arm.
    """
    settings = settings or Settings()
    if len(readings.cameras) < 2:
        raise ValueError(f"cameras is {list(readings.cameras)}; the stack needs 2 or more, calibrate them together")
    given = None if told is None else normalise_signs(readings.K, told)[1]
    span = readings.span_m()
    seen = [int(count) for count in readings.used.sum(1)]
    if max(seen) >= settings.min_frames and span < settings.min_span_m:
        problem = (
            f"tool motion is {1000 * span:.0f} mm; move the arm through the workspace, "
            f"{1000 * settings.min_span_m:.0f} mm or more"
        )
        return _refused(readings, given, (problem,))
    free = [solve_view(readings, view, None, settings) for view in range(len(seen))]
    fits = [_fit(readings, view, given, free[view], settings) for view in range(len(seen))]
    problems = _problems(readings, given, free, settings)
    results = [
        judge_camera(readings, view, None if given is None else given[view], fits[view], settings)
        for view in range(len(seen))
    ]
    if problems:
        results = [replace(result, verdict=REFUSED, world_from_camera=result.told) for result in results]
    return RigResult(tuple(_compared(results, settings)), tuple(problems))


def _refused(readings: Readings, given: Floats | None, problems: tuple[str, ...]) -> RigResult:
    return RigResult(
        tuple(
            CameraResult(
                name,
                REFUSED,
                (),
                None if given is None else given[view],
                None if given is None else given[view],
                frames=int(readings.used[view].sum()),
            )
            for view, name in enumerate(readings.cameras)
        ),
        problems,
    )


def solve_view(readings: Readings, view: int, prior: Prior | None, settings: Settings) -> CameraFit | None:
    """The camera of one view; None with too few frames or where nothing explains them."""
    used = readings.used[view]
    if used.sum() < settings.min_frames:
        return None
    parts = (readings.points[used], readings.uv[view, used], readings.variance[view, used], readings.K[view])
    how: dict[str, Any] = {
        "unit": readings.unit,
        "noise": settings.noise,
        "focal_sigma": 0.05 if settings.focal else 0.0,
    }
    if prior is not None:
        return solve_camera(*parts, prior=prior, **how)
    found = [
        solve_camera(*parts, prior=None, start=start, **how)
        for start in pnp_starts(parts[0], parts[1], parts[3], readings.unit)
    ]
    return min(found, key=lambda fit: fit.cost, default=None)


def _fit(
    readings: Readings, view: int, given: Floats | None, free: CameraFit | None, settings: Settings
) -> CameraFit | None:
    """With the given calibration as prior where the readings are near it, else without."""
    if given is None or free is None:
        return free
    before = _median_px(readings, view, given[view])
    if before > settings.coarse_px * readings.unit:
        return free
    return solve_view(readings, view, Prior(given[view], settings.position_m, settings.rotation_rad), settings)


def _problems(readings: Readings, given: Floats | None, free: list[CameraFit | None], settings: Settings) -> list[str]:
    problems = []
    hand = turned_hand(readings, free, settings.noise)
    if hand:
        problems.append(
            f"robot_tool_from_model_tool is wrong by a turn of {hand} of the model's tool; correct it in "
            "the robot's file"
        )
        return problems
    if given is not None:
        pairs = exchanged_cameras(readings, given, [None if fit is None else fit.world_from_camera for fit in free])
        if pairs:
            told = ", ".join(f"{name} stands where {other} is said to be" for name, other in pairs)
            problems.append(f"cameras are exchanged: {told}; exchange their names or their plugs")
    return problems


def judge_camera(
    readings: Readings, view: int, told: Floats | None, fit: CameraFit | None, settings: Settings
) -> CameraResult:
    """Verdict on one camera. fit: of `solve_view`; the given calibration stays unless the gates allow a correction."""
    name, frames, unit = readings.cameras[view], int(readings.used[view].sum()), readings.unit
    if fit is None:
        why = (
            "the gripper is never read in its pictures; check that the camera sees the arm"
            if not frames
            else f"frames with a reading is {frames}; give {settings.min_frames} or more"
        )
        return CameraResult(name, REFUSED, (why,), told, told, frames=frames)
    E = fit.world_from_camera
    points = readings.points[readings.used[view]]
    after = _median_px(readings, view, E, fit.focal_ratio)
    result = CameraResult(
        name,
        CORRECTED,
        (),
        told,
        E,
        fit,
        after_px=after,
        frames=frames,
        sd_m=workspace_sd(readings.K[view], E, fit.covariance, points),
    )
    reasons = _doubts(readings, view, fit, result, told is None, settings)
    if told is None:
        return (
            result if not reasons else replace(result, verdict=REFUSED, reasons=tuple(reasons), world_from_camera=None)
        )
    moved, turned = camera_difference(told, E)
    shift, metres = workspace_shift(readings.K[view], told, E, points)
    result = replace(
        result,
        moved_m=moved,
        moved_rad=turned,
        workspace_m=metres,
        shift_px=shift,
        before_px=_median_px(readings, view, told),
        held_out=_held_out(readings, view, told, settings),
    )
    if shift < settings.shift_px * unit:
        return replace(result, verdict=GOOD, world_from_camera=told)
    if result.held_out > settings.held_out:
        reasons.append(
            f"frames left out of the fit keep {100 * result.held_out:.0f} % of their error; no correction explains it"
        )
    if reasons:
        return replace(result, verdict=REFUSED, reasons=tuple(reasons), world_from_camera=told)
    return replace(result, reasons=(f"told {1000 * metres:.0f} mm from what is seen",))


def _doubts(
    readings: Readings, view: int, fit: CameraFit, result: CameraResult, no_prior: bool, settings: Settings
) -> list[str]:
    """Why the solution is not to be used."""
    reasons, unit = [], readings.unit
    prior = None if no_prior or result.told is None else Prior(result.told, settings.position_m, settings.rotation_rad)
    if not settings.focal:
        ratio = wrong_focal_length(readings, view, prior, fit.world_from_camera, settings.noise)
        if abs(ratio - 1) > 0.1 or (ratio != 1 and result.after_px > settings.residual_px * unit):
            reasons.append(
                f"focal length is {readings.K[view, 0, 0]:.1f} px, the readings say "
                f"{ratio * readings.K[view, 0, 0]:.1f}; calibrate the intrinsics, or solve the focal length"
            )
    if result.after_px > settings.residual_px * unit:
        reasons.append(
            f"readings are {result.after_px / unit:.1f} px from any camera's (limit "
            f"{settings.residual_px:g} of a 96 px picture); the reader is not to be trusted here, or poses "
            "and pictures are not of the same time"
        )
    span = readings.span_m(view)
    if span < settings.min_span_m:
        reasons.append(f"tool motion in view is {1000 * span:.0f} mm; move it through the whole picture")
    elif result.sd_m > settings.max_sd_m:
        reasons.append(f"uncertainty is {1000 * result.sd_m:.0f} mm at the workspace; move the arm to more places")
    if no_prior and mirrored(readings, view, fit, settings.noise):
        reasons.append("a second, mirrored camera explains the pictures as well; move the arm in all three directions")
    return reasons


def _compared(results: list[CameraResult], settings: Settings) -> list[CameraResult]:
    """Say of a refused camera whether the others contradict it or none can be believed."""
    fitted = [r for r in results if np.isfinite(r.after_px)]
    good = [r for r in fitted if r.after_px <= settings.residual_px]
    if not good or len(good) == len(fitted):
        return results
    others = ", ".join(r.name for r in good)
    said = f"its readings disagree with the arm's poses, those of {others} do not"
    bad = {r.name for r in fitted} - {r.name for r in good}
    return [replace(r, reasons=(*r.reasons, said)) if r.name in bad else r for r in results]


def _errors_px(readings: Readings, view: int, world_from_camera: Floats, focal_ratio: float = 1.0) -> Floats:
    used = readings.used[view]
    K = readings.K[view].copy()
    K[:2, :2] *= focal_ratio
    predicted, depth = project(readings.points[used], K, world_from_camera)
    error = np.linalg.norm(predicted - readings.uv[view, used], axis=-1)
    return np.where(depth > 0, error, 1e3)


def _median_px(readings: Readings, view: int, world_from_camera: Floats, focal_ratio: float = 1.0) -> float:
    errors = _errors_px(readings, view, world_from_camera, focal_ratio)
    return float(np.median(errors)) if errors.size else float("nan")


def _held_out(readings: Readings, view: int, told: Floats, settings: Settings, folds: int = 3) -> float:
    """Median error of frames left out of the fit, over that under the given calibration; stretches of time. nan with
    one frame."""
    used = np.flatnonzero(readings.used[view])
    before, after = [], []
    if len(used) < 2:
        return float("nan")
    for part in np.array_split(used, min(folds, len(used))):
        rest = np.setdiff1d(used, part)
        near = _median_px(readings, view, told) <= settings.coarse_px * readings.unit
        prior = Prior(told, settings.position_m, settings.rotation_rad) if near else None
        fit = solve_view(readings.select(rest), view, prior, replace(settings, min_frames=1 if near else 2))
        if fit is None:
            return float("inf")
        test = readings.select(part)
        before.append(_errors_px(test, view, told))
        after.append(_errors_px(test, view, fit.world_from_camera, fit.focal_ratio))
    return float(np.median(np.concatenate(after)) / max(np.median(np.concatenate(before)), 1e-9))
