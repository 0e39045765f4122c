import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.tasks.close_laptop import ANGLE, LID, fingertip_on_lid


def angle(cell):
    return float(cell.data.joint("lid").qpos[0])


def test_the_lid_counts_as_closed_at_ten_degrees_and_what_was_done_stays_done():
    with Cell("close_laptop", 40) as cell:
        expert = cell.expert()
        while not cell.success():
            assert cell.time_ns < 8e9
            assert np.degrees(angle(cell)) > 10
            cell.step(*expert.target(cell), 0.02)
        assert np.degrees(angle(cell)) <= 10
        cell.step(*expert.target(cell), 0.02)
        cell.data.joint("lid").qpos[0] = 1.0
        cell.step(cell.commanded_pose, 0.0, 0.02)
        assert cell.success()


def test_not_closed_enough_is_no_success_and_the_lid_stays_where_it_is_left():
    with Cell("close_laptop", 41) as cell:
        expert = cell.expert()
        while np.degrees(angle(cell)) > 25:
            assert cell.time_ns < 8e9
            cell.step(*expert.target(cell), 0.02)
        away = cell.commanded_pose
        away[2] += 0.15
        for _ in range(100):
            pose = cell.commanded_pose
            pose[2] = min(pose[2] + 0.004, away[2])
            cell.step(pose, 0.0, 0.02)
        assert 10 < np.degrees(angle(cell)) < 26
        assert not cell.success()


@pytest.mark.parametrize("seed", range(8))
def test_the_lid_stands_open_by_what_was_drawn_and_the_arm_only_ever_closes_it(seed):
    with Cell("close_laptop", seed) as cell:
        widest = angle(cell)
        assert ANGLE[0] <= widest <= ANGLE[1]
        expert = cell.expert()
        while not cell.success():
            assert cell.time_ns < 8e9
            cell.step(*expert.target(cell), 0.02)
            assert angle(cell) < widest + np.deg2rad(2)
            widest = min(widest, angle(cell))


def test_a_disturbed_laptop_is_open_again_and_the_hand_is_not_in_its_way():
    with Cell("close_laptop", 42) as cell:
        expert = cell.expert()
        for _ in range(50):
            cell.step(*expert.target(cell), 0.02)
        assert TASKS["close_laptop"].disturb(cell, np.random.default_rng(0))
        before = angle(cell)
        assert ANGLE[0] <= before <= ANGLE[1]
        cell.step(cell.commanded_pose, 0.0, 0.5)
        assert angle(cell) == pytest.approx(before, abs=0.01)


@pytest.mark.parametrize("degrees", [5, 30, 60, 90])
def test_fingers_on_the_lid_touch_its_outer_face_from_outside(degrees):
    """The nearest corner of the fingers' foot lies on the outer face of the lid."""
    turn, reach = np.deg2rad(degrees), 0.012
    out = np.array([-np.sin(turn), np.cos(turn)])
    tip = fingertip_on_lid(turn, 0.14, reach)
    corners = [tip + [side * reach, 0] for side in (-1, 1)]
    assert min(corner @ out for corner in corners) == pytest.approx(LID)


def test_behind_a_lid_that_leans_back_the_fingers_keep_clear_of_its_edge():
    turn = np.deg2rad(110)
    tip = fingertip_on_lid(turn, 0.14, 0.012)
    assert tip[0] + 0.012 < 0.14 * np.cos(turn)
    assert 0 < tip[1] < 0.14 * np.sin(turn)
