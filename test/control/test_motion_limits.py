import numpy as np
import pytest
from control_rig import START, check_law
from scipy.spatial.transform import Rotation

from action_images_ros.control.motion_limits import Law, Motion
from action_images_ros.control.settings import Limits

LIMITS = Limits((0.25, -0.4, 0.0), (0.75, 0.4, 0.6))


def run(law, wanted, motion=None):
    """The poses commanded while `wanted(step)` is asked for, None to brake, until it answers StopIteration's way."""
    motion = motion or Motion(START.copy())
    poses, flags = [motion.pose], []
    for asked in wanted:
        motion, told = (law.brake(motion), ()) if asked is None else law.follow(motion, asked)
        poses.append(motion.pose)
        flags.append(told)
    return motion, np.array(poses), flags


def shifted(x=0.0, y=0.0, z=0.0):
    return START + [x, y, z, 0, 0, 0, 0]


@pytest.mark.parametrize("period", [0.002, 0.01, 0.02, 0.04])
def test_any_sequence_of_wanted_poses_obeys_every_limit(period):
    rng = np.random.default_rng(1)
    wanted = []
    for _ in range(25):
        place = rng.uniform([0.0, -0.8, -0.5], [1.0, 0.8, 1.0])
        pose = np.concatenate([place, Rotation.random(rng=rng).as_quat() * rng.choice([-1, 1])])
        wanted += [[pose, None][int(rng.random() < 0.1)]] * int(rng.integers(1, 30))
    _, poses, _ = run(Law(LIMITS, period), wanted)
    check_law(poses, LIMITS, period)


@pytest.mark.parametrize("period", [0.005, 0.01, 0.02])
def test_a_still_target_is_reached_without_overshoot(period):
    law = Law(LIMITS, period)
    motion, poses, _ = run(law, [shifted(0.2)] * round(3 / period))
    np.testing.assert_allclose(motion.pose, shifted(0.2), atol=1e-6)
    assert poses[:, 0].max() - START[0] - 0.2 < 1e-4
    check_law(poses, LIMITS, period)


def test_a_smooth_target_within_the_limits_is_followed_closely():
    law, seconds = Law(LIMITS, 0.01), np.arange(1, 400) * 0.01
    wanted = [shifted(0.08 * (1 - np.cos(1.5 * t)), 0.05 * (1 - np.cos(2 * t))) for t in seconds]
    _, poses, _ = run(law, wanted)
    assert np.abs(poses[1:, :3] - np.array(wanted)[:, :3]).max() < 1e-3


def test_a_wanted_motion_faster_than_the_limit_is_named():
    law = Law(LIMITS, 0.01)
    _, _, flags = run(law, [shifted(0.004 * step) for step in range(1, 40)])
    assert flags[-1] == ("linear speed",)


@pytest.mark.parametrize("axis, place", [(0, 0.75), (1, -0.4), (2, 0.0)])
def test_a_wall_is_approached_at_full_speed_and_reached_but_never_passed(axis, place):
    wanted = START.copy()
    wanted[axis] = place + np.sign(place - START[axis]) * 0.5
    motion, poses, _ = run(Law(LIMITS, 0.01), [wanted] * 400)
    check_law(poses, LIMITS)
    assert abs(motion.pose[axis] - place) < 5e-3


def test_braking_comes_to_rest_along_the_motion_and_then_stays():
    law = Law(LIMITS, 0.01)
    motion, moving, _ = run(law, [shifted(0.002 * step) for step in range(1, 60)])
    speed = motion.speed
    motion, poses, _ = run(law, [None] * 60, motion)
    assert motion.at_rest and np.all(np.diff(poses[:, 0]) >= 0) and np.abs(np.diff(poses[:, 1:3], axis=0)).max() == 0
    way = speed**2 / (2 * 0.9 * LIMITS.max_linear_acceleration) + speed * 0.06
    assert poses[-1, 0] - poses[0, 0] < way
    check_law(np.concatenate([moving, poses[1:]]), LIMITS)


def test_antipodal_wanted_orientations_do_not_turn_the_tool():
    wanted = START * [1, 1, 1, -1, -1, -1, -1]
    motion, flags = Law(LIMITS, 0.01).follow(Motion(START.copy()), wanted)
    assert np.linalg.norm(motion.angular) < 1e-9 and flags == ()


@pytest.mark.parametrize("wanted", [np.full(7, np.nan), np.zeros(7), np.ones(6)])
def test_a_wanted_pose_that_is_none_is_refused(wanted):
    with pytest.raises(ValueError, match="wanted is"):
        Law(LIMITS, 0.01).follow(Motion(START.copy()), wanted)


@pytest.mark.parametrize("period", [0.0, -0.01, float("nan")])
def test_a_period_that_makes_no_sense_is_refused(period):
    with pytest.raises(ValueError, match="period_s"):
        Law(LIMITS, period)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"workspace_max": (0.9, 0.4, 0.0)}, "workspace_min"),
        ({"workspace_min": (0, 0)}, "workspace_min"),
        ({"workspace_max": (1, np.nan, 1)}, "workspace_max"),
        ({"max_linear_speed": 0.0}, "max_linear_speed"),
        ({"max_linear_acceleration": np.inf}, "max_linear_acceleration"),
        ({"max_angular_jerk": -1}, "max_angular_jerk"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        Limits(**arguments)
