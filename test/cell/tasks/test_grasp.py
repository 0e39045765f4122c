import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.tasks.expert import tool_down
from action_images_ros.cell.tasks.grasp import square_yaw, touched_by_arm, yaw_of_tool


def test_a_cubes_yaw_is_the_same_on_every_face():
    for yaw in np.deg2rad([-40, -10, 0, 25, 44]):
        upright = Rotation.from_euler("z", yaw)
        for lying in Rotation.create_group("O"):
            assert square_yaw((upright * lying).as_matrix(), yaw) == pytest.approx(yaw, abs=1e-9)


def test_near_the_ends_the_yaw_keeps_to_the_tools_side():
    matrix = Rotation.from_euler("z", 44, degrees=True).as_matrix()
    assert np.degrees(square_yaw(matrix, np.deg2rad(40))) == pytest.approx(44)
    assert np.degrees(square_yaw(matrix, np.deg2rad(-40))) == pytest.approx(-46)
    matrix = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    assert np.degrees(square_yaw(matrix, np.deg2rad(-45))) == pytest.approx(30)


def test_the_yaw_of_a_tool_is_the_one_it_was_pointed_down_with():
    for yaw in (-1.2, 0.0, 0.7):
        assert yaw_of_tool(np.array([0.5, 0.0, 0.2, *tool_down(yaw)])) == pytest.approx(yaw)


def test_a_block_is_touched_from_the_closing_of_the_fingers_on_and_no_other_is():
    with Cell("lift_block", 71_002) as cell:
        assert not touched_by_arm(cell, "block_0")
        while not cell.success():
            assert cell.time_ns < 8e9
            cell.step(*cell.expert().target(cell), cell.control_period)
        assert touched_by_arm(cell, "block_0") and not touched_by_arm(cell, "block_1")


@pytest.mark.parametrize("task", [name for name, task in TASKS.items() if hasattr(task.expert, "let_go")])
def test_having_let_go_the_hand_rises_and_waits_with_open_fingers_clear_of_everything(task):
    with Cell(task, 71_003) as cell:
        while not cell.success():
            assert cell.time_ns < 10e9
            cell.step(*cell.expert().target(cell), cell.control_period)
        for _ in range(60):
            pose, openness = cell.expert().target(cell)
            assert openness == 1.0
            cell.step(pose, openness, cell.control_period)
        assert cell.tcp_pose[2] > 0.19
        np.testing.assert_allclose(cell.expert().target(cell)[0], cell.commanded_pose, atol=1e-3)
