import numpy as np
import pytest

from action_images_ros.cell import ROBOT_TOOL_FROM_MODEL_TOOL, TASKS, Cell
from action_images_ros.geometry.camera import project
from action_images_ros.geometry.pose import matrix_from_pose7


def run(cell, ticks=15):
    expert = cell.expert()
    for _ in range(ticks):
        cell.step(*expert.target(cell), cell.control_period)
    return cell.render(), cell.tcp_pose, cell.joint_positions


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_gives_the_same_images_and_motion_whatever_ran_before(task):
    with Cell(task, 11, perturbed=True) as cell:
        first, words = run(cell), cell.instruction
    with Cell(task, 12) as cell:
        other = run(cell)
    with Cell(task, 11, perturbed=True) as cell:
        again = run(cell)
        assert cell.instruction == words
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_two_cells_at_once_do_not_disturb_each_other():
    with Cell("reach_target", 1) as alone:
        expected = run(alone)[0]
    with Cell("reach_target", 1) as one, Cell("reach_target", 2) as two:
        run(two)
        np.testing.assert_array_equal(run(one)[0], expected)
        assert one.model is not two.model


def test_a_closed_cell_hands_its_scene_on():
    with Cell("push_button", 1) as cell:
        model = cell.model
    with Cell("push_button", 2) as cell:
        assert cell.model is model


@pytest.mark.parametrize("size", [(192, 192), (120, 160), (95, 121)])
def test_a_point_is_seen_where_the_camera_model_says(size):
    """Centroid of a white ball on black against the projection of its centre; a ball's silhouette is a little off."""
    errors = []
    for seed in range(3):
        with Cell("reach_target", seed, image_size=size, cameras=4) as cell:
            model = cell.model
            rgba, material = model.geom_rgba.copy(), model.geom_matid.copy()
            model.geom_rgba[:, 3] = 0.0
            model.geom_matid[:] = -1
            model.geom_rgba[model.geom("target").id] = 1.0
            images = cell.render().astype(float).sum(-1)
            centre = cell.object_position
            model.geom_rgba[:], model.geom_matid[:] = rgba, material
            for image, K, E in zip(images, cell.K, cell.world_from_camera, strict=True):
                rows, columns = np.nonzero(image > 60)
                uv, _ = project(centre, K, E)
                errors.append([columns.mean() - uv[0], rows.mean() - uv[1]])
    errors = np.array(errors)
    assert np.abs(errors.mean(axis=0)).max() < 0.12, "half a pixel would be another convention"
    assert np.abs(errors).max() < 0.45


def test_intrinsics_follow_the_image_size():
    with Cell("reach_target", 3, image_size=(96, 96)) as cell:
        small = cell.K
    with Cell("reach_target", 3, image_size=(192, 192)) as cell:
        large = cell.K
    np.testing.assert_allclose(small[:, 0, 0] * 2, large[:, 0, 0])
    np.testing.assert_allclose(small[:, :2, 2], 47.5)
    np.testing.assert_allclose(large[:, :2, 2], 95.5)


def test_the_fingers_open_along_the_model_tools_x_axis_and_z_is_the_approach():
    with Cell("lift_block", 4) as cell:
        tool = matrix_from_pose7(cell.tcp_pose)[:3, :3] @ ROBOT_TOOL_FROM_MODEL_TOOL
        left, right = cell.data.body("left_finger").xpos, cell.data.body("right_finger").xpos
        opening = (left - right) / np.linalg.norm(left - right)
        assert abs(opening @ tool[:, 0]) > 0.999
        approach = cell.tcp_pose[:3] - cell.data.body("hand").xpos
        np.testing.assert_allclose(approach / np.linalg.norm(approach), tool[:, 2], atol=1e-6)
        assert np.linalg.det(ROBOT_TOOL_FROM_MODEL_TOOL) == pytest.approx(1.0)


def test_time_advances_by_what_was_asked_for_in_any_portions():
    with Cell("reach_target", 5) as cell:
        pose = cell.commanded_pose
        assert cell.time_ns == 0
        for seconds in (0.013, 0.007, 0.02, 0.055, 0.005):
            cell.step(pose, 1.0, seconds)
        assert cell.time_ns == 100_000_000


def test_the_view_shows_the_present_and_rendering_changes_nothing():
    with Cell("reach_target", 6) as cell:
        before = cell.render()
        np.testing.assert_array_equal(before, cell.render())
        pose = cell.commanded_pose
        pose[2] -= 0.05
        cell.step(pose, 1.0, 0.5)
        assert not np.array_equal(before, cell.render())
        assert before.dtype == np.uint8 and before.shape == (3, 192, 192, 3)


def test_two_to_four_cameras_can_be_asked_for():
    for count in (2, 4):
        with Cell("reach_target", 7, cameras=count) as cell:
            assert cell.render().shape[0] == count == len(cell.K) == len(cell.camera_names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("juggle", 1), "task is 'juggle'.*reach_target, push_button, lift_block"),
        (("reach_target", -1), "seed is -1"),
        (("reach_target", 1.5), "seed is 1.5"),
    ],
)
def test_a_wrong_task_or_seed_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Cell(*arguments)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"cameras": 1}, "cameras is 1"), ({"cameras": 5}, "cameras is 5"), ({"image_size": (8, 96)}, "image_size is 8")],
)
def test_wrong_cameras_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Cell("reach_target", 1, **options)


def test_a_wrong_command_is_refused_and_nothing_moves():
    with Cell("reach_target", 8) as cell:
        good, before = cell.commanded_pose, cell.joint_positions
        nan, zero = good.copy(), good.copy()
        nan[1] = np.nan
        zero[3:] = 0
        for pose, openness, seconds, words in (
            (nan, 1.0, 0.02, "target_pose7"),
            (zero, 1.0, 0.02, "target_pose7"),
            (good[:6], 1.0, 0.02, "target_pose7"),
            (good, 1.2, 0.02, "openness is 1.2"),
            (good, np.nan, 0.02, "openness is nan"),
            (good, 1.0, 0.0, "seconds is 0"),
        ):
            with pytest.raises(ValueError, match=words):
                cell.step(pose, openness, seconds)
        np.testing.assert_array_equal(cell.joint_positions, before)
        assert cell.time_ns == 0
