"""Joint targets: what forward kinematics makes of them is the target; impossible ones are refused."""

import numpy as np
import pytest
from descriptions import READY, panda_like
from hypothesis import given, settings
from hypothesis import strategies as st

from action_images_ros.drivers.description import RobotDescription
from action_images_ros.drivers.inverse_kinematics import InverseKinematics, Unreachable
from action_images_ros.geometry.pose import pose7_from_matrix

CHAIN = RobotDescription(panda_like()).chain("link0", "hand_tcp")
IK = InverseKinematics(CHAIN)


@given(st.lists(st.floats(-0.15, 0.15), min_size=7, max_size=7))
@settings(max_examples=40, deadline=None)
def test_a_pose_near_the_present_one_is_reached(steps):
    near = {name: q + d for (name, q), d in zip(READY.items(), steps, strict=True)}
    target = CHAIN.base_from_tip(near)
    found = IK.solve(pose7_from_matrix(target), READY, max_step=1.0)
    reached = CHAIN.base_from_tip(dict(zip(IK.joints, found, strict=True)))
    np.testing.assert_allclose(reached[:3, 3], target[:3, 3], atol=2e-4)
    np.testing.assert_allclose(reached[:3, :3], target[:3, :3], atol=2e-3)
    lower, upper = IK.limits()
    assert np.all(found >= lower) and np.all(found <= upper)


def test_the_present_pose_needs_no_motion():
    found = IK.solve(pose7_from_matrix(CHAIN.base_from_tip(READY)), READY)
    np.testing.assert_allclose(found, list(READY.values()), atol=1e-6)


def test_a_pose_out_of_reach_is_refused_with_the_distance():
    pose = pose7_from_matrix(CHAIN.base_from_tip(READY))
    pose[0] += 2.0
    with pytest.raises(Unreachable, match="mm"):
        IK.solve(pose, READY)


def test_a_step_that_swings_a_joint_is_refused_by_name():
    far = {**READY, "joint1": READY["joint1"] + 0.8}
    with pytest.raises(Unreachable, match="joint1"):
        IK.solve(pose7_from_matrix(CHAIN.base_from_tip(far)), READY, max_step=0.3)


def test_a_pose_that_is_not_finite_is_refused():
    with pytest.raises(ValueError):
        IK.solve(np.full(7, np.nan), READY)
