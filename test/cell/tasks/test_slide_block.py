import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.scene.decoys import decoy_positions
from action_images_ros.cell.scene.palette import PALETTE
from action_images_ros.cell.tasks.registry import UNSHIPPED, find_task
from action_images_ros.cell.tasks.slide_block import AREA_RADIUS, BLOCK_HALF, REACHED


def test_the_task_can_be_recorded_but_is_none_of_all():
    assert "slide_block" not in TASKS and find_task("slide_block") is UNSHIPPED["slide_block"]
    with pytest.raises(ValueError, match="reach_target.*slide_block"):
        find_task("fly")


@pytest.mark.parametrize("perturbed", [False, True])
def test_the_expert_pushes_the_block_onto_the_area_and_leaves_it_there(perturbed):
    for seed in range(72_000, 72_003):
        with Cell("slide_block", seed, perturbed=perturbed) as cell:
            expert, fastest = cell.expert(), 0.0
            while not cell.success():
                assert cell.time_ns < 10e9, seed
                pose, openness = expert.target(cell)
                assert not vars(expert), "it decides by the state alone"
                fastest = max(fastest, np.linalg.norm(pose[:3] - cell.commanded_pose[:3]) / cell.control_period)
                cell.step(pose, openness, cell.control_period)
            assert fastest < 0.25
            for _ in range(100):
                cell.step(*expert.target(cell), cell.control_period)
            assert cell.object_position[2] == pytest.approx(BLOCK_HALF, abs=0.002), "it lies on the table"
            assert np.linalg.norm(cell.object_position - [*cell.model.body("area").pos[:2], BLOCK_HALF]) < 0.02
            assert cell.tcp_pose[2] > 0.1, "the arm is off and up"


def test_scenes_are_within_reach_in_words_and_colours_of_their_own():
    said = set()
    for seed in range(300, 330):
        with Cell("slide_block", seed) as cell:
            area, block = cell.model.body("area").pos, cell.object_position
            assert 0.1 <= np.linalg.norm(area[:2] - block[:2]) <= 0.18 + 1e-9
            assert area[0] < 0.69 and abs(area[1]) < 0.25
            for other in decoy_positions(cell.model):
                assert min(np.linalg.norm(other[:2] - place[:2]) for place in (area, block)) > 0.09
            named = set(PALETTE) & set(cell.instruction.split())
            assert named <= set(cell.words.values()) and len(set(cell.words.values())) == 2
            said.add(cell.instruction)
    assert len(said) > 10


def test_a_block_at_the_edge_of_the_area_is_no_success():
    with Cell("slide_block", 7) as cell:
        area = cell.model.body("area").pos
        for offset, done in ((AREA_RADIUS, False), (REACHED - 0.002, True)):
            joint = cell.data.joint("slid_block")
            joint.qpos[:3] = area + [0, offset, BLOCK_HALF]
            joint.qvel[:] = 0
            cell.step(cell.commanded_pose, 0.0, 0.8)
            assert cell.success() == done
