import copy

import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.tasks.expert import MAX_SPEED, MAX_TURN, angle_between, funnel, step_towards, tool_down


def finish(cell, seconds=10.0):
    """Runs the expert with its gripper command held for 0.2 s, as demonstrations do; fastest speed asked for, m/s."""
    expert = cell.expert()
    fastest, tick = 0.0, 0
    while not cell.success() and cell.time_ns < seconds * 1e9:
        pose, gripper = expert.target(cell)
        held = gripper if tick % 10 == 0 else held  # noqa: F821
        fastest = max(fastest, np.linalg.norm(pose[:3] - cell.commanded_pose[:3]) / cell.control_period)
        cell.step(pose, held, cell.control_period)
        tick += 1
    return fastest


@pytest.mark.parametrize("perturbed", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_experts_succeed_on_fresh_seeds_within_the_speed_limit(task, perturbed):
    for seed in range(70_000, 70_008):
        with Cell(task, seed, perturbed=perturbed) as cell:
            fastest = finish(cell)
            assert cell.success(), f"{task} seed {seed}"
            assert fastest < 0.25


@pytest.mark.parametrize("task", TASKS)
def test_an_expert_decides_by_the_state_alone(task):
    """A second expert that has seen nothing of the episode says the same at every tick."""
    with Cell(task, 71_000) as cell:
        expert = cell.expert()
        for _ in range(120):
            pose, openness = expert.target(cell)
            fresh_pose, fresh_openness = copy.deepcopy(TASKS[task].expert).target(cell)
            np.testing.assert_array_equal(pose, fresh_pose)
            assert openness == fresh_openness
            assert not vars(expert)
            cell.step(pose, openness, cell.control_period)


def test_the_hand_rises_with_the_block_only_once_the_fingers_hold_it():
    with Cell("lift_block", 71_001) as cell:
        expert = cell.expert()
        lowest, last, risen = np.inf, np.inf, False
        while not cell.success():
            cell.step(*expert.target(cell), cell.control_period)
            height = cell.tcp_pose[2]
            lowest = min(lowest, height)
            if cell.commanded_openness < 0.5 and height > lowest + 0.003:
                risen = True
                assert 0.4 < cell.openness < 0.5
            if risen and not cell.success() and height < 0.1:
                assert height > last - 0.0005, "once off the table it goes up without a pause"
            last = height
            assert cell.time_ns < 8e9
        assert risen


def test_a_step_is_bounded_and_ends_on_the_waypoint():
    pose = np.array([0.3, 0.0, 0.3, *tool_down(0.0)])
    waypoint = np.array([0.5, 0.1, 0.1, *tool_down(0.7)])
    speeds = []
    for _ in range(300):
        new = step_towards(pose, waypoint, 0.02)
        speeds.append(np.linalg.norm(new[:3] - pose[:3]) / 0.02)
        assert angle_between(new[3:], pose[3:]) <= MAX_TURN * 0.02 + 1e-6
        pose = new
    assert max(speeds) <= MAX_SPEED + 1e-9
    assert speeds[0] == pytest.approx(MAX_SPEED)
    assert (np.diff(speeds) < 1e-9).all(), "it only ever slows down"
    np.testing.assert_allclose(pose[:3], waypoint[:3], atol=1e-12)


def test_the_funnel_comes_down_as_the_tool_lines_up_and_leads_up_from_below():
    goal = np.array([0.5, 0.0, 0.02])
    np.testing.assert_allclose(funnel(goal, goal, 0.0, 0.08, 2.5), goal)
    assert funnel(np.array([0.4, 0, 0.3]), goal, 0.1, 0.08, 2.5)[2] == pytest.approx(0.1)
    beside = np.array([0.45, 0.0, 0.02])
    np.testing.assert_allclose(funnel(beside, goal, 0.05, 0.08, 2.5), [0.45, 0.0, 0.1])
