import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.scene.palette import PALETTE
from action_images_ros.cell.tasks.task import scatter

SEEDS = range(200, 230)


def cells(task):
    for seed in SEEDS:
        with Cell(task, seed) as cell:
            yield cell


OBJECT = {
    "reach_target": "target",
    "push_button": "button_cap",
    "lift_block": "block_0",
    "place_in_box": "block_0",
    "pick_up_cup": "cup_0",
    "stack_blocks": "block_0",
    "close_drawer": "drawer",
    "close_laptop": "laptop",
}
"""The body that is dealt with."""
OTHERS = {
    "lift_block": ("block_1", "block_2"),
    "place_in_box": ("block_1", "block_2", "box"),
    "pick_up_cup": ("cup_1", "block_0"),
    "stack_blocks": ("block_1", "block_2"),
}
"""The bodies beside it, in tasks without decoys."""


def colour_of(model, body):
    """RGB of the geom of a body that is shown."""
    geoms = range(model.body(body).geomadr[0], model.body(body).geomadr[0] + model.body(body).geomnum[0])
    return next(model.geom_rgba[geom, :3].copy() for geom in geoms if model.geom_rgba[geom, 3] > 0)


def distractors(cell):
    """(name of the body, centre, colour) of every other thing that is shown."""
    model, data = cell.model, cell.data
    for index in range(model.nbody):
        name = model.body(index).name
        named = name.startswith("distractor") or name in OTHERS.get(cell.task, ())
        if named and data.xpos[index][2] > -1:
            yield name, data.xpos[index].copy(), colour_of(model, name)


@pytest.mark.parametrize("task", TASKS)
def test_objects_fill_their_region_and_distractors_keep_away(task):
    low, high = np.array(TASKS[task].region)
    seen = []
    for cell in cells(task):
        place = cell.object_position
        seen.append(place)
        flat = 2 if task != "reach_target" else 3
        assert (place[:flat] >= low[:flat] - 1e-9).all() and (place[:flat] <= high[:flat] + 1e-9).all()
        others = list(distractors(cell))
        assert 2 <= len(others) <= 3
        gap = {"reach_target": 0.05, "place_in_box": 0.09}.get(task, 0.1)
        for _, position, _ in others:
            assert np.linalg.norm(position[:flat] - place[:flat]) > gap
    spread = np.ptp(seen, axis=0)[:2] / (high - low)[:2]
    assert spread.min() > 0.8, "the draws cover the region"


@pytest.mark.parametrize("task", TASKS)
def test_no_distractor_has_the_objects_colour(task):
    for cell in cells(task):
        own = colour_of(cell.model, OBJECT[task])
        for _, _, other in distractors(cell):
            assert np.abs(own - other).max() > 0.2


@pytest.mark.parametrize("task", TASKS)
def test_the_instruction_has_many_phrasings_and_names_the_colours(task):
    said = {cell.instruction: cell.words for cell in cells(task)}
    assert len(TASKS[task].phrasings) >= 6
    only_one = task in ("push_button", "close_drawer", "close_laptop")
    for instruction, words in said.items():
        named = set(PALETTE) & set(instruction.split())
        assert named <= set(words.values()) <= set(PALETTE)
        assert words["colour"] in named or (only_one and instruction in TASKS[task].phrasings)


@pytest.mark.parametrize("task", TASKS)
def test_doing_nothing_is_no_success(task):
    for seed in range(5):
        with Cell(task, seed) as cell:
            cell.step(cell.commanded_pose, TASKS[task].initial_openness, 2.0)
            assert not cell.success()


def test_reach_counts_only_after_half_a_second_within_two_centimetres():
    with Cell("reach_target", 20) as cell:
        expert = cell.expert()
        inside = 0
        while not cell.success():
            assert cell.time_ns < 6e9
            cell.step(*expert.target(cell), 0.02)
            near = np.linalg.norm(cell.tcp_pose[:3] - cell.object_position) <= 0.02
            inside = inside + 1 if near else 0
        assert inside == 25
        pose = cell.commanded_pose
        pose[2] += 0.1
        cell.step(pose, 1.0, 1.0)
        assert cell.success(), "what was done stays done"


def test_the_wrong_ball_is_no_success():
    with Cell("reach_target", 21) as cell:
        _, wrong, _ = next(distractors(cell))
        pose = cell.commanded_pose
        for _ in range(300):
            offset = wrong + [0, 0, 0.03] - pose[:3]
            pose[:3] += offset * min(1.0, 0.005 / max(np.linalg.norm(offset), 1e-9))
            cell.step(pose, 1.0, 0.02)
        assert not cell.success()
        assert not cell.took_wrong_object(), "three centimetres away is not there"


def test_the_button_counts_when_it_is_eight_millimetres_down_and_comes_back_up():
    with Cell("push_button", 22) as cell:
        expert = cell.expert()
        while not cell.success():
            assert cell.time_ns < 6e9
            assert cell.data.joint("button").qpos[0] < 0.008
            cell.step(*expert.target(cell), 0.02)
        assert cell.data.joint("button").qpos[0] >= 0.008
        pose = cell.commanded_pose
        pose[2] += 0.1
        cell.step(pose, 0.0, 1.5)
        assert cell.data.joint("button").qpos[0] < 0.001


def test_a_held_block_reads_as_closed_gripper_and_counts_after_half_a_second_up():
    with Cell("lift_block", 23) as cell:
        expert = cell.expert()
        up = 0
        while not cell.success():
            assert cell.time_ns < 8e9
            cell.step(*expert.target(cell), 0.02)
            up = up + 1 if cell.object_position[2] >= 0.018 + 0.08 else 0
        assert up == 25
        assert 0.3 < cell.openness < 0.5


def test_lifting_another_block_is_no_success():
    with Cell("lift_block", 24) as cell:
        expert = type(cell.expert())()
        expert.body = "block_1"
        for _ in range(300):
            cell.step(*expert.target(cell), 0.02)
        assert cell.data.body("block_1").xpos[2] > 0.09
        assert not cell.success()
        assert cell.took_wrong_object()


def test_scatter_keeps_its_distances():
    rng = np.random.default_rng(0)
    taken = [np.array([0.5, 0.5])]
    for _ in range(20):
        points = [*taken, *scatter(rng, 3, [0, 0], [1, 1], taken, 0.3)]
        distances = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
        assert min(distances) >= 0.29
