"""Frames in, states out: right cameras are left alone, wrong ones are said, held or corrected, and the model rests."""

import numpy as np
import pytest
from calibration_rigs import cameras, tool_poses

from action_images_ros.calibration.differences import workspace_shift
from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.labelling.camera_check import CameraCheck
from action_images_ros.policy.card import ModelCard
from action_images_ros.policy.observation import Observation

NAMES = ("left", "right")


class Reader:
    """A model whose label mode draws where the tool truly was: the frame's number is its pictures' brightness."""

    card = ModelCard(name="reader", image_size=(96, 96), frames=9, dt=0.2)

    def __init__(self, K, E):
        self.K, self.E = K, E
        self.poses = tool_poses(np.random.default_rng(5), 60, size=0.1)
        self.calls = 0

    def label(self, clips, *, steps=1, seed=0):
        self.calls += 1
        numbers = clips.images[0, 0, :, 0, 0, 0]
        drawn = encode(matrix_from_pose7(self.poses[numbers]), np.ones(len(numbers)), self.K, self.E, (96, 96))
        return np.asarray(to_uint8(drawn.images))[None]

    def observation(self, number, told):
        images = np.full((2, 96, 96, 3), number, np.uint8)
        stamp_ns = number * 200_000_000
        return Observation(stamp_ns, NAMES, images, self.K, told, self.poses[number], 1.0, "reach")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def rig():
    K, E = cameras(np.random.default_rng(0))
    return Reader(K, E)


def _run(reader, check, told, readings, clock=None, first=0):
    for number in range(first, first + 5 * readings):
        check.look(reader.observation(number, told))
        if number % 5 == 4:
            if clock is not None:
                clock.now += 10.0
            assert check.due
            check.judge()
    return check


@pytest.mark.parametrize("mode", ["check", "correct"])
def test_right_cameras_are_left_alone(rig, mode):
    clock = Clock()
    check = _run(rig, CameraCheck(rig, NAMES, mode, clock=clock), rig.E, 4, clock)
    assert not any(check.hold(name) or check.corrected(name) for name in NAMES)
    np.testing.assert_array_equal(check.world_from_camera(rig.E), rig.E)


def test_a_camera_wrong_from_the_start_holds_in_check_and_is_corrected_in_correct(rig):
    clock, told = Clock(), rig.E.copy()
    told[1, :3, 3] += 0.04 * rig.E[1, :3, 0]
    check = _run(rig, CameraCheck(rig, NAMES, "check", clock=clock), told, 3, clock)
    assert "recalibrate" in check.hold("right") and not check.hold("left")
    np.testing.assert_array_equal(check.world_from_camera(told), told)
    check = _run(rig, CameraCheck(rig, NAMES, "correct", clock=clock), told, 3, clock)
    assert check.corrected("right") and not check.hold("right") and not check.corrected("left")
    used = check.world_from_camera(told)
    points = rig.poses[:15, :3]
    before, after = (workspace_shift(rig.K[1], rig.E[1], E[1], points)[1] for E in (told, used))
    assert after < 0.4 * before
    assert np.trace(check.watch.states["right"].covariance) > 0


def test_a_bump_holds_after_the_next_reading(rig):
    clock = Clock()
    check = _run(rig, CameraCheck(rig, NAMES, "check", clock=clock), rig.E, 3, clock)
    given = rig.E.copy()
    rig.E = rig.E.copy()
    rig.E[0, :3, 3] += 0.04 * rig.E[0, :3, 0]
    _run(rig, check, given, 1, clock, first=15)
    assert check.watch.states["left"].moved and "left" in check.hold("left") and not check.hold("right")


def test_the_model_rests_between_readings_for_several_times_as_long_as_one_takes(rig):
    clock = Clock()
    check = CameraCheck(rig, NAMES, "check", clock=clock)
    label = rig.label

    def slow(clips, **options):
        clock.now += 1.0
        return label(clips, **options)

    rig.label = slow
    for number in range(5):
        check.look(rig.observation(number, rig.E))
    check.judge()
    for number in range(5, 10):
        check.look(rig.observation(number, rig.E))
    assert not check.due
    clock.now += 6.1
    assert check.due


def test_frames_of_a_camera_with_another_place_are_not_mixed(rig):
    check = CameraCheck(rig, NAMES, "check")
    for number in range(6):
        check.look(rig.observation(number, rig.E))
    told = rig.E.copy()
    told[0, 0, 3] += 0.1
    check.look(rig.observation(6, told))
    assert not check.due


def test_cameras_that_are_told_anew_are_no_longer_held_for_what_was_found_before(rig):
    clock, told = Clock(), rig.E.copy()
    told[1, :3, 3] += 0.04 * rig.E[1, :3, 0]
    check = _run(rig, CameraCheck(rig, NAMES, "check", clock=clock), told, 3, clock)
    assert check.hold("right")
    assert check.look(rig.observation(20, rig.E)) and not check.hold("right")
    assert not check.look(rig.observation(21, rig.E))


def test_a_camera_a_few_millimetres_off_does_not_hold(rig):
    clock, told = Clock(), rig.E.copy()
    told[1, :3, 3] += 0.006 * rig.E[1, :3, 0]
    assert not _run(rig, CameraCheck(rig, NAMES, "check", clock=clock), told, 4, clock).hold("right")
