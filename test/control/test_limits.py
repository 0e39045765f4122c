import numpy as np
import pytest
from control_rig import START
from scipy.spatial.transform import Rotation

from action_images_ros.control.limits import Limits, Motion

DT = 0.01


def test_speed_and_acceleration_stay_within_limits_for_any_sequence_of_wanted_poses(limits):
    rng = np.random.default_rng(1)
    motion = Motion(START.copy())
    for step in range(600):
        if step % 7 == 0:
            place = rng.uniform([0.3, -0.4, 0.1], [0.7, 0.4, 0.7])
            wanted = np.concatenate([place, Rotation.random(rng=rng).as_quat()])
        new, flags = limits.apply(motion, wanted, DT)
        assert "workspace" not in flags
        assert np.linalg.norm(new.linear) <= limits.max_linear_speed + 1e-9
        assert np.linalg.norm(new.angular) <= limits.max_angular_speed + 1e-9
        assert np.linalg.norm(new.linear - motion.linear) <= limits.max_linear_acceleration * DT + 1e-9
        assert np.linalg.norm(new.angular - motion.angular) <= limits.max_angular_acceleration * DT + 1e-9
        np.testing.assert_allclose(new.pose[:3] - motion.pose[:3], new.linear * DT, atol=1e-12)
        motion = new


@pytest.mark.parametrize("dt", [0.002, 0.01, 0.02, 0.05])
def test_a_still_target_is_reached_without_overshoot(limits, dt):
    motion = Motion(START.copy())
    wanted = START + [0.2, 0, 0, 0, 0, 0, 0]
    furthest = 0.0
    for _ in range(round(3 / dt)):
        motion, _ = limits.apply(motion, wanted, dt)
        furthest = max(furthest, motion.pose[0])
    assert abs(motion.pose[0] - wanted[0]) < 1e-6
    assert furthest - wanted[0] < 1e-3


def test_a_target_that_moves_within_the_limits_is_followed_exactly(limits):
    motion = Motion(START.copy())
    lags = []
    for step in range(1, 200):
        wanted = START.copy()
        wanted[0] += 0.1 * (step * DT - 0.1 * (1 - np.exp(-step * DT / 0.1)))
        motion, flags = limits.apply(motion, wanted, DT)
        lags.append(np.linalg.norm(motion.pose[:3] - wanted[:3]))
        assert flags == ()
    assert max(lags) < 1e-9


def test_what_was_held_back_is_said(limits):
    motion = Motion(START.copy())
    motion, flags = limits.apply(motion, START + [0.2, 0, 0, 0, 0, 0, 0], DT)
    assert flags == ("linear acceleration",)
    for _ in range(30):
        motion, flags = limits.apply(motion, START + [0.25, 0, 0, 0, 0, 0, 0], DT)
    assert flags == ("linear speed",)


def test_the_box_is_never_left(limits):
    motion = Motion(np.concatenate([[1.49, 0, 0.3], START[3:]]))
    wanted = motion.pose + [0.2, 0, 0, 0, 0, 0, 0]
    flagged = False
    for _ in range(100):
        motion, flags = limits.apply(motion, wanted, DT)
        flagged |= "workspace" in flags
        assert limits.contains(motion.pose[:3])
    assert flagged


def test_braking_comes_to_rest_along_the_motion(limits):
    motion = Motion(START.copy(), linear=np.array([0.3, 0, 0]), angular=np.array([0, 0, 1.0]))
    positions = [motion.pose[:3]]
    for _ in range(40):
        motion = limits.brake(motion, DT)
        positions.append(motion.pose[:3])
    assert motion.speed == 0 and not motion.angular.any()
    steps = np.diff(np.array(positions), axis=0)
    assert np.all(steps[:, 0] >= 0) and np.allclose(steps[:, 1:], 0)
    assert positions[-1][0] - START[0] < 0.3**2 / (2 * limits.max_linear_acceleration) + 1e-3


def test_antipodal_wanted_orientations_do_not_turn_the_tool(limits):
    motion = Motion(START.copy())
    wanted = START.copy()
    wanted[3:] *= -1
    new, flags = limits.apply(motion, wanted, DT)
    assert np.linalg.norm(new.angular) < 1e-9 and flags == ()


@pytest.mark.parametrize("wanted", [np.full(7, np.nan), np.zeros(7), np.ones(6)])
def test_a_wanted_pose_that_is_none_is_refused(limits, wanted):
    with pytest.raises(ValueError, match="wanted is"):
        limits.apply(Motion(START.copy()), wanted, DT)


@pytest.mark.parametrize(
    "arguments, name",
    [
        (((0, 0, 0), (1, 1, 0)), "workspace_min"),
        (((0, 0), (1, 1)), "workspace_min"),
        (((0, 0, 0), (1, np.nan, 1)), "workspace_max"),
        (((0, 0, 0), (1, 1, 1), 0.0), "max_linear_speed"),
        (((0, 0, 0), (1, 1, 1), 1, 1, np.inf), "max_linear_acceleration"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        Limits(*arguments)
