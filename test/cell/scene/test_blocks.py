import numpy as np

from action_images_ros.cell import Cell
from action_images_ros.cell.scene.blocks import clear_of_tool, put


def test_a_block_that_is_put_somewhere_lies_there_at_rest():
    with Cell("stack_blocks", 3) as cell:
        put(cell.data, "block_2", [0.85, 0.3, 0.021], 0.3)
        cell.step(cell.commanded_pose, 1.0, 0.4)
        np.testing.assert_allclose(cell.data.body("block_2").xpos, [0.85, 0.3, 0.021], atol=1e-3)


def test_a_spot_under_a_low_hand_is_not_clear_and_one_beside_it_is():
    with Cell("stack_blocks", 3) as cell:
        here = cell.tcp_pose
        assert clear_of_tool(cell, here[:3]), "the hand is high"
        assert not clear_of_tool(cell, here[:3], height=here[2] + 0.01)
        assert clear_of_tool(cell, here[:3] + [0.11, 0, 0], height=here[2] + 0.01)
