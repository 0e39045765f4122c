import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.cell import Cell
from action_images_ros.cell.tasks.pick_up_cup import CUP_HALF, CUP_RADIUS, cup_yaw
from action_images_ros.gl import mujoco


def lift(cell, expert, done, seconds=10.0):
    while not done():
        assert cell.time_ns < seconds * 1e9
        cell.step(*expert.target(cell), 0.02)


def test_the_fingers_stay_clear_of_the_handle_wherever_it_points():
    for handle in np.linspace(-np.pi, np.pi, 73):
        yaw = cup_yaw(Rotation.from_euler("z", handle).as_matrix())
        apart = (handle - (yaw + np.pi / 2)) % np.pi
        assert min(apart, np.pi - apart) > np.deg2rad(54)
        assert abs(yaw) <= np.deg2rad(55) + 1e-9


def test_with_the_handle_where_a_finger_would_be_the_tool_turns_to_the_side_it_is_on():
    for handle in (86, 94):
        matrix = Rotation.from_euler("z", handle, degrees=True).as_matrix()
        assert cup_yaw(matrix, 0.5) > 0.8 and cup_yaw(matrix, -0.5) < -0.8


def test_a_cup_is_hollow_and_has_a_bottom():
    with Cell("pick_up_cup", 50) as cell:
        cup = cell.data.body("cup_0")
        hit = np.zeros(1, np.int32)
        above = cup.xpos + [0.01, 0, CUP_HALF + 0.05]
        depth = mujoco.mj_ray(cell.model, cell.data, above, np.array([0.0, 0, -1]), None, 1, -1, hit)
        assert cell.model.geom(int(hit[0])).name == "cup_0_bottom"
        assert depth == pytest.approx(2 * CUP_HALF + 0.05 - 0.006, abs=1e-3)


def test_a_held_cup_counts_after_half_a_second_eight_centimetres_up():
    with Cell("pick_up_cup", 51) as cell:
        expert, up = cell.expert(), 0
        while not cell.success():
            assert cell.time_ns < 10e9
            cell.step(*expert.target(cell), 0.02)
            up = up + 1 if cell.object_position[2] >= CUP_HALF + 0.08 else 0
        assert up == 25
        assert cell.openness * 0.08 == pytest.approx(2 * CUP_RADIUS, abs=0.003)


@pytest.mark.parametrize("other", ["cup_1", "block_0"])
def test_lifting_another_thing_is_the_wrong_one(other):
    with Cell("pick_up_cup", 53) as cell:
        expert = type(cell.expert())() if other == "cup_1" else type(Cell("lift_block", 1).expert())()
        expert.body = other
        lift(cell, expert, cell.took_wrong_object)
        assert not cell.success()
