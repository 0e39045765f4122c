import numpy as np
import pytest
from cameras import looking_at
from control_rig import SECOND, changed, make_chunk
from scipy.spatial.transform import Rotation

from action_images_ros.control.chunk import Chunk
from action_images_ros.policy.decoding import chunk_from_prediction


def test_sampling_at_a_frame_returns_that_frame():
    chunk = make_chunk(stamp_ns=7 * SECOND, turn=(0, 0, 0.4))
    for index in range(len(chunk)):
        pose, openness = chunk.sample(7 * SECOND + index * SECOND // 5)
        np.testing.assert_allclose(pose[:3], chunk.poses[index, :3], atol=1e-9)
        assert abs(pose[3:] @ chunk.poses[index, 3:]) == pytest.approx(1, abs=1e-12)
        assert openness == 1.0


def test_a_straight_path_is_sampled_straight_at_constant_speed():
    chunk = make_chunk(velocity=(0.1, -0.2, 0.05), turn=(0.3, 0, 0))
    for time_ns in range(0, chunk.end_ns, 33_000_000):
        pose, _ = chunk.sample(time_ns)
        np.testing.assert_allclose(
            pose[:3], [0.5 + 0.1e-9 * time_ns, -0.2e-9 * time_ns, 0.3 + 0.05e-9 * time_ns], atol=1e-9
        )


def test_a_path_between_frames_never_leaves_the_range_of_its_neighbours():
    rng = np.random.default_rng(0)
    chunk = make_chunk()
    poses = chunk.poses.copy()
    poses[:, :3] = rng.uniform(-1, 1, (len(chunk), 3))
    chunk = changed(chunk, poses=poses)
    times = np.linspace(0, chunk.end_ns, 500).astype(np.int64)
    samples, _ = chunk.samples(times)
    index = np.minimum(times // (SECOND // 5), len(chunk) - 2)
    low, high = np.minimum(poses[index, :3], poses[index + 1, :3]), np.maximum(poses[index, :3], poses[index + 1, :3])
    assert np.all(samples[:, :3] >= low - 1e-12) and np.all(samples[:, :3] <= high + 1e-12)


def test_a_gripper_command_holds_until_the_next_frame():
    chunk = changed(make_chunk(), openness=np.array([1, 1, 0, 0, 1, 1, 1, 1, 0.0]))
    _, openness = chunk.samples(np.array([0, 399, 400, 799, 800, 1599, 1600]) * 1_000_000)
    assert openness.tolist() == [1, 1, 0, 0, 1, 1, 0]


def test_antipodal_quaternions_take_the_short_way():
    chunk = make_chunk(turn=(0, 0, 0.5))
    flipped = chunk.poses.copy()
    flipped[1::2, 3:] *= -1
    for time_ns in range(0, chunk.end_ns, 50_000_000):
        straight = chunk.sample(time_ns)[0][3:]
        other = changed(chunk, poses=flipped).sample(time_ns)[0][3:]
        assert (Rotation.from_quat(straight).inv() * Rotation.from_quat(other)).magnitude() < 1e-6


def test_sampling_outside_the_chunk_is_refused_not_extrapolated():
    chunk = make_chunk(stamp_ns=SECOND)
    for time_ns in (SECOND - 1, chunk.end_ns + 1):
        with pytest.raises(ValueError, match="nothing outside its frames"):
            chunk.sample(time_ns)


def test_the_end_is_the_time_of_the_last_frame():
    assert make_chunk(stamp_ns=3, frames=9, dt=0.2).end_ns == 3 + 8 * SECOND // 5


def test_truncated_keeps_leading_frames_with_unit_quaternions_without_flips():
    chunk = make_chunk(turn=(0, 0, 0.5))
    poses = chunk.poses.copy()
    poses[1::2, 3:] *= -1.004
    short = changed(chunk, poses=poses).truncated(4)
    assert len(short) == 4
    np.testing.assert_allclose(np.linalg.norm(short.poses[:, 3:], axis=1), 1, atol=1e-12)
    assert np.all(np.sum(short.poses[1:, 3:] * short.poses[:-1, 3:], axis=1) > 0)


@pytest.mark.parametrize(
    "arrays, name",
    [
        ({"poses": np.zeros((9, 6))}, "poses"),
        ({"poses": np.zeros((0, 7))}, "poses"),
        ({"openness": np.zeros(8)}, "openness"),
        ({"covariance": np.zeros((9, 3, 3))}, "covariance"),
        ({"valid": np.zeros(2, dtype=bool)}, "valid"),
        ({"dt": 0.0}, "dt"),
        ({"dt": float("nan")}, "dt"),
    ],
)
def test_arrays_that_do_not_belong_together_are_named(arrays, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        changed(make_chunk(), **arrays)


def test_a_chunk_does_not_change_with_the_arrays_it_was_made_from():
    poses = make_chunk().poses.copy()
    chunk = changed(make_chunk(), poses=poses)
    poses[:] = 0
    assert chunk.poses[0, 0] == 0.5
    with pytest.raises(ValueError):
        chunk.poses[0, 0] = 1


def test_sigmas_are_the_largest_in_any_direction_and_nan_where_unknown():
    covariance = np.repeat(np.diag([1, 4, 9, 16, 25, 36.0])[None], 9, axis=0)
    covariance[3, 0, 0] = np.nan
    chunk = changed(make_chunk(), covariance=covariance)
    assert chunk.sigma_position[0] == pytest.approx(3) and chunk.sigma_rotation[0] == pytest.approx(6)
    assert np.isnan(chunk.sigma_position[3]) and chunk.sigma_rotation[3] == pytest.approx(6)


def test_step_speeds_are_those_of_the_motion():
    linear, angular = make_chunk(velocity=(0.3, 0, 0.4), turn=(0, 0.7, 0)).step_speeds()
    np.testing.assert_allclose(linear, 0.5)
    np.testing.assert_allclose(angular, 0.7)


def test_a_prediction_becomes_robot_tool_poses_and_garbage_stays_invalid():
    from action_images_ros.codec.encode import encode, to_uint8
    from action_images_ros.geometry.camera import intrinsics_from_fovy
    from action_images_ros.geometry.pose import matrix_from_pose7, to_model_tool
    from action_images_ros.policy.prediction import Prediction

    robot_from_model = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    chunk = make_chunk(stamp_ns=42, turn=(0.1, 0.2, 0.3), openness=0.0)
    size = (96, 96)
    K = np.stack([intrinsics_from_fovy(50, *size)] * 2)
    E = np.stack([looking_at(eye, (0.5, 0.0, 0.3)) for eye in ((1.3, -0.5, 0.8), (1.2, 0.6, 0.9))])
    images = encode(matrix_from_pose7(to_model_tool(chunk.poses, robot_from_model)), chunk.openness, K, E, size).images
    images = np.array(to_uint8(images))
    images[:, 5] = 0
    prediction = Prediction(
        stamp_ns=42, dt=0.2, camera_names=("left", "right"), action_images=images, K=K, world_from_camera=E
    )
    decoded = chunk_from_prediction(prediction, robot_from_model)
    assert isinstance(decoded, Chunk) and decoded.stamp_ns == 42 and decoded.dt == 0.2
    assert not decoded.valid[5] and np.isnan(decoded.poses[5]).all()
    good = [0, 1, 2, 3, 4, 6, 7, 8]
    assert decoded.valid[good].all() and np.all(decoded.openness[good] < 0.1)
    np.testing.assert_allclose(decoded.poses[good, :3], chunk.poses[good, :3], atol=1e-3)
    angle = (Rotation.from_quat(decoded.poses[good, 3:]).inv() * Rotation.from_quat(chunk.poses[good, 3:])).magnitude()
    assert np.degrees(angle).max() < 1
