import numpy as np
import pytest

from action_images_ros.cell import Cell
from action_images_ros.cell.arm import MAX_JOINT_SPEED, ArmController
from action_images_ros.cell.tasks.expert import tool_down
from action_images_ros.geometry.pose import matrix_from_pose7, rotation_angle


@pytest.fixture(scope="module")
def controller():
    return ArmController()


def test_every_start_in_the_workspace_is_reached_to_a_tenth_of_a_millimetre(controller):
    rng = np.random.default_rng(0)
    for _ in range(60):
        pose = np.concatenate([rng.uniform([0.3, -0.25, 0.05], [0.65, 0.25, 0.4]), tool_down(rng.uniform(-0.8, 0.8))])
        controller.reset(pose)
        reached = controller.commanded_pose()
        np.testing.assert_allclose(reached[:3], pose[:3], atol=1e-4)
        assert rotation_angle(matrix_from_pose7(reached)[:3, :3], matrix_from_pose7(pose)[:3, :3]) < 2e-3


def test_joint_speed_is_bounded_when_the_target_jumps(controller):
    controller.reset(np.array([0.4, 0.2, 0.3, *tool_down(0.0)]))
    for _ in range(20):
        _, velocity = controller.track(np.array([0.6, -0.2, 0.1, *tool_down(1.0)]), 0.02)
        assert np.abs(velocity).max() <= MAX_JOINT_SPEED + 1e-9


def test_a_moving_target_is_followed_within_four_millimetres_and_met_at_rest():
    with Cell("reach_target", 0) as cell:
        start, goal = np.array([0.4, 0.15, 0.3]), np.array([0.55, -0.1, 0.1])
        down = tool_down(0.0)
        for _ in range(100):
            cell.step(np.concatenate([start, down]), 1.0, 0.02)
        seconds = np.linalg.norm(goal - start) / 0.25
        ticks = int(np.ceil(seconds / 0.02))
        worst = 0.0
        for tick in range(1, ticks + 1):
            wanted = start + (goal - start) * tick / ticks
            cell.step(np.concatenate([wanted, down]), 1.0, 0.02)
            worst = max(worst, np.linalg.norm(cell.tcp_pose[:3] - wanted))
        assert worst < 0.005
        cell.step(np.concatenate([goal, down]), 1.0, 0.6)
        assert np.linalg.norm(cell.tcp_pose[:3] - goal) < 0.0005


def test_pressing_on_the_table_stays_steady_and_is_forgiven():
    with Cell("reach_target", 2) as cell:
        above, below = cell.commanded_pose, cell.commanded_pose
        above[:3], below[:3] = [0.5, 0.0, 0.05], [0.5, 0.0, -0.03]
        above[3:] = below[3:] = tool_down(0.0)
        cell.step(above, 0.0, 3.0)
        cell.step(below, 0.0, 2.0)
        pressed = cell.tcp_pose[:3]
        assert pressed[2] > -0.005, "the fingers stay above the table"
        cell.step(below, 0.0, 0.5)
        assert np.linalg.norm(cell.tcp_pose[:3] - pressed) < 0.005
        cell.step(above, 0.0, 1.5)
        assert np.linalg.norm(cell.tcp_pose[:3] - above[:3]) < 0.001


def test_the_gripper_closes_and_opens_fully_within_half_a_second():
    with Cell("reach_target", 1) as cell:
        pose = cell.commanded_pose
        assert cell.openness == pytest.approx(1.0, abs=0.02)
        cell.step(pose, 0.0, 0.5)
        assert cell.openness < 0.05
        cell.step(pose, 1.0, 0.5)
        assert cell.openness > 0.95
