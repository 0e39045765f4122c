"""Stamps, poses, intrinsics and joints survive the way through messages; nonsense is refused at the boundary."""

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import CameraInfo, JointState

from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.interfaces.finger_joints import joint_sum
from action_images_ros.ros.conversions import (
    camera_info_from_intrinsics,
    duration_from_seconds,
    intrinsics_from_camera_info,
    ns_from_stamp,
    path_from_poses,
    pose7_from_pose_stamped,
    pose7_from_transform,
    pose_stamped,
    seconds_from_duration,
    stamp_from_ns,
    transform_from_pose7,
)

POSE = np.array([0.4, -0.1, 0.3, 0.5, -0.5, 0.5, 0.5])


@pytest.mark.parametrize("ns", [0, 1, 999_999_999, 1_000_000_000, 1_763_000_000_123_456_789])
def test_stamps_keep_every_nanosecond(ns):
    assert ns_from_stamp(stamp_from_ns(ns)) == ns


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.6, 3.999999999])
def test_durations_keep_nanoseconds(seconds):
    assert seconds_from_duration(duration_from_seconds(seconds)) == pytest.approx(seconds, abs=1e-9)


def test_poses_survive_the_way_through_messages():
    np.testing.assert_allclose(pose7_from_pose_stamped(pose_stamped(POSE, 5, "base"), "base", "t"), POSE)
    np.testing.assert_allclose(pose7_from_transform(transform_from_pose7(POSE)), POSE)


def test_quaternions_that_are_no_unit_quaternions_are_refused_and_the_topic_named():
    with pytest.raises(ValueError, match="current_pose.*quaternion"):
        pose7_from_pose_stamped(pose_stamped(POSE * [1, 1, 1, 3, 3, 3, 3], 5, "base"), "base", "current_pose")


@pytest.mark.parametrize("index", range(7))
def test_nan_in_a_pose_is_refused_and_the_topic_named(index):
    pose = POSE.copy()
    pose[index] = np.nan
    with pytest.raises(ValueError, match="current_pose"):
        pose7_from_pose_stamped(pose_stamped(pose, 5, "base"), "base", "current_pose")


def test_a_zero_quaternion_is_refused():
    message = PoseStamped()
    message.header.frame_id = "base"
    message.pose.orientation.w = 0.0
    with pytest.raises(ValueError, match="current_pose.*quaternion"):
        pose7_from_pose_stamped(message, "base", "current_pose")


def test_a_pose_in_another_frame_is_refused_with_both_frames():
    with pytest.raises(ValueError, match="'tool0'.*'base'"):
        pose7_from_pose_stamped(pose_stamped(POSE, 5, "tool0"), "base", "current_pose")


def test_invalid_frames_may_hold_nan_where_they_are_marked_so():
    assert np.isnan(pose7_from_transform(transform_from_pose7(np.full(7, np.nan)), checked=False)).all()


def test_intrinsics_survive_the_way_through_camera_info():
    K = intrinsics_from_fovy(50, 120, 160)
    back, size = intrinsics_from_camera_info(camera_info_from_intrinsics(K, (120, 160), 7, "optical"))
    np.testing.assert_array_equal(back, K)
    assert size == (120, 160)


def test_an_uncalibrated_camera_is_refused():
    with pytest.raises(ValueError, match="calibrate"):
        intrinsics_from_camera_info(CameraInfo(height=4, width=4))


@pytest.mark.parametrize("change", [{"binning_x": 2}, {"height": 0}])
def test_intrinsics_of_another_picture_are_refused(change):
    message = camera_info_from_intrinsics(intrinsics_from_fovy(50, 120, 160), (120, 160), 7, "optical")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ValueError, match="publish full frames|calibrate"):
        intrinsics_from_camera_info(message)


def test_a_region_of_interest_is_refused():
    message = camera_info_from_intrinsics(intrinsics_from_fovy(50, 120, 160), (120, 160), 7, "optical")
    message.roi.width = 40
    with pytest.raises(ValueError, match="roi 40x0"):
        intrinsics_from_camera_info(message)


def test_finger_joints_are_summed_by_name():
    joints = JointState(name=["a", "left", "right"], position=[9.0, 0.01, 0.03])
    assert joint_sum(joints, ["right", "left"]) == pytest.approx(0.04)


def test_missing_joints_are_named():
    with pytest.raises(ValueError, match=r"\['right'\].*'left'"):
        joint_sum(JointState(name=["left"], position=[0.0]), ["left", "right"])


def test_joints_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        joint_sum(JointState(name=["left"], position=[float("nan")]), ["left"])


def test_a_path_has_every_pose():
    path = path_from_poses(np.stack([POSE, POSE]), 5, "base")
    assert len(path.poses) == 2 and path.header.frame_id == "base"
