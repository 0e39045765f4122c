"""What the collector refuses and what it makes of good input, without a graph."""

import numpy as np
import pytest
from ros_rig import CAMERAS, DOWN, extrinsic, info, picture
from sensor_msgs.msg import JointState

from action_images_ros.ros.collector import CollectorSettings, ObservationCollector
from action_images_ros.ros.conversions import pose_stamped
from action_images_ros.ros.extrinsics import Extrinsics

MS = 1_000_000
NOW = 10_000 * MS


def _collector(**changes):
    settings = {
        "cameras": CAMERAS,
        "size": (48, 48),
        "base_frame": "base",
        "finger_joints": ("finger",),
        "finger_open": 0.08,
        "slop_s": 0.02,
        "max_image_age_s": 1.0,
        "max_pose_age_s": 0.2,
    }
    extrinsics = Extrinsics(CAMERAS, "base", source="topic")
    return ObservationCollector(CollectorSettings(**{**settings, **changes}), extrinsics)


def _fill(collector, stamp_ns=NOW, pose_at=(0,), without=""):
    collector.set_instruction("reach")
    for camera in CAMERAS:
        if without != "camera_info":
            collector.add_camera_info(camera, info(stamp_ns, camera))
        if without != f"{camera}/pose":
            collector.extrinsics.add_pose(camera, extrinsic(stamp_ns, camera))
    for offset in pose_at if without != "current_pose" else ():
        pose = DOWN.copy()
        pose[0] += offset / (100 * MS)
        collector.add_pose(pose_stamped(pose, stamp_ns + offset, "base"))
    if without != "joint_states":
        collector.add_joints(JointState(name=["finger"], position=[0.04]))
    for camera in CAMERAS:
        collector.add_image(camera, picture(stamp_ns, camera))
    return collector


def test_a_complete_moment_is_one_observation():
    observation = _fill(_collector()).observe(NOW)
    assert observation.stamp_ns == NOW and observation.camera_names == CAMERAS
    assert observation.images.shape == (2, 48, 48, 3) and observation.openness == pytest.approx(0.5)


@pytest.mark.parametrize(
    "command, measured, seconds_ago, openness",
    [
        (0.0, 0.7, 5.0, 0.0),
        (0.0, 1.0, 0.3, 0.0),
        (1.0, 0.0, 0.3, 1.0),
        (0.0, 1.0, 5.0, 1.0),
        (1.0, 0.02, 5.0, 0.02),
    ],
)
def test_the_commanded_openness_counts_unless_the_fingers_stay_at_the_other_end(
    command, measured, seconds_ago, openness
):
    collector = _fill(_collector())
    collector.add_joints(JointState(name=["finger"], position=[0.08 * measured]))
    collector.add_gripper_command(command, NOW - round(seconds_ago * 1000) * MS)
    assert collector.observe(NOW).openness == pytest.approx(openness)


def test_the_pose_is_that_of_the_pictures_moment():
    observation = _fill(_collector(), pose_at=(-50 * MS, 50 * MS)).observe(NOW)
    np.testing.assert_allclose(observation.tool_pose[:3], DOWN[:3], atol=1e-9)


def test_a_pose_too_far_from_the_pictures_is_refused():
    with pytest.raises(ValueError, match="current_pose is 0.500 s away.*pose_tolerance is 0.2"):
        _fill(_collector(), pose_at=(-500 * MS,)).observe(NOW)


def test_a_set_is_announced_once():
    collector = _fill(_collector())
    assert collector.fresh.is_set()
    collector.observe(NOW)
    assert not collector.fresh.is_set()


def test_old_sets_are_refused():
    with pytest.raises(ValueError, match="left 2.0 s, right 2.0 s"):
        _fill(_collector()).observe(NOW + 2000 * MS)


def test_cameras_out_of_step_are_named_with_their_distance():
    collector = _collector()
    collector.set_instruction("reach")
    collector.add_image("left", picture(NOW - 100 * MS, "left"))
    collector.add_image("right", picture(NOW, "right"))
    with pytest.raises(ValueError, match=r"0.100 s.*slop is 0.02"):
        collector.observe(NOW)


@pytest.mark.parametrize(
    "what, words",
    [
        ("camera_info", "nothing came on left/camera_info"),
        ("current_pose", "nothing came on current_pose"),
        ("joint_states", "nothing came on joint_states"),
        ("left/pose", "camera 'left'.*left/pose.*calibration"),
    ],
)
def test_what_never_came_is_named(what, words):
    collector = _fill(_collector(), without=what)
    with pytest.raises(ValueError, match=words):
        collector.observe(NOW)


