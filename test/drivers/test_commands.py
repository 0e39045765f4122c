"""Commands in a driver's units: millimetres and angles there and back, openness mapped, streams thinned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_images_ros.drivers.commands import Throttle, gripper_position, pose7_from_xarm, xarm_pose
from action_images_ros.geometry.pose import matrix_from_pose7

QUATERNIONS = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)


@given(st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3), QUATERNIONS)
def test_a_pose_survives_millimetres_and_angles(position, quaternion):
    pose = np.array([*position, *quaternion])
    pose[3:] /= np.linalg.norm(pose[3:])
    numbers = xarm_pose(pose)
    np.testing.assert_allclose(numbers[:3], 1000 * pose[:3], atol=1e-9)
    np.testing.assert_allclose(matrix_from_pose7(pose7_from_xarm(numbers)), matrix_from_pose7(pose), atol=1e-6)


@pytest.mark.parametrize("pitch", [90, -90])
def test_a_tool_that_points_along_the_base_has_angles_too(pitch):
    numbers = [0, 0, 0, 0.3, np.radians(pitch), 0.0]
    back = pose7_from_xarm(xarm_pose(pose7_from_xarm(numbers)))
    np.testing.assert_allclose(matrix_from_pose7(back), matrix_from_pose7(pose7_from_xarm(numbers)), atol=1e-6)


def test_the_hand_down_is_roll_180():
    np.testing.assert_allclose(np.abs(xarm_pose([0.4, 0, 0.2, 1, 0, 0, 0])), [400, 0, 200, np.pi, 0, 0], atol=1e-9)


@pytest.mark.parametrize("values", [[1, 2, 3], [np.nan] * 6, list(range(7))])
def test_what_is_no_pose_of_the_arm_is_refused(values):
    with pytest.raises(ValueError, match="six finite numbers"):
        pose7_from_xarm(values)


def test_openness_is_mapped_between_closed_and_open():
    assert [gripper_position(o, 0.8, 0.0) for o in (0.0, 0.5, 1.0)] == pytest.approx([0.8, 0.4, 0.0])
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="openness"):
            gripper_position(wrong, 0.0, 0.08)


def test_a_stream_is_thinned_to_the_rate():
    throttle = Throttle(20.0)
    sent = sum(throttle.ready(0.01 * tick) for tick in range(500))
    assert 98 <= sent <= 101


def test_a_stream_of_the_right_rate_passes_whole_though_it_jitters():
    throttle, rng = Throttle(100.0), np.random.default_rng(0)
    assert sum(throttle.ready(0.01 * tick + rng.uniform(-5e-4, 5e-4)) for tick in range(300)) >= 297
