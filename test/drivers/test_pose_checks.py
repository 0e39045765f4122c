"""The cross-checks name the fault: wrong TCP, wrong base, millimetres, a tool a quarter or half turn off."""

import numpy as np
import pytest
from descriptions import READY, panda_like, robotiq_like
from scipy.spatial.transform import Rotation

from action_images_ros.drivers.description import RobotDescription
from action_images_ros.drivers.pose_checks import GripperJoints, Sample, check_measured_pose, check_tool_rotation
from action_images_ros.geometry.pose import pose7_from_matrix

PANDA, ROBOTIQ = RobotDescription(panda_like()), RobotDescription(robotiq_like())
OTHER = {**READY, "joint1": 0.5, "joint4": -1.9, "joint6": 2.0}
HAND = GripperJoints(("finger_joint1", "finger_joint2"), 0.0, 0.08)
KNUCKLE = GripperJoints(("left_knuckle_joint",), 0.8, 0.0)
QUARTER = Rotation.from_euler("z", 90, degrees=True).as_matrix()


def _samples(base="link0", tip="hand_tcp", before=None, after=None, scale=1.0, poses=(READY, OTHER)):
    made = []
    for positions in poses:
        matrix = PANDA.chain(base, tip).base_from_tip(positions)
        matrix = (np.eye(4) if before is None else before) @ matrix @ (np.eye(4) if after is None else after)
        matrix[:3, 3] *= scale
        made.append(Sample(positions, pose7_from_matrix(matrix)))
    return made


def _shift(x=0.0, y=0.0, z=0.0, yaw=0.0):
    matrix = np.eye(4)
    matrix[:3, 3], matrix[:3, :3] = (x, y, z), Rotation.from_euler("z", yaw, degrees=True).as_matrix()
    return matrix


def _check(samples, base="link0", tool="hand_tcp"):
    return check_measured_pose(PANDA, base, tool, samples)


def test_the_right_pose_is_found_right():
    assert _check(_samples()).state == "ok"
    assert _check(_samples(before=_shift(x=0.003), after=_shift(yaw=1.0))).state == "ok"


@pytest.mark.parametrize(
    "samples, words",
    [
        (_samples(tip="flange"), ("wrong TCP", "flange", "hand_tcp")),
        (_samples(tip="hand"), ("wrong TCP", "hand")),
        (_samples(base="world"), ("wrong base", "world", "link0")),
        (_samples(scale=1000.0), ("millimetres",)),
        (_samples(after=_shift(z=0.02)), ("wrong TCP", "0, 0, 20")),
        (_samples(after=_shift(yaw=90)), ("wrong TCP", "90 degrees")),
        (_samples(before=_shift(x=0.1, yaw=30)), ("wrong base", "100, 0, 0")),
        (_samples(before=_shift(yaw=180)), ("wrong base", "180 degrees")),
        (_samples(after=_shift(z=0.02), poses=(READY,)), ("wrong TCP or wrong base", "another pose")),
    ],
)
def test_a_wrong_pose_is_named(samples, words):
    finding = _check(samples)
    assert finding.state == "wrong"
    assert all(word in finding.message for word in words), finding.message


def test_poses_of_another_robot_are_named():
    first, second = _samples()
    finding = _check([Sample(first.positions, second.pose7), Sample(second.positions, first.pose7)])
    assert finding.state == "wrong" and "disagree" in finding.message


def test_what_is_missing_is_named():
    assert _check([]).state == "missing"
    assert "joint7" in _check([Sample({k: v for k, v in READY.items() if k != "joint7"}, np.zeros(7))]).message
    finding = _check(_samples(), tool="gripper")
    assert finding.state == "wrong" and "hand_tcp" in finding.message
    bad = Sample(READY, np.zeros(7))
    assert _check([bad]).state == "wrong"


def test_the_right_tool_axes_are_found_right():
    assert check_tool_rotation(PANDA, "hand_tcp", HAND, QUARTER).state == "ok"
    assert check_tool_rotation(ROBOTIQ, "gripper_tcp", KNUCKLE, np.eye(3)).state == "ok"


@pytest.mark.parametrize(
    "description, tool, fingers, right",
    [(PANDA, "hand_tcp", HAND, QUARTER), (ROBOTIQ, "gripper_tcp", KNUCKLE, np.eye(3))],
)
@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize(
    "degrees, words", [(90, "a quarter turn"), (-90, "a quarter turn"), (180, "a half turn"), (45, "45 degrees")]
)
def test_wrong_tool_axes_are_named_with_the_quaternion(description, tool, fingers, right, axis, degrees, words):
    wrong = right @ Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    finding = check_tool_rotation(description, tool, fingers, wrong)
    assert finding.state == "wrong" and f"{words} about its {axis}" in finding.message
    quaternion = np.array([float(x) for x in finding.message.split("[")[1].split("]")[0].split(",")])
    np.testing.assert_allclose(Rotation.from_quat(quaternion).as_matrix(), right, atol=1e-3)


def test_a_gripper_that_is_not_described_is_left_unchecked():
    fingers = GripperJoints(("other_joint",), 0.0, 1.0)
    assert check_tool_rotation(PANDA, "hand_tcp", fingers, QUARTER).state == "unchecked"
    assert check_tool_rotation(PANDA, "hand", HAND, QUARTER).state == "unchecked"