def test_joint_states_of_another_part_of_the_robot_are_passed_over():
    collector = _fill(_collector())
    collector.add_joints(JointState(name=["head"], position=[1.0]))
    assert collector.observe(NOW).openness == pytest.approx(0.5)


@pytest.mark.parametrize("position, expected", [(0.0, 0.0), (0.082, 1.0), (-0.003, 0.0)])
def test_a_little_beyond_the_range_is_its_end(position, expected):
    collector = _fill(_collector())
    collector.add_joints(JointState(name=["finger"], position=[position]))
    assert collector.observe(NOW).openness == expected


def test_a_gripper_that_counts_the_other_way_is_understood():
    collector = _fill(_collector(finger_closed=0.85, finger_open=0.0))
    collector.add_joints(JointState(name=["finger"], position=[0.0]))
    assert collector.observe(NOW).openness == 1.0


def test_a_gripper_without_range_is_refused():
    with pytest.raises(ValueError, match="finger_open.*finger_closed"):
        _collector(finger_open=0.0)


def test_a_sight_counts_from_where_the_camera_is_now_and_names_every_change_of_it():
    collector = _fill(_collector())
    assert collector.tool_sight("left", NOW).uv is None  # nobody has asked where the cameras are
    collector.places()
    before = collector.tool_sight("left", NOW)
    collector.places()
    assert collector.tool_sight("left", NOW).place == before.place
    later = NOW + 100 * MS
    moved = extrinsic(later, "left")
    moved.pose.position.x += 0.1
    _fill(collector, stamp_ns=later)
    collector.extrinsics.add_pose("left", moved)
    collector.places()
    after, other = collector.tool_sight("left", later), collector.tool_sight("right", later)
    assert np.linalg.norm(after.uv - before.uv) > 1.0
    assert after.place != before.place and other.place == before.place


def test_nothing_of_the_scene_before_says_where_a_camera_is():
    collector = _fill(_collector())
    collector.places()
    before = collector.tool_sight("left", NOW).place
    collector.new_scene()
    assert collector.places() == {} and collector.tool_sight("left", NOW).uv is None
    assert collector.tool_sight("left", NOW).place != before
    _fill(collector, stamp_ns=NOW + 100 * MS)
    assert set(collector.places()) == set(CAMERAS)
    assert collector.tool_sight("left", NOW + 100 * MS).uv is not None


@pytest.mark.parametrize("metres, leaps", [(0.01, False), (0.5, True)])
def test_a_picture_between_two_poses_that_no_motion_connects_is_not_judged_by_the_arm(metres, leaps):
    collector = _fill(_collector())
    pose = DOWN.copy()
    before = collector.tool_sight("left", NOW).place
    pose[0] += metres
    collector.add_pose(pose_stamped(pose, NOW + 40 * MS, "base"))
    assert (collector.tool_sight("left", NOW + 20 * MS) is None) == leaps
    assert (collector.tool_sight("left", NOW + 40 * MS).place != before) == leaps


def test_time_that_jumps_back_starts_anew():
    collector = _fill(_collector())
    _fill(collector, stamp_ns=100 * MS)
    assert collector.observe(100 * MS).stamp_ns == 100 * MS


def test_pictures_whose_pose_has_not_come_yet_do_not_take_the_place_of_those_before():
    """Between the announcement of a set and its observation the next pictures may come, a pose period early."""
    collector = _fill(_collector(max_pose_age_s=0.05))
    assert collector.fresh.is_set()
    later = NOW + 200 * MS
    for camera in CAMERAS:
        collector.add_image(camera, picture(later, camera))
    assert collector.observe(later).stamp_ns == NOW == collector.newest_ns
    assert not collector.fresh.is_set()
    collector.add_joints(JointState(name=["finger"], position=[0.04]), later)
    assert not collector.fresh.is_set()
    collector.add_pose(pose_stamped(DOWN, later, "base"))
    assert collector.fresh.is_set() and collector.observe(later).stamp_ns == later


def test_pictures_wait_for_the_finger_joints_of_their_time():
    collector = _collector()
    collector.add_joints(JointState(name=["finger"], position=[0.08]), NOW - 300 * MS)
    _fill(collector, without="joint_states")
    assert not collector.fresh.is_set()
    collector.add_joints(JointState(name=["finger"], position=[0.04]), NOW)
    assert collector.fresh.is_set() and collector.observe(NOW).openness == pytest.approx(0.5)


def test_finger_joints_that_come_after_a_new_scene_announce_no_picture_of_the_old_one():
    collector = _fill(_collector())
    collector.observe(NOW)
    collector.new_scene()
    collector.add_joints(JointState(name=["finger"], position=[0.04]), NOW)
    assert not collector.fresh.is_set()
    _fill(collector, NOW + 100 * MS)
    assert collector.fresh.is_set()
