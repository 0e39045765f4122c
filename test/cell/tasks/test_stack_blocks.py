from action_images_ros.cell import Cell
from action_images_ros.cell.scene.blocks import put
from action_images_ros.cell.tasks.stack_blocks import BLOCK_HALF, is_on


def rest(cell, seconds):
    for _ in range(round(seconds / 0.02)):
        cell.step(cell.commanded_pose, cell.commanded_openness, 0.02)


def put_on(cell, upper, lower, offset=0.0):
    place = cell.data.body(lower).xpos + [offset, 0, 2 * BLOCK_HALF]
    put(cell.data, upper, place, 0.2)


def test_a_stack_counts_when_it_has_stood_for_a_second():
    with Cell("stack_blocks", 40) as cell:
        put_on(cell, "block_0", "block_1", 0.012)
        rest(cell, 0.9)
        assert not cell.success()
        rest(cell, 0.3)
        assert cell.success() and not cell.took_wrong_object()


def test_a_stack_that_falls_within_a_second_is_none():
    with Cell("stack_blocks", 41) as cell:
        put_on(cell, "block_0", "block_1", 0.012)
        rest(cell, 0.7)
        assert is_on(cell.data, "block_0", "block_1")
        cell.data.joint("block_0").qvel[0] = 0.8
        rest(cell, 2.0)
        assert cell.object_position[2] < 2 * BLOCK_HALF and not cell.success()


def test_a_block_that_is_held_on_top_counts_only_once_it_is_let_go():
    with Cell("stack_blocks", 42) as cell:
        expert = cell.expert()
        while not expert.let_go(cell):
            assert cell.time_ns < 10e9
            cell.step(*expert.target(cell), 0.02)
        pose = cell.commanded_pose
        pose[2] -= 0.006
        for _ in range(80):
            cell.step(pose, 0.0, 0.02)
        assert is_on(cell.data, "block_0", "block_1") and not cell.success()
        for _ in range(100):
            cell.step(*expert.target(cell), 0.02)
        assert cell.success()


def test_a_block_beside_the_other_is_no_stack():
    with Cell("stack_blocks", 43) as cell:
        place = cell.data.body("block_1").xpos + [2 * BLOCK_HALF + 0.002, 0, 0]
        put(cell.data, "block_0", place, 0.0)
        rest(cell, 1.5)
        assert not cell.success() and not cell.took_wrong_object()


def test_the_wrong_block_on_top_or_the_right_one_on_the_wrong_block_is_told():
    for seed, upper, lower in ((44, "block_2", "block_1"), (45, "block_0", "block_2"), (46, "block_1", "block_0")):
        with Cell("stack_blocks", seed) as cell:
            put_on(cell, upper, lower)
            rest(cell, 1.3)
            assert cell.took_wrong_object() and not cell.success()
