"""The oracle draws the expert's plan from where the arm is; without a plan it draws nothing."""

import numpy as np
import pytest
from ros_rig import camera_pose

from action_images_ros.codec.decode import decode
from action_images_ros.control.chunk import Chunk
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.geometry.pose import to_model_tool
from action_images_ros.policy.card import ModelCard
from action_images_ros.policy.observation import Observation
from action_images_ros.ros.chunk_messages import gripper_message, poses_message
from action_images_ros.ros.oracle import OraclePolicy

SECOND = 1_000_000_000
CARD = ModelCard(name="tiny", image_size=(96, 96), frames=9, dt=0.2)
TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
START = np.array([0.4, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0])


def _plan(stamp_ns=SECOND, count=25):
    poses = np.tile(START, (count, 1))
    poses[:, 0] += 0.01 * np.arange(count)
    return Chunk(stamp_ns, 0.1, poses, np.linspace(1, 0, count), np.zeros((count, 6, 6)), np.ones(count, dtype=bool))


def _observation(stamp_ns, robot_pose):
    return Observation(
        stamp_ns,
        ("a", "b"),
        np.zeros((2, 96, 96, 3), np.uint8),
        np.stack([intrinsics_from_fovy(50, 96, 96)] * 2),
        np.stack([camera_pose([1.4, 0.5, 0.8]), camera_pose([1.3, -0.6, 0.9])]),
        to_model_tool(robot_pose, TURN),
        1.0,
        "reach",
    )


def _oracle(plan):
    oracle = OraclePolicy(CARD, TURN)
    oracle.add_poses(poses_message(plan, "base"))
    oracle.add_gripper(gripper_message(plan, "base"))
    return oracle


def _positions(prediction):
    decoded = decode(prediction.action_images, prediction.K, prediction.world_from_camera)
    assert decoded.valid.all()
    return decoded.poses[:, :3]


def test_the_plan_is_drawn_frame_by_frame():
    prediction = _oracle(_plan()).predict(_observation(SECOND, START))
    assert prediction.stamp_ns == SECOND and prediction.video is None
    np.testing.assert_allclose(_positions(prediction)[:, 0], 0.4 + 0.02 * np.arange(9), atol=1e-3)


def test_an_arm_that_waited_takes_up_the_plan_where_it_is():
    prediction = _oracle(_plan()).predict(_observation(SECOND + SECOND // 2, START))
    np.testing.assert_allclose(_positions(prediction)[:, 0], 0.4 + 0.02 * np.arange(9), atol=1e-3)


def test_the_plans_end_is_held():
    late = _plan().poses[-3]
    prediction = _oracle(_plan()).predict(_observation(SECOND + 24 * SECOND // 10, late))
    np.testing.assert_allclose(_positions(prediction)[-5:, 0], 0.64, atol=1e-3)


def test_without_a_plan_nothing_is_drawn():
    with pytest.raises(ValueError, match="cell/expert_plan has not come"):
        OraclePolicy(CARD, TURN).predict(_observation(SECOND, START))


def test_a_plan_of_another_time_is_refused():
    with pytest.raises(ValueError, match="wait for the next plan"):
        _oracle(_plan()).predict(_observation(9 * SECOND, START))
