"""The pinhole camera: golden rays, equivariance, crops and resizes, sign conventions."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.codec.synthetic import random_rig
from action_images_ros.geometry import camera
from action_images_ros.geometry.camera import Camera, project

DATA = Path(__file__).parents[1] / "data"
BACKWARDS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def rig():
    return random_rig(np.random.default_rng(0), 3, (96, 128))


def points(count=50, seed=1):
    return np.random.default_rng(seed).uniform([0.3, -0.2, 0.0], [0.6, 0.2, 0.3], (count, 3))


def test_rays_agree_with_the_published_ones():
    with np.load(DATA / "golden_plucker.npz") as golden:
        for case in sorted({name[0] for name in golden.files}):
            expected = golden[f"{case}_plucker"]
            ours = camera.published_plucker(golden[f"{case}_K"], golden[f"{case}_E"], expected.shape[1:3])
            np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_a_projected_point_lies_on_the_ray_of_its_pixel(rig):
    K, E = rig
    uv, _ = camera.project(np.array([0.45, 0.02, 0.15]), K[0], E[0])
    whole = np.rint(uv)
    shifted = camera.crop_intrinsics(K[0], *(uv - whole))  # moves the point onto a pixel centre
    ray = camera.plucker(shifted, E[0], (96, 128))[int(whole[1]), int(whole[0])]
    np.testing.assert_allclose(np.cross([0.45, 0.02, 0.15], ray[:3]), ray[3:], atol=1e-9)


def test_pixels_do_not_change_when_world_and_cameras_move_together(rig):
    K, E = rig
    motion = np.eye(4)
    motion[:3, :3] = Rotation.random(random_state=2).as_matrix()
    motion[:3, 3] = [1.0, -2.0, 0.5]
    there = points() @ motion[:3, :3].T + motion[:3, 3]
    for view in range(3):
        before = camera.project(points(), K[view], E[view])
        after = camera.project(there, K[view], motion @ E[view])
        np.testing.assert_allclose(after[0], before[0], atol=1e-9)
        np.testing.assert_allclose(after[1], before[1], atol=1e-9)


def test_many_cameras_project_at_once(rig):
    K, E = rig
    together, _ = camera.project(points(), K[:, None], E[:, None])
    for view in range(3):
        np.testing.assert_allclose(together[view], camera.project(points(), K[view], E[view])[0], atol=1e-12)


def test_depth_tells_points_behind_the_camera():
    _, depth = camera.project([[0, 0, 1.0], [0, 0, -1.0]], camera.intrinsics_from_fovy(50, 64, 64), np.eye(4))
    assert depth.tolist() == [1.0, -1.0]


def test_negative_focal_lengths_describe_the_same_rays(rig):
    K, E = rig
    backwards_K, backwards_E = K @ BACKWARDS[:3, :3], E @ BACKWARDS
    assert (backwards_K[:, 0, 0] < 0).all()
    same_K, same_E = camera.normalise_signs(backwards_K, backwards_E)
    np.testing.assert_allclose(same_K, K, atol=1e-12)
    np.testing.assert_allclose(same_E, E, atol=1e-12)
    np.testing.assert_allclose(
        camera.project(points(), backwards_K[0], backwards_E[0])[0], camera.project(points(), K[0], E[0])[0], atol=1e-9
    )


def test_one_negative_focal_length_is_refused():
    with pytest.raises(ValueError, match="only one is negative"):
        camera.normalise_signs(np.diag([-50.0, 50.0, 1.0]), np.eye(4))


def test_resizing_and_cropping_move_pixels_as_images_do(rig):
    K, E = rig
    uv, _ = camera.project(points(), K[0], E[0])
    halved, _ = camera.project(points(), camera.resize_intrinsics(K[0], 0.5, 0.25), E[0])
    np.testing.assert_allclose(halved, (uv + 0.5) * [0.5, 0.25] - 0.5, atol=1e-9)
    cropped, _ = camera.project(points(), camera.crop_intrinsics(K[0], 7, 3), E[0])
    np.testing.assert_allclose(cropped, uv - [7, 3], atol=1e-9)


def test_field_of_view_spans_the_image_height_from_edge_to_edge():
    K = camera.intrinsics_from_fovy(60, 120, 160)
    top, _ = camera.project([0, -np.tan(np.radians(30)), 1.0], K, np.eye(4))
    np.testing.assert_allclose(top, [79.5, -0.5], atol=1e-9)  # pixel centres at integers: the edge is at -0.5


@pytest.mark.parametrize(
    ("K", "words"),
    [
        (np.zeros((3, 3)), "K"),
        (np.diag([0.0, 0.0, 1.0]), "singular"),
        (np.full((3, 3), np.nan), "nan"),
        (np.diag([50.0, 50.0, 1.0])[:2], "shape"),
        (np.array([[50.0, 0, 0], [0, 50.0, 0], [32, 32, 1]]), "transpose"),
        (np.zeros((0, 3, 3)), "no camera"),
        ([["a"]], "numeric"),
    ],
)
def test_impossible_intrinsics_are_refused(K, words):
    with pytest.raises(ValueError, match=words):
        camera.validate_intrinsics(K)


@pytest.mark.parametrize("E", [np.zeros((4, 4)), np.diag([1.0, 1.0, -1.0, 1.0]), np.diag([2.0, 2.0, 2.0, 1.0])])
def test_extrinsics_that_are_no_rigid_motion_are_refused(E):
    with pytest.raises(ValueError, match="rigid motion"):
        camera.validate_extrinsics(E)


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="fovy_deg is 200"):
        camera.intrinsics_from_fovy(200, 64, 64)
    with pytest.raises(ValueError, match="scale_x"):
        camera.resize_intrinsics(np.eye(3), 0, 1)


def test_a_camera_shows_its_target_in_the_middle():
    camera = Camera.looking_at([1.3, 0.4, 0.8], [0.5, 0.0, 0.1], (96, 128))
    uv, depth = project([0.5, 0.0, 0.1], camera.K, camera.world_from_camera)
    np.testing.assert_allclose(uv, [63.5, 47.5], atol=1e-9)
    assert depth == pytest.approx(np.linalg.norm([0.8, 0.4, 0.7]))
    above, _ = project([0.5, 0.0, 0.2], camera.K, camera.world_from_camera)
    assert above[1] < 47.5 and above[0] == pytest.approx(63.5)
    K, E = Camera.stack([camera, camera])
    assert K.shape == (2, 3, 3) and E.shape == (2, 4, 4)


@pytest.mark.parametrize(
    "eye, target", [([0, 0, 1], [0, 0, 0]), ([0.5, 0, 0], [0.5, 0, 0]), ([np.nan, 0, 0], [1, 0, 0])]
)
def test_a_camera_that_looks_nowhere_is_refused(eye, target):
    with pytest.raises(ValueError, match="eye is"):
        Camera.looking_at(eye, target, (96, 96))


def test_a_mirrored_or_misshapen_camera_is_refused():
    K, E = np.diag([-90.0, 90.0, 1.0]), np.eye(4)
    with pytest.raises(ValueError, match="only one is negative"):
        Camera(K, E, (96, 96))
    with pytest.raises(ValueError, match="size is"):
        Camera(np.diag([90.0, 90.0, 1.0]), E, (0, 96))
    with pytest.raises(ValueError, match=r"give \[3, 3\]"):
        Camera(np.diag([90.0, 90.0, 1.0])[None], E[None], (96, 96))
    assert (np.diagonal(Camera(np.diag([-90.0, -90.0, 1.0]), E, (96, 96)).K) > 0).all()
