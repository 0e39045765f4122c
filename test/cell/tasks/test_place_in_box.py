import numpy as np

from action_images_ros.cell import Cell
from action_images_ros.cell.scene.blocks import put
from action_images_ros.cell.tasks.grasp import touched_by_arm
from action_images_ros.cell.tasks.place_in_box import BLOCK_HALF, INNER_HALF, in_box


def rest(cell, seconds=1.0):
    for _ in range(round(seconds / 0.02)):
        cell.step(cell.commanded_pose, cell.commanded_openness, 0.02)


def put_at_box(cell, name, offset):
    """Puts a block at `offset` [3] from the middle of the box's floor, in the box's axes."""
    box = cell.data.body("box")
    put(cell.data, name, box.xpos + box.xmat.reshape(3, 3) @ offset, 0.0)


def carry_over_the_box(cell):
    """Runs the expert up to where it opens its fingers."""
    expert = cell.expert()
    while not expert.let_go(cell):
        assert cell.time_ns < 10e9
        cell.step(*expert.target(cell), 0.02)


def test_a_block_in_the_box_counts_after_half_a_second_and_one_beside_it_does_not():
    with Cell("place_in_box", 30) as cell:
        put_at_box(cell, "block_0", [INNER_HALF + 0.04, 0, BLOCK_HALF])
        rest(cell)
        assert not cell.success()
        put_at_box(cell, "block_0", [INNER_HALF - 0.02, 0.02, BLOCK_HALF + 0.004])
        rest(cell, 0.48)
        assert not cell.success()
        rest(cell, 0.04)
        assert cell.success() and not cell.took_wrong_object()


def test_a_block_that_is_held_inside_the_box_counts_only_once_it_is_let_go():
    with Cell("place_in_box", 31) as cell:
        carry_over_the_box(cell)
        pose = cell.commanded_pose
        for _ in range(60):
            pose[2] = max(pose[2] - 0.001, 0.035)
            cell.step(pose, 0.0, 0.02)
        assert in_box(cell.data, "block_0") and touched_by_arm(cell, "block_0")
        assert not cell.success()
        for _ in range(60):
            cell.step(*cell.expert().target(cell), 0.02)
        assert cell.success()


def test_a_block_that_is_held_over_the_box_is_not_in_it():
    with Cell("place_in_box", 32) as cell:
        carry_over_the_box(cell)
        rest(cell)
        assert not cell.success() and not cell.took_wrong_object()


def test_the_expert_keeps_the_hand_above_the_walls():
    with Cell("place_in_box", 33) as cell:
        carry_over_the_box(cell)
        lowest = np.inf
        while not cell.success():
            cell.step(*cell.expert().target(cell), 0.02)
            near = np.linalg.norm(cell.tcp_pose[:2] - cell.data.body("box").xpos[:2]) < 0.12
            lowest = min(lowest, cell.tcp_pose[2] if near else np.inf)
            assert cell.time_ns < 12e9
        assert lowest > 0.05


def test_another_block_in_the_box_or_lifted_is_the_wrong_one():
    with Cell("place_in_box", 34) as cell:
        put_at_box(cell, "block_1", [0, 0, BLOCK_HALF + 0.004])
        rest(cell)
        assert cell.took_wrong_object() and not cell.success()
    with Cell("place_in_box", 35) as cell:
        expert = type(cell.expert())()
        expert.body = "block_2"
        while not cell.took_wrong_object():
            assert cell.time_ns < 10e9
            cell.step(*expert.target(cell), 0.02)
        assert not cell.success()
