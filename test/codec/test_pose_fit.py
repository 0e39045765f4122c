"""One rigid pose from blobs: exact, equivariant, robust, with the right covariance."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.codec.bound import pose_bound
from action_images_ros.codec.encode import action_points
from action_images_ros.codec.pose_fit import fit_poses
from action_images_ros.codec.synthetic import random_rig
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.pose import rotation_angle, vector_from_rotation


def scene(views=2, frames=60, seed=0):
    rng = np.random.default_rng(seed)
    K, E = random_rig(rng, views, (128, 128))
    pose = np.tile(np.eye(4), (frames, 1, 1))
    pose[:, :3, :3] = Rotation.random(frames, random_state=rng).as_matrix()
    pose[:, :3, 3] = rng.uniform([0.35, -0.1, 0.05], [0.55, 0.1, 0.25], (frames, 3))
    uv = project(action_points(pose), K[:, None, None], E[:, None, None])[0]
    return pose, uv, np.full(uv.shape, 0.01), np.ones(uv.shape[:-1], bool), K, E


def errors(fit, pose):
    return (np.linalg.norm(fit.translation - pose[:, :3, 3], axis=1), rotation_angle(fit.rotation, pose[:, :3, :3]))


@pytest.mark.parametrize("views", [2, 3, 4])
def test_exact_pixels_give_exact_poses(views):
    pose, uv, variance, used, K, E = scene(views)
    position, rotation = errors(fit_poses(uv, variance, used, K, E, 0.6), pose)
    assert position.max() < 1e-7 and rotation.max() < 1e-6


def test_poses_move_with_the_world():
    pose, uv, variance, used, K, E = scene()
    uv = uv + np.random.default_rng(1).normal(0, 0.1, uv.shape)
    motion = np.eye(4)
    motion[:3, :3] = Rotation.random(random_state=2).as_matrix()
    motion[:3, 3] = [1, 2, -3]
    here = fit_poses(uv, variance, used, K, E, 0.6)
    there = fit_poses(uv, variance, used, K, motion @ E, 0.6)
    np.testing.assert_allclose(there.translation, here.translation @ motion[:3, :3].T + motion[:3, 3], atol=1e-5)
    np.testing.assert_allclose(there.rotation, motion[:3, :3] @ here.rotation, atol=1e-4)


@pytest.mark.parametrize("point", [0, 1, 2])
def test_any_one_point_may_be_missing_in_one_view(point):
    pose, uv, variance, used, K, E = scene(frames=100)
    used[1, :, point] = False
    fit = fit_poses(uv, variance, used, K, E, 0.6)
    position, rotation = errors(fit, pose)
    clear = ~fit.ambiguous
    assert clear.mean() > 0.9  # the circle of a roll may be seen edge-on
    assert position[clear].max() < 1e-6 and rotation[clear].max() < 1e-5


def test_covariance_matches_the_scatter_and_the_bound():
    pose, uv, variance, used, K, E = scene(frames=600)
    fit = fit_poses(uv + np.random.default_rng(3).normal(0, 0.1, uv.shape), variance, used, K, E, 0.6)
    error = np.concatenate(
        [pose[:, :3, 3] - fit.translation, vector_from_rotation(pose[:, :3, :3] @ np.swapaxes(fit.rotation, 1, 2))],
        axis=1,
    )
    nees = np.einsum("ti,tij,tj->t", error, np.linalg.inv(fit.covariance), error)
    assert nees.mean() == pytest.approx(6.0, abs=0.6)
    np.testing.assert_allclose(
        np.trace(fit.covariance, axis1=1, axis2=2).mean(),
        np.trace(pose_bound(pose, K, E, 100.0), axis1=1, axis2=2).mean(),
        rtol=0.1,
    )


def test_the_worst_of_three_views_is_dropped():
    pose, uv, variance, used, K, E = scene(3)
    uv[2] += [15.0, 8.0]
    fit = fit_poses(uv, variance, used, K, E, 0.6)
    position, _ = errors(fit, pose)
    assert np.median(position) < 1e-6
    assert (position < 1e-6).mean() > 0.9
    assert not fit.used[2, position < 1e-6].any()


def test_one_displaced_blob_of_two_views_is_found():
    pose, uv, variance, used, K, E = scene(frames=100)
    uv[0, :, 1] += [12.0, 9.0]
    fit = fit_poses(uv, variance, used, K, E, 0.6)
    position, _ = errors(fit, pose)
    trusted = fit.disagreement(0.6) < 1
    assert trusted.mean() > 0.5
    assert (position[trusted] < 1e-5).mean() > 0.9


def test_too_few_blobs_give_no_pose():
    _, uv, variance, used, K, E = scene(frames=3)
    used[:, 1] = False
    used[:, 2, 1:] = False
    fit = fit_poses(uv, variance, used, K, E, 0.6)
    assert np.isfinite(fit.translation[0]).all()
    assert np.isnan(fit.translation[1:]).all() and np.isinf(fit.rms[1:]).all()
