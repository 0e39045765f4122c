import numpy as np
import pytest
from motions import SIZE, STEP, falling

from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.metrics.actions import action_errors, constant_actions, jaccard, mean_pose, tracks


@pytest.fixture
def episode():
    return falling()


def held(episode, **changes):
    return constant_actions(episode.poses[0], 1.0, episode.frames)._replace(**changes)


def test_a_held_pose_errs_by_the_way_the_tool_went(episode):
    errors = action_errors(held(episode), matrix_from_pose7(episode.poses), episode.openness)
    np.testing.assert_allclose(errors["position_mm"], 1e3 * STEP * np.arange(11), atol=1e-9)
    np.testing.assert_allclose(errors["rotation_deg"], 0, atol=1e-6)
    assert errors["openness"].tolist() == (episode.openness > 0.5).astype(float).tolist()


def test_frames_that_are_not_valid_have_no_error_but_count_as_not_valid(episode):
    valid = np.arange(11) % 2 == 0
    errors = action_errors(held(episode, valid=valid), matrix_from_pose7(episode.poses), episode.openness)
    assert np.isnan(errors["position_mm"]).tolist() == (~valid).tolist()
    assert errors["valid"].mean() == valid.mean()


def test_tracks_are_measured_at_256_px_whatever_the_size(episode):
    truth = matrix_from_pose7(episode.poses)
    small = tracks(held(episode), truth, episode.K, episode.world_from_camera, SIZE)
    K = episode.K.copy()
    K[:, :2] *= 2
    large = tracks(held(episode), truth, K, episode.world_from_camera, (96, 96))
    assert small["track_px"].shape == (3 * 11 * 3,)
    np.testing.assert_allclose(small["track_px"], large["track_px"])


def test_a_frame_that_is_not_valid_claims_no_point(episode):
    truth = matrix_from_pose7(episode.poses)
    decoded = constant_actions(episode.poses[0], 1, 11)._replace(poses=episode.poses.copy(), valid=np.arange(11) < 4)
    decoded.poses[4:] = np.nan
    found = tracks(decoded, truth, episode.K, episode.world_from_camera, SIZE)
    seen = found["seen"].reshape(3, 11, 3)
    assert not found["claimed"].reshape(3, 11, 3)[:, 4:].any()
    expected = seen[:, :4].sum() / seen.sum()
    assert jaccard(found["track_px"], found["seen"], found["claimed"], 1) == pytest.approx(expected)


def test_a_wrong_claim_counts_twice():
    distance, yes = np.array([0.0, 9.0]), np.ones(2, bool)
    assert jaccard(distance, yes, yes, 4) == pytest.approx(1 / 3)
    assert jaccard(distance, yes, np.array([True, False]), 4) == pytest.approx(1 / 2)
    assert jaccard(distance, yes, yes, 16) == 1.0


def test_the_mean_pose_does_not_mind_signs_of_quaternions(episode):
    poses = episode.poses.copy()
    poses[::2, 3:] *= -1
    pose, openness = mean_pose(poses, episode.openness)
    np.testing.assert_allclose(pose[:3], episode.poses[:, :3].mean(axis=0))
    assert abs(pose[3]) == pytest.approx(1) and openness == 0.0
