"""Poses: layouts round trip, interpolation takes the short way, nonsense is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from action_images_ros.geometry import pose


def random_pose7(rng, *shape):
    count = int(np.prod(shape))
    quaternion = Rotation.random(count, random_state=rng).as_quat()
    return np.concatenate([rng.uniform(-1, 1, (count, 3)), quaternion], axis=1).reshape(*shape, 7)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pose_vectors_and_matrices_are_inverse_of_each_other(seed):
    poses = random_pose7(np.random.default_rng(seed), 2, 5)
    back = pose.pose7_from_matrix(pose.matrix_from_pose7(poses))
    sign = np.sign(np.sum(back[..., 3:] * poses[..., 3:], axis=-1, keepdims=True))
    np.testing.assert_allclose(back[..., :3], poses[..., :3], atol=1e-12)
    np.testing.assert_allclose(back[..., 3:] * sign, poses[..., 3:], atol=1e-9)
    assert (back[..., 6] >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_actions_and_matrices_are_inverse_of_each_other(seed):
    rng = np.random.default_rng(seed)
    matrix = pose.matrix_from_pose7(random_pose7(rng, 6))
    openness = rng.uniform(0, 1, 6)
    again, openness_again = pose.matrix_from_action(pose.action_from_matrix(matrix, openness))
    np.testing.assert_allclose(again, matrix, atol=1e-9)
    np.testing.assert_array_equal(openness_again, openness)


def test_actions_use_extrinsic_euler_angles():
    matrix, _ = pose.matrix_from_action([0, 0, 0, 0.3, -0.2, 0.7, 1])
    expected = (
        Rotation.from_rotvec([0, 0, 0.7]) * Rotation.from_rotvec([0, -0.2, 0]) * Rotation.from_rotvec([0.3, 0, 0])
    ).as_matrix()
    np.testing.assert_allclose(matrix[:3, :3], expected, atol=1e-12)


def test_inverse_undoes_a_motion():
    matrix = pose.matrix_from_pose7(random_pose7(np.random.default_rng(0), 7))
    np.testing.assert_allclose(pose.inverse(matrix) @ matrix, np.tile(np.eye(4), (7, 1, 1)), atol=1e-12)


def test_interpolation_meets_both_ends_and_takes_the_short_way_between_antipodes():
    rng = np.random.default_rng(1)
    a, b = random_pose7(rng, 20), random_pose7(rng, 20)
    b_antipodal = b * np.array([1, 1, 1, -1, -1, -1, -1])
    ends = pose.interpolate(a, b, 0.0), pose.interpolate(a, b, 1.0)
    for end, wanted in zip(ends, (a, b), strict=True):
        np.testing.assert_allclose(pose.matrix_from_pose7(end), pose.matrix_from_pose7(wanted), atol=1e-9)
    middle, other = pose.interpolate(a, b, 0.5), pose.interpolate(a, b_antipodal, 0.5)
    np.testing.assert_allclose(pose.matrix_from_pose7(middle), pose.matrix_from_pose7(other), atol=1e-9)
    whole = pose.rotation_angle(pose.matrix_from_pose7(a)[:, :3, :3], pose.matrix_from_pose7(b)[:, :3, :3])
    half = pose.rotation_angle(pose.matrix_from_pose7(a)[:, :3, :3], pose.matrix_from_pose7(middle)[:, :3, :3])
    np.testing.assert_allclose(half, whole / 2, atol=1e-9)


def test_interpolated_fractions_broadcast_over_time():
    a, b = random_pose7(np.random.default_rng(2), 2)
    path = pose.interpolate(a, b, np.linspace(0, 1, 11))
    np.testing.assert_allclose(np.diff(path[:, :3], axis=0), np.tile((b - a)[:3] / 10, (10, 1)), atol=1e-12)


def test_continuous_quaternions_never_flip_and_keep_the_rotation():
    angles = np.linspace(0, 4 * np.pi, 60)
    quaternion = Rotation.from_rotvec(angles[:, None] * [0, 0, 1]).as_quat()
    quaternion[::3] *= -1
    poses = np.concatenate([np.zeros((60, 3)), quaternion], axis=1)
    smooth = pose.continuous_quaternions(poses)
    assert (np.sum(smooth[1:, 3:] * smooth[:-1, 3:], axis=1) > 0).all()
    np.testing.assert_allclose(pose.matrix_from_pose7(smooth), pose.matrix_from_pose7(poses), atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, np.pi - 1e-9, np.pi])
def test_rotation_angle_is_exact_for_tiny_and_half_turns(angle):
    rotation = pose.rotation_from_vector(np.array([0, angle, 0]))
    assert pose.rotation_angle(np.eye(3), rotation) == pytest.approx(angle, abs=1e-12)


def test_robot_and_model_tool_frames_convert_back_and_forth():
    poses = random_pose7(np.random.default_rng(3), 9)
    robot_tool_from_model_tool = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    model = pose.to_model_tool(poses, robot_tool_from_model_tool)
    back = pose.to_robot_tool(model, robot_tool_from_model_tool)
    np.testing.assert_allclose(pose.matrix_from_pose7(back), pose.matrix_from_pose7(poses), atol=1e-9)
    robot, turned = pose.matrix_from_pose7(poses), pose.matrix_from_pose7(model)
    np.testing.assert_allclose(turned[:, :3, 0], robot[:, :3, 1], atol=1e-9)  # model x is robot y
    np.testing.assert_allclose(turned[:, :3, 2], robot[:, :3, 2], atol=1e-9)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([0, 0, 0, 0, 0, 0, 0], "zero quaternion"),
        ([np.nan, 0, 0, 0, 0, 0, 1], "nan"),
        ([0, 0, 0, 0, 0, np.inf, 1], "inf"),
        ([0, 0, 0, 1], "shape"),
    ],
)
def test_impossible_poses_are_refused_with_their_value(value, words):
    with pytest.raises(ValueError, match=words) as error:
        pose.matrix_from_pose7(value)
    assert "pose7" in str(error.value)


def test_actions_with_openness_out_of_range_are_refused():
    with pytest.raises(ValueError, match="openness.*1.5"):
        pose.matrix_from_action([0, 0, 0, 0, 0, 0, 1.5])


def test_a_tool_rotation_that_is_none_is_refused():
    with pytest.raises(ValueError, match="robot_tool_from_model_tool"):
        pose.to_model_tool([0, 0, 0, 0, 0, 0, 1], np.diag([1, 1, -1]))
