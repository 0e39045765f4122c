import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.perturb import PUSH_DISTANCE, REACH, push_arm


@pytest.mark.parametrize("task", TASKS)
def test_a_perturbed_cell_starts_at_time_zero_in_another_state_of_the_same_scene(task):
    moved = []
    for seed in range(6):
        with Cell(task, seed) as cell:
            plain, words, cameras = cell.tcp_pose, cell.instruction, cell.world_from_camera
            place = cell.object_position
        with Cell(task, seed, perturbed=True) as cell:
            assert cell.time_ns == 0 and not cell.success()
            assert cell.instruction == words
            np.testing.assert_array_equal(cell.world_from_camera, cameras)
            assert np.linalg.norm(cell.tcp_pose[:3] - plain[:3]) > 0.005
            moved.append(np.linalg.norm(cell.object_position - place) > 0.01)
    assert any(moved) and not all(moved)


def test_a_push_displaces_the_arm_by_centimetres_and_stays_in_its_box():
    rng = np.random.default_rng(0)
    with Cell("reach_target", 3) as cell:
        for _ in range(6):
            before = cell.commanded_pose[:3]
            push_arm(cell, rng, 1.0)
            after = cell.commanded_pose[:3]
            assert np.linalg.norm(after - before) < PUSH_DISTANCE[1] + 0.002
            assert (after > np.array(REACH[0]) - 0.002).all() and (after < np.array(REACH[1]) + 0.002).all()


@pytest.mark.parametrize("task", TASKS)
def test_an_object_is_moved_within_its_region_and_clear_of_the_others(task):
    low, high = np.array(TASKS[task].region)
    for seed in range(10):
        with Cell(task, seed) as cell:
            before = cell.object_position
            assert TASKS[task].disturb(cell, np.random.default_rng(seed))
            cell.step(cell.commanded_pose, TASKS[task].initial_openness, 0.1)
            after = cell.object_position
            assert 0.02 < np.linalg.norm(after - before) < 0.2
            assert (after[:2] >= low[:2] - 1e-3).all() and (after[:2] <= high[:2] + 1e-3).all()
