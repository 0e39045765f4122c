"""One rigid pose per frame from the blobs of all views: start, robust Gauss-Newton, covariance.

Every frame has its own six unknowns; all frames are solved together in arrays. Pose increments are a translation
in the world (m) and a rotation vector in the world applied from the left about the tool's origin:
`R' = exp(omega) R`. The covariance uses the same six coordinates in the same order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.arrays import Array, Bools, Floats, Integers
from ..geometry.camera import project
from ..geometry.pose import rotation_from_vector, vector_from_rotation
from ..geometry.triangulation import fit_rigid, projection_jacobian, triangulate
from .encode import TOOL_POINTS

__all__ = ["PoseFit", "fit_poses"]

_ROLLS = 72
_HUBER = 3.0


class PoseFit(NamedTuple):
    """Poses of T frames and how well they explain the blobs; NaN or infinite where nothing could be fitted.

    rotation: `[T, 3, 3]`; translation: `[T, 3]` m; covariance: `[T, 6, 6]`; chi2: `[T]` squared residuals over their
    variances; redundancy: `[T]` observations minus six; rms: `[T]` px, root of the squared residuals over the
    redundancy; expected: `[T]` px, what rms should be by the variances; ambiguous: `[T]` bool, another pose
    explains the blobs about as well; used: `[V, T, 3]` bool, the blobs the pose rests on.
    """

    rotation: Floats
    translation: Floats
    covariance: Floats
    chi2: Floats
    redundancy: Integers
    rms: Floats
    expected: Floats
    ambiguous: Bools
    used: Bools

    def disagreement(self, tolerance: float) -> Floats:
        """Residual `[T]` over the largest one acceptable: `tolerance` px beyond 2.2 times the expected one."""
        ratio: Floats = self.rms / np.sqrt(tolerance**2 + (2.2 * self.expected) ** 2)
        return ratio


def fit_poses(uv: Floats, variance: Floats, used: Bools, K: Floats, E: Floats, tolerance: float) -> PoseFit:
    """Fit one pose per frame to the blobs of all views.

    uv, variance: `[V, T, 3, 2]` px, px^2; used: `[V, T, 3]` bool, valid blobs; K `[V, 3, 3]`, E `[V, 4, 4]` with
    normalised signs; tolerance: px, accepted disagreement of the views beyond the noise. Where the views
    disagree by more, the pose is fitted again without each view in turn (three or more views) and without each blob
    in turn, and the best of those is kept if it resolves the disagreement.
    """
    fit = _fit(uv, variance, used, K, E)
    suspect = np.flatnonzero((fit.disagreement(tolerance) > 1.0) & (used.sum((0, 2)) >= 5))
    if len(suspect) == 0:
        return fit
    views = len(uv)
    leave_out = [(view, slice(None)) for view in range(views)] if views >= 3 else []
    for strictness, choices in ((1.0, leave_out), (0.5, [(v, k) for v in range(views) for k in range(3)])):
        suspect = suspect[fit.disagreement(tolerance)[suspect] > 1.0]
        if len(suspect) == 0 or not choices:
            continue
        trials = []
        for view, point in choices:
            less = used[:, suspect].copy()
            less[view, :, point] = False
            trials.append(_fit(uv[:, suspect], variance[:, suspect], less, K, E))
        score = np.stack([np.where(t.redundancy >= 4, t.disagreement(tolerance), np.inf) for t in trials])
        best = score.argmin(0)
        for number, trial in enumerate(trials):
            better = (best == number) & (score[number] < strictness)
            for name, whole in fit._asdict().items():
                if name == "used":
                    whole[:, suspect[better]] = trial.used[:, better]
                else:
                    whole[suspect[better]] = getattr(trial, name)[better]
    return fit


def _fit(uv: Floats, variance: Floats, used: Bools, K: Floats, E: Floats) -> PoseFit:
    rotation, translation, good, other = _start(uv, variance, used, K, E)
    fit = _refine(uv, variance, used & good[:, None], K, E, rotation, translation)
    which, rotation, translation = other
    if len(which):
        second = _refine(uv[:, which], variance[:, which], used[:, which], K, E, rotation, translation)
        swap = second.chi2 < fit.chi2[which]
        apart = np.linalg.norm(second.rotation - fit.rotation[which], axis=(1, 2)) > 0.15
        fit.ambiguous[which] = apart & (np.abs(second.chi2 - fit.chi2[which]) < 9.0)
        step = np.concatenate(
            [
                second.translation - fit.translation[which],
                vector_from_rotation(second.rotation @ np.swapaxes(fit.rotation[which], 1, 2)),
            ],
            axis=1,
        )
        doubt = np.where(apart, 1.0 / (1.0 + np.exp(np.minimum(0.5 * np.abs(second.chi2 - fit.chi2[which]), 60.0))), 0)
        for name, whole in fit._asdict().items():
            if name not in ("used", "ambiguous"):
                whole[which[swap]] = getattr(second, name)[swap]
        fit.covariance[which] += doubt[:, None, None] * step[:, :, None] * step[:, None, :]
    bad = ~good | (used.sum((0, 2)) < 4)
    for name, blank in (
        ("rotation", np.nan),
        ("translation", np.nan),
        ("covariance", np.nan),
        ("chi2", np.inf),
        ("rms", np.inf),
        ("redundancy", 0),
    ):
        getattr(fit, name)[bad] = blank
    return fit


def _start(
    uv: Floats, variance: Floats, used: Bools, K: Floats, E: Floats
) -> tuple[Floats, Floats, Bools, tuple[Integers, Floats, Floats]]:
    """Start poses, a mask of the frames that have one, and second starts (frames, rotations, translations)."""
    views, frames = uv.shape[:2]
    seen = np.where(used[..., None], uv, np.nan).reshape(views, frames * 3, 2)
    noise = np.sqrt(np.median(variance[used])) if used.any() else 1.0
    spots = triangulate(seen, K, E, pixel_sigma=max(noise, 0.3), iterations=1 if views == 2 else 3)
    points = spots.points.reshape(frames, 3, 3)
    known = np.asarray(np.isfinite(points).all(-1))
    rotation: Floats = np.tile(np.eye(3), (frames, 1, 1))
    translation: Floats = np.zeros((frames, 3))
    full = known.all(-1)
    if full.any():
        rotation[full], translation[full] = fit_rigid(TOOL_POINTS, points[full])
    two = (known.sum(-1) == 2) & (used.any(0) | known).all(-1)
    which: Integers
    others: list[tuple[Integers, Floats, Floats]] = [(np.zeros(0, int), np.zeros((0, 3, 3)), np.zeros((0, 3)))]
    for missing in range(3):
        which = np.flatnonzero(two & ~known[:, missing])
        if len(which):
            first, second = _start_from_two(points[which], missing, uv[:, which], used[:, which], K, E)
            rotation[which], translation[which] = first
            others.append((which, *second))
    frames_of, rotations, translations = zip(*others, strict=True)
    return (
        rotation,
        translation,
        full | two,
        (np.concatenate(frames_of), np.concatenate(rotations), np.concatenate(translations)),
    )


def _start_from_two(
    points: Floats, missing: int, uv: Floats, used: Bools, K: Floats, E: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Two points fix all but a roll about their line: of 72 rolls, the two that suit the third point's views best."""
    a, b = (i for i in range(3) if i != missing)
    middle_tool = (TOOL_POINTS[a] + TOOL_POINTS[b]) / 2
    axis_tool = TOOL_POINTS[b] - TOOL_POINTS[a]
    axis = points[:, b] - points[:, a]
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-9)
    helper = np.eye(3)[np.abs(axis).argmin(-1)]
    across = np.cross(axis, helper)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    basis = np.stack([axis, across, np.cross(axis, across)], axis=-1)
    axis_tool = axis_tool / np.linalg.norm(axis_tool)
    across_tool = np.cross(axis_tool, [0.0, 1.0, 0.0])
    basis_tool = np.stack([axis_tool, across_tool, np.cross(axis_tool, across_tool)], axis=-1)
    rolls = rotation_from_vector(np.arange(_ROLLS)[:, None] * (2 * np.pi / _ROLLS) * np.array([1.0, 0.0, 0.0]))
    rotation = basis[:, None] @ rolls @ basis_tool.T
    translation = ((points[:, a] + points[:, b]) / 2)[:, None] - rotation @ middle_tool
    third = rotation @ TOOL_POINTS[missing] + translation
    predicted, _ = project(third, K[:, None, None], E[:, None, None])
    error = np.sum((predicted - uv[:, :, None, missing]) ** 2, axis=-1) * used[:, :, None, missing]
    error = error.sum(0)
    index = np.arange(len(error))
    best = error.argmin(-1)
    apart = np.abs((np.arange(_ROLLS) - best[:, None] + _ROLLS // 2) % _ROLLS - _ROLLS // 2) > 2
    dips = (error <= np.roll(error, 1, -1)) & (error <= np.roll(error, -1, -1)) & apart
    second = np.where(np.where(dips.any(-1, keepdims=True), dips, apart), error, np.inf).argmin(-1)
    return (rotation[index, best], translation[index, best]), (rotation[index, second], translation[index, second])


def _linearise(
    uv: Floats, rotation: Floats, translation: Floats, K: Floats, E: Floats
) -> tuple[Floats, Floats, Floats]:
    """Pixel errors `[T, V * 6]`, their derivatives by the pose `[T, V * 6, 6]` and depths `[V, T, 3]`."""
    arms = np.matmul(TOOL_POINTS, np.swapaxes(rotation, 1, 2))
    points = arms + translation[:, None]
    predicted, depth = project(points, K[:, None, None], E[:, None, None])
    by_point = projection_jacobian(points, K[:, None, None], E[:, None, None])
    cross = np.zeros(arms.shape[:-1] + (3, 3))
    cross[..., 0, 1], cross[..., 0, 2], cross[..., 1, 2] = arms[..., 2], -arms[..., 1], arms[..., 0]
    cross -= np.swapaxes(cross, -1, -2)
    jacobian = np.concatenate([by_point, by_point @ cross], axis=-1)
    frames = len(rotation)
    return (_per_frame(uv - predicted), np.moveaxis(jacobian, 1, 0).reshape(frames, -1, 6), depth)


def _per_frame(array: Array) -> Array:
    """`[V, T, 3, 2]` to `[T, V * 6]`."""
    return np.moveaxis(array, 1, 0).reshape(array.shape[1], -1)


def _refine(
    uv: Floats,
    variance: Floats,
    used: Bools,
    K: Floats,
    E: Floats,
    rotation: Floats,
    translation: Floats,
    iterations: int = 10,
) -> PoseFit:
    """Gauss-Newton on all frames at once; from the third step on, blobs far off weigh less (Huber)."""
    seen = _per_frame(np.broadcast_to(used[..., None], uv.shape))
    weight = np.where(seen, 1.0 / np.maximum(_per_frame(variance), 1e-12), 0.0)
    redundancy = 2 * used.sum((0, 2)) - 6
    trust = np.ones(weight.shape)
    ridge = np.diag([1e-3] * 3 + [1e-5] * 3)
    for step in range(iterations):
        error, jacobian, _ = _linearise(uv, rotation, translation, K, E)
        error = np.where(seen, error, 0.0)
        if step >= 2:
            normalised = weight * error**2
            scale = np.maximum((normalised * trust).sum(1) / np.maximum(redundancy, 1), 1.0)
            distance = np.sqrt(np.maximum(normalised[:, 0::2] + normalised[:, 1::2], 1e-12))
            trust = np.repeat(np.minimum(1.0, _HUBER * np.sqrt(scale)[:, None] / distance), 2, axis=1)
        weighted = np.swapaxes(jacobian * (weight * trust)[..., None], 1, 2)
        information = weighted @ jacobian
        delta = np.linalg.solve(information + ridge, weighted @ error[..., None])[..., 0]
        length = np.linalg.norm(delta.reshape(-1, 2, 3), axis=-1)
        delta = delta * np.repeat(np.minimum(1.0, [0.2, 0.5] / np.maximum(length, 1e-12)), 3, axis=1)
        rotation = rotation_from_vector(delta[:, 3:]) @ rotation
        translation = translation + delta[:, :3]
        if step >= 3 and np.all(np.einsum("ti,tij,tj->t", delta, information, delta) < 1e-4):
            break
    error, _, depth = _linearise(uv, rotation, translation, K, E)
    squared = np.where(seen, error**2, 0.0)
    front = np.all((depth > 0) | ~used, axis=(0, 2))
    chi2 = np.where(front, np.sum(weight * trust * squared, axis=1), np.inf)
    rms = np.where(front, np.sqrt(squared.sum(1) / np.maximum(redundancy, 1)), np.inf)
    expected = np.sqrt(np.where(seen, _per_frame(variance), 0.0).sum(1) / np.maximum(seen.sum(1), 1))
    covariance = np.asarray(np.linalg.inv(information + ridge), dtype=np.float64)
    return PoseFit(rotation, translation, covariance, chi2, redundancy, rms, expected, np.zeros(len(rms), bool), used)
