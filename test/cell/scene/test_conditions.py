import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from action_images_ros.cell import TASKS, Cell
from action_images_ros.cell.scene.conditions import CONDITIONS, NOMINAL, Condition, find_condition
from action_images_ros.world_model.text import TextEncoder

GOLDEN = json.loads((Path(__file__).parents[2] / "data" / "golden_cell.json").read_text())
ROOM = ("table", "floor", "wall_back", "wall_left", "wall_right")
SWITCHES = ("cameras", "textures", "lights", "phrasings", "calibration")


def scene(task, seed, condition=NOMINAL):
    """What a cell shows and knows, by name; every entry belongs to one thing a condition may change, or to none."""
    with Cell(task, seed, image_size=(48, 48), condition=condition) as cell:
        model = cell.model
        return {
            "cameras": np.concatenate([cell.K.ravel(), cell.world_from_camera.ravel()]),
            "calibration": cell.calibration - cell.world_from_camera,
            "textures": np.array([model.geom_matid[model.geom(name).id] for name in ROOM]),
            "lights": np.concatenate(
                [
                    model.light_dir.ravel(),
                    model.light_diffuse.ravel(),
                    model.light_castshadow,
                    model.vis.headlight.ambient,
                    model.vis.headlight.diffuse,
                ]
            ),
            "phrasings": cell.instruction,
            "colours": model.geom_rgba.copy(),
            "bodies": model.body_pos.copy(),
            "state": cell.data.qpos.copy(),
            "words": cell.words,
            "images": cell.render(),
        }


def same(a, b):
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["task"])
def test_a_seed_without_a_condition_is_the_scene_it_always_was(row):
    with Cell(row["task"], row["seed"]) as cell:
        model = cell.model
        assert cell.instruction == row["instruction"] and cell.condition is NOMINAL
        for name, value in (
            ("K", cell.K),
            ("world_from_camera", cell.world_from_camera),
            ("tcp", cell.tcp_pose),
            ("object", cell.object_position),
            ("qpos", cell.data.qpos),
            ("lights", [model.light_dir, model.light_diffuse]),
            ("tints", [model.geom_rgba[model.geom(name).id] for name in ROOM[:4]]),
        ):
            np.testing.assert_allclose(value, row[name], atol=1e-6, err_msg=name)
        assert [model.material(model.geom_matid[model.geom(name).id]).name for name in ROOM] == row["surfaces"]


@pytest.mark.parametrize("task", ["reach_target", "stack_blocks"])
def test_a_condition_changes_what_it_says_and_nothing_else(task):
    before = scene(task, 17)
    for switch in SWITCHES:
        value = {"calibration_metres": 0.02} if switch == "calibration" else {switch: True}
        changed = scene(task, 17, Condition("one", "", **value))
        differing = {name for name in before if not same(before[name], changed[name])}
        seen = {"images"} if switch in ("cameras", "textures", "lights") else set()
        moved = {"calibration"} if switch == "cameras" else set()  # there are other cameras to be calibrated
        assert {switch} | seen <= differing <= {switch} | seen | moved
    after = scene(task, 17)
    assert all(same(before[name], after[name]) for name in before), "nothing of a condition stays in the scene"


def test_the_conditions_of_the_table_switch_what_their_names_say():
    default = Condition("", "")
    switched = {
        name: {
            field.name
            for field in fields(condition)[2:]
            if getattr(condition, field.name) != getattr(default, field.name)
        }
        for name, condition in CONDITIONS.items()
    }
    assert switched == {
        "nominal": set(),
        "cameras": {"cameras"},
        "three_cameras": {"views"},
        "textures": {"textures"},
        "lights": {"lights"},
        "phrasings": {"phrasings"},
        "uncalibrated": {"uncalibrated"},
        "bumped": {"bump_metres", "bump_radians"},
        "calibration": {"calibration_metres"},
        "calibration_turned": {"calibration_metres", "calibration_radians"},
    }


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_unseen_phrasings_that_name_its_objects_as_the_others_do(task):
    task = TASKS[task]
    assert len(task.unseen_phrasings) >= 4 and not set(task.unseen_phrasings) & set(task.phrasings)
    assert all("{colour}" in phrasing for phrasing in task.unseen_phrasings)
    words = {"colour": "red", "other": "blue"}
    rng = np.random.default_rng(0)
    said = {task.instruction(rng, words, unseen=True) for _ in range(100)}
    assert said == {phrasing.format(**words) for phrasing in task.unseen_phrasings}
    TextEncoder().encode(sorted(said))  # none is too long for the model


@pytest.mark.parametrize("name", ["calibration", "calibration_turned"])
def test_a_calibration_error_moves_what_the_cameras_are_said_to_be_and_not_the_images(name):
    with Cell("reach_target", 9, condition=CONDITIONS[name]) as cell:
        moved = np.linalg.norm(cell.calibration[:, :3, 3] - cell.world_from_camera[:, :3, 3], axis=1)
        np.testing.assert_allclose(moved, 0.02)
        turns = np.swapaxes(cell.world_from_camera[:, :3, :3], 1, 2) @ cell.calibration[:, :3, :3]
        angles = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))
        np.testing.assert_allclose(angles, 1.0 if name == "calibration_turned" else 0.0, atol=1e-5)
        images = cell.render()
    with Cell("reach_target", 9) as cell:
        np.testing.assert_array_equal(images, cell.render())
        np.testing.assert_array_equal(cell.calibration, cell.world_from_camera)


def test_a_condition_that_does_not_exist_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="condition is 'fog'.*cameras.*calibration"):
        find_condition("fog")


@pytest.mark.parametrize(
    "values",
    [{"calibration_metres": -1.0}, {"calibration_radians": np.nan}, {"views": 1}, {"views": 3, "cameras": True}],
)
def test_impossible_conditions_are_refused(values):
    with pytest.raises(ValueError):
        Condition("x", "", **values)
