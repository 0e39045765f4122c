import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.tasks.close_drawer import HEIGHT, OPENING


def opening(cell):
    return float(cell.data.joint("drawer").qpos[0])


def test_the_drawer_counts_as_closed_at_two_centimetres_and_what_was_done_stays_done():
    with Cell("close_drawer", 30) as cell:
        expert = cell.expert()
        while not cell.success():
            assert cell.time_ns < 8e9
            assert opening(cell) > 0.02
            cell.step(*expert.target(cell), 0.02)
        assert opening(cell) <= 0.02
        cell.data.joint("drawer").qpos[0] = 0.1
        cell.step(cell.commanded_pose, 0.0, 0.1)
        assert cell.success()


def test_not_closed_enough_is_no_success():
    with Cell("close_drawer", 31) as cell:
        expert = cell.expert()
        while opening(cell) > 0.035:
            assert cell.time_ns < 8e9
            cell.step(*expert.target(cell), 0.02)
        away = cell.commanded_pose
        away[2] += 0.1
        cell.step(away, 0.0, 2.0)
        assert 0.02 < opening(cell) < 0.036, "it stays where it is left"
        assert not cell.success()


@pytest.mark.parametrize("seed", range(8))
def test_the_drawer_stands_open_by_what_was_drawn_and_the_arm_only_ever_closes_it(seed):
    with Cell("close_drawer", seed) as cell:
        widest = opening(cell)
        assert OPENING[0] <= widest <= OPENING[1]
        expert = cell.expert()
        while not cell.success():
            assert cell.time_ns < 8e9
            cell.step(*expert.target(cell), 0.02)
            assert opening(cell) < widest + 1e-3
            widest = opening(cell)


def test_the_way_to_the_front_leads_over_the_cabinet_and_moves_nothing():
    with Cell("close_drawer", 32) as cell:
        cabinet = cell.data.body("cabinet")
        out, before = cabinet.xmat.reshape(3, 3)[:, 0], opening(cell)
        behind = cell.commanded_pose
        behind[:3] = cabinet.xpos - 0.08 * out + [0, 0, HEIGHT + 0.06]
        cell.step(behind, 0.0, 3.0)
        assert opening(cell) == pytest.approx(before, abs=1e-3)
        expert, lowest = cell.expert(), np.inf
        while not cell.success():
            assert cell.time_ns < 12e9
            ahead = (cell.tcp_pose[:3] - cell.data.body("drawer").xpos) @ out
            if ahead < 0.0:
                lowest = min(lowest, cell.tcp_pose[2])
            if cell.tcp_pose[2] > HEIGHT + 0.01:
                assert opening(cell) == pytest.approx(before, abs=1e-3)
            cell.step(*expert.target(cell), 0.02)
        assert lowest > HEIGHT + 0.02


def test_a_disturbed_drawer_is_open_again_and_not_in_the_fingers():
    with Cell("close_drawer", 33) as cell:
        expert = cell.expert()
        while not cell.success():
            cell.step(*expert.target(cell), 0.02)
        assert TASKS["close_drawer"].disturb(cell, np.random.default_rng(0))
        before = opening(cell)
        assert before >= OPENING[0]
        cell.step(cell.commanded_pose, 0.0, 0.5)
        assert opening(cell) == pytest.approx(before, abs=1e-3)
