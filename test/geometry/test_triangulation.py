"""Triangulation: exact on exact pixels, robust against one bad view, honest about its error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from action_images_ros.codec.synthetic import random_rig
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.triangulation import fit_rigid, projection_jacobian, triangulate


def scene(views, seed=0, count=40):
    rng = np.random.default_rng(seed)
    K, E = random_rig(rng, views, (128, 128))
    points = rng.uniform([0.3, -0.2, 0.0], [0.6, 0.2, 0.3], (count, 3))
    return points, project(points, K[:, None], E[:, None])[0], K, E


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_exact_pixels_give_exact_points(seed, views):
    points, uv, K, E = scene(views, seed)
    result = triangulate(uv, K, E)
    np.testing.assert_allclose(result.points, points, atol=1e-8)
    assert result.used.all()


def test_points_move_with_the_world():
    points, uv, K, E = scene(3)
    motion = np.eye(4)
    motion[:3, :3] = Rotation.random(random_state=4).as_matrix()
    motion[:3, 3] = [0.3, 1.0, -2.0]
    moved = triangulate(uv, K, motion @ E).points
    np.testing.assert_allclose(moved, points @ motion[:3, :3].T + motion[:3, 3], atol=1e-7)


def test_one_bad_view_of_three_is_dropped():
    points, uv, K, E = scene(3)
    uv[1] += [25.0, -10.0]
    result = triangulate(uv, K, E)
    close = np.linalg.norm(result.points - points, axis=1) < 1e-3
    assert close.mean() > 0.9
    assert not result.used[1, close].any()


def test_unseen_views_are_left_out_and_a_single_view_gives_no_point():
    points, uv, K, E = scene(3)
    uv[0, :10] = np.nan
    uv[1, 5:15] = np.nan
    result = triangulate(uv, K, E)
    assert np.isnan(result.points[5:10]).all()
    known = np.r_[0:5, 10:40]
    np.testing.assert_allclose(result.points[known], points[known], atol=1e-7)


def test_identical_cameras_see_no_depth():
    _, uv, K, E = scene(2)
    result = triangulate(np.stack([uv[0], uv[0]]), K[[0, 0]], E[[0, 0]])
    assert np.isnan(result.points).all()


@pytest.mark.parametrize("views", [[0, 0], [0, 1, 0], [0, 0, 0, 0]])
def test_cameras_in_one_place_that_disagree_give_no_point_and_no_error(views):
    _, uv, K, E = scene(2)
    rng = np.random.default_rng(3)
    apart = uv[views] + rng.normal(0, 20, (len(views), *uv.shape[1:]))
    result = triangulate(apart, K[views], E[views])
    assert result.points.shape == (40, 3)
    if 1 not in views:
        assert not np.isfinite(result.points).all(axis=-1).any()


def test_covariance_matches_the_scatter():
    rng = np.random.default_rng(5)
    points, uv, K, E = scene(2, seed=6, count=3000)
    result = triangulate(uv + 0.5 * rng.standard_normal(uv.shape), K, E, pixel_sigma=0.5)
    error = result.points - points
    squared = np.einsum("ni,ni->n", error, np.linalg.solve(result.covariance, error[..., None])[..., 0])
    assert squared.mean() == pytest.approx(3.0, abs=0.3)


def test_projection_jacobian_is_the_derivative():
    points, _, K, E = scene(1, count=5)
    numeric = np.stack(
        [
            (project(points + 1e-6 * axis, K[0], E[0])[0] - project(points - 1e-6 * axis, K[0], E[0])[0]) / 2e-6
            for axis in np.eye(3)
        ],
        axis=-1,
    )
    np.testing.assert_allclose(projection_jacobian(points, K[0], E[0]), numeric, rtol=1e-5, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rigid_fit_recovers_a_motion_and_never_a_reflection(seed):
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((5, 3, 3))
    rotation = Rotation.random(5, random_state=rng).as_matrix()
    shift = rng.standard_normal((5, 3))
    fitted, translation = fit_rigid(source, np.einsum("nij,nkj->nki", rotation, source) + shift[:, None])
    np.testing.assert_allclose(np.linalg.det(fitted), 1.0, atol=1e-9)
    np.testing.assert_allclose(fitted, rotation, atol=1e-5)
    np.testing.assert_allclose(translation, shift, atol=1e-5)


def test_a_single_view_is_refused():
    _, uv, K, E = scene(1)
    with pytest.raises(ValueError, match="two views"):
        triangulate(uv, K, E)
