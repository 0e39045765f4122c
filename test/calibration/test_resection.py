import numpy as np
import pytest
from calibration_rigs import cameras, moved, readings, tool_poses

from action_images_ros.calibration.differences import workspace_shift
from action_images_ros.calibration.pnp import pnp_starts
from action_images_ros.calibration.resection import Noise, Prior, solve_camera
from action_images_ros.geometry.pose import vector_from_rotation

EXACT = Noise((0.0, 0.0, 0.0), 1.0, np.inf)  # independent errors whose variance is known


def solve(r, view, prior=None, **how):
    used = r.used[view]
    return solve_camera(
        r.points[used],
        r.uv[view, used],
        r.variance[view, used],
        r.K[view],
        prior=prior,
        noise=how.pop("noise", EXACT),
        **how,
    )


def error_of(fit, E):
    return np.concatenate(
        [E[:3, 3] - fit.world_from_camera[:3, 3], vector_from_rotation(E[:3, :3] @ fit.world_from_camera[:3, :3].T)]
    )


def test_without_noise_and_without_a_prior_the_camera_is_exact():
    rng = np.random.default_rng(0)
    K, E = cameras(rng)
    fit = solve(readings(rng, tool_poses(rng), K, E, 1e-4), 0)
    assert np.abs(error_of(fit, E[0])).max() < 1e-5


@pytest.mark.parametrize("with_prior", [False, True])
def test_errors_reach_the_cramer_rao_bound_and_the_covariance_says_so(with_prior):
    rng = np.random.default_rng(1)
    errors, distances, bound = [], [], []
    for _ in range(60):
        K, E = cameras(rng)
        r = readings(rng, tool_poses(rng, 16), K, E, 0.5)
        told = moved(E, rng, 0.02, 0.01)[0]
        sigma = (0.02, 0.01)
        if with_prior:  # a prior drawn from the distribution that it states
            told = E[0].copy()
            told[:3, 3] += sigma[0] * rng.normal(size=3)
        fit = solve(r, 0, Prior(told, *sigma) if with_prior else None)
        error = error_of(fit, E[0])
        errors.append(error)
        distances.append(error @ np.linalg.solve(fit.covariance, error))
        information = fit.information + (np.diag([sigma[0] ** -2] * 3 + [sigma[1] ** -2] * 3) if with_prior else 0)
        bound.append(np.diag(np.linalg.inv(information)))
    ratio = np.mean(np.square(errors), 0) / np.mean(bound, 0)
    assert np.all(ratio < 1.7) and ratio.mean() < 1.3
    assert np.mean(distances) < 8.0  # six degrees of freedom
    if not with_prior:
        assert np.all(ratio > 0.5) and np.mean(distances) > 4.5


def test_outliers_do_not_move_the_camera():
    rng = np.random.default_rng(2)
    K, E = cameras(rng)
    r = readings(rng, tool_poses(rng, 20), K, E, 0.4)
    bad = rng.random(r.uv.shape[:3]) < 0.15
    uv = np.where(bad[..., None], rng.uniform(10, 80, r.uv.shape), r.uv)
    spoilt = type(r)(r.cameras, uv, r.variance, r.used, r.tool_poses, r.K, r.size, r.stamps_ns)
    for prior in (None, Prior(moved(E, rng, 0.02, 0.02)[1])):
        fit = solve(spoilt, 1, prior)
        assert workspace_shift(K[1], E[1], fit.world_from_camera, r.points)[1] < 0.006
        assert fit.outliers >= 0.7 * bad[1, r.used[1]].sum()


def test_a_right_prior_is_kept_where_there_is_little_to_see():
    rng = np.random.default_rng(3)
    K, E = cameras(rng)
    r = readings(rng, tool_poses(rng, 1), K, E, 0.4)
    fit = solve(r, 0, Prior(E[0], 0.001, 0.001))
    assert workspace_shift(K[0], E[0], fit.world_from_camera, r.points)[1] < 0.003


def test_many_correlated_frames_never_count_as_more_than_the_stated_number():
    rng = np.random.default_rng(4)
    K, E = cameras(rng)
    few, many = (solve(readings(rng, tool_poses(rng, n), K, E, 0.4), 0, noise=Noise(max_frames=5.0)) for n in (20, 200))
    assert np.trace(many.covariance) > 0.5 * np.trace(few.covariance)


def test_the_focal_length_can_be_solved():
    rng = np.random.default_rng(5)
    K, E = cameras(rng)
    r = readings(rng, tool_poses(rng, 40), K, E, 0.1)
    long = r.K.copy()
    long[:, :2, :2] *= 1.05
    wrong = type(r)(r.cameras, r.uv, r.variance, r.used, r.tool_poses, long, r.size, r.stamps_ns)
    fit = solve(wrong, 0, focal_sigma=0.2)
    assert abs(fit.focal_ratio * 1.05 - 1) < max(4 * fit.focal_sd, 0.01)


def test_pnp_finds_the_camera_from_nothing():
    rng = np.random.default_rng(6)
    K, E = cameras(rng)
    r = readings(rng, tool_poses(rng, 12), K, E, 0.3)
    shifts = [
        workspace_shift(K[0], E[0], start, r.points)[1]
        for start in pnp_starts(r.points[r.used[0]], r.uv[0, r.used[0]], K[0])
    ]
    assert min(shifts) < 0.02


def test_one_frame_without_a_prior_is_refused():
    rng = np.random.default_rng(7)
    K, E = cameras(rng)
    with pytest.raises(ValueError, match="frames is 1"):
        solve(readings(rng, tool_poses(rng, 1), K, E), 0)
