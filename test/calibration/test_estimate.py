from dataclasses import replace

import numpy as np
import pytest
from calibration_rigs import cameras, moved, readings, tool_poses
from scipy.spatial.transform import Rotation

from action_images_ros.calibration.differences import workspace_sd, workspace_shift
from action_images_ros.calibration.estimate import estimate_rig
from action_images_ros.calibration.resection import Prior, solve_camera
from action_images_ros.calibration.results import CORRECTED, GOOD, REFUSED, Settings

DEG = np.pi / 180


def rig(seed, frames=12, noise=0.4, views=2, size=0.24):
    rng = np.random.default_rng(seed)
    K, E = cameras(rng, views)
    return rng, E, readings(rng, tool_poses(rng, frames, size), K, E, noise)


def test_a_right_calibration_is_left_exactly_as_it_was():
    for seed in range(12):
        _, E, r = rig(seed)
        result = estimate_rig(r, E)
        assert result.verdict == GOOD and not result.problems
        for camera, told in zip(result.cameras, E, strict=True):
            assert np.array_equal(camera.world_from_camera, told)


@pytest.mark.parametrize("metres, degrees", [(0.02, 2), (0.05, 3), (0.1, 10), (0.3, 25)])
def test_wrong_calibrations_are_corrected(metres, degrees):
    errors = []
    for seed in range(4):
        rng, E, r = rig(seed)
        told = moved(E, rng, metres, degrees * DEG)
        result = estimate_rig(r, told)
        assert result.verdict == CORRECTED, (result.problems, [c.reasons for c in result.cameras])
        for view, camera in enumerate(result.cameras):
            points = r.points
            errors.append(workspace_shift(r.K[view], E[view], camera.world_from_camera, points)[1])
            before = workspace_shift(r.K[view], E[view], told[view], points)[1]
            assert errors[-1] <= before
            assert camera.verdict != CORRECTED or camera.held_out < 0.8
    assert np.median(errors) < 0.005


def test_no_calibration_is_needed():
    for seed in range(6):
        _, E, r = rig(seed, views=3)
        result = estimate_rig(r)
        assert result.verdict == CORRECTED
        assert (
            max(workspace_shift(r.K[v], E[v], c.world_from_camera, r.points)[1] for v, c in enumerate(result.cameras))
            < 0.012
        )


@pytest.mark.parametrize("axis", "zxy")
@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_hand_is_named_and_nothing_is_corrected(axis, degrees):
    _, E, r = rig(3)
    turn = Rotation.from_euler(axis, degrees, degrees=True)
    poses = r.tool_poses.copy()
    poses[:, 3:] = (Rotation.from_quat(poses[:, 3:]) * turn.inv()).as_quat()
    for told in (E, None):
        result = estimate_rig(replace(r, tool_poses=poses), told)
        assert len(result.problems) == 1
        assert "robot_tool_from_model_tool" in result.problems[0]
        assert f"{degrees} deg about {axis}" in result.problems[0]
        assert result.verdict == REFUSED and not any(c.verdict == CORRECTED for c in result.cameras)


@pytest.mark.parametrize("views, order", [(2, [1, 0]), (3, [1, 0, 2]), (3, [1, 2, 0])])
def test_exchanged_cameras_are_named(views, order):
    rng, E, r = rig(4, views=views)
    result = estimate_rig(r, moved(E, rng, 0.01, 0.01)[order])
    assert result.verdict == REFUSED
    assert "exchanged" in result.problems[0]
    for view, other in enumerate(order):
        assert (r.cameras[view] in result.problems[0]) == (view != other)


def test_cameras_said_to_be_at_one_place_are_not_taken_for_exchanged():
    _, E, r = rig(4)
    result = estimate_rig(r, np.stack([E[0], E[0]]))
    assert not result.problems and result.camera("right").verdict == CORRECTED


@pytest.mark.parametrize("ratio", [0.5, 1.3, 2.0])
def test_a_wrong_focal_length_is_named(ratio):
    _, E, r = rig(5, frames=24)
    K = r.K.copy()
    K[1, :2, :2] *= ratio
    result = estimate_rig(replace(r, K=K), E)
    wrong = result.camera("right")
    assert wrong.verdict == REFUSED and any("focal length" in reason for reason in wrong.reasons)
    assert result.camera("left").verdict == GOOD


def test_too_few_frames_an_arm_at_rest_and_a_blind_camera_are_named():
    rng, E, r = rig(6)
    told = moved(E, rng, 0.04, 0.05)
    few = estimate_rig(r.select(np.arange(2)), told)
    assert few.verdict == REFUSED and "frames" in few.cameras[0].reasons[0]
    still = estimate_rig(rig(6, size=0.01)[2], told)
    assert still.verdict == REFUSED and "tool motion" in still.problems[0]
    blind = estimate_rig(replace(r, used=r.used & np.array([[True], [False]])), told)
    assert blind.camera("right").verdict == REFUSED and "never read" in blind.camera("right").reasons[0]
    assert np.array_equal(blind.camera("right").world_from_camera, told[1])
    assert blind.camera("left").verdict == CORRECTED


def test_readings_that_follow_nothing_are_not_believed():
    rng, E, r = rig(7, frames=20)
    uv = r.uv.copy()
    uv[1] += rng.normal(scale=4.0, size=uv[1].shape)
    result = estimate_rig(replace(r, uv=uv), moved(E, rng, 0.02, 0.02))
    bad = result.camera("right")
    assert bad.verdict == REFUSED and any("readings" in reason for reason in bad.reasons)
    assert any("left" in reason for reason in bad.reasons)  # the other camera does agree


def test_one_camera_is_refused():
    _, E, r = rig(8)
    one = replace(r, cameras=r.cameras[:1], uv=r.uv[:1], variance=r.variance[:1], used=r.used[:1], K=r.K[:1])
    with pytest.raises(ValueError, match="2 or more"):
        estimate_rig(one, E[:1])


def test_a_flat_motion_of_points_leaves_a_mirrored_camera_possible_and_says_so():
    rng = np.random.default_rng(9)
    K, E = cameras(rng)
    K = K.copy()
    E[:, :3, 3] += -2.5 * E[:, :3, 2]  # far away and long lenses: nearly parallel rays
    K[:, 0, 0] *= 3.4
    K[:, 1, 1] *= 3.4
    r = readings(rng, tool_poses(rng, 6, 0.03), K, E, 0.6)
    result = estimate_rig(r, None, Settings(min_span_m=0.01, max_sd_m=10.0))
    assert all(camera.verdict == REFUSED for camera in result.cameras)


def test_the_standard_deviation_at_the_workspace_is_that_of_the_errors():
    errors, sds = [], []
    for seed in range(40):
        rng, E, r = rig(seed, noise=0.5)
        used = r.used[0]
        settings = Settings()
        noise = replace(settings.noise, floor_px=(0.0, 0.0, 0.0), factor=1.0, max_frames=np.inf)
        fit = solve_camera(
            r.points[used],
            r.uv[0, used],
            r.variance[0, used],
            r.K[0],
            noise=noise,
            prior=Prior(moved(E, rng, 0.01, 0.01)[0]),
        )
        errors.append(workspace_shift(r.K[0], E[0], fit.world_from_camera, r.points)[1])
        sds.append(workspace_sd(r.K[0], fit.world_from_camera, fit.covariance, r.points))
    assert 0.7 < np.sqrt(np.mean(np.square(errors)) / np.mean(np.square(sds))) < 1.4
