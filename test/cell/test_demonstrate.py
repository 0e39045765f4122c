import numpy as np
import pytest

from action_images_ros.cell import ROBOT_TOOL_FROM_MODEL_TOOL, TASKS, Cell
from action_images_ros.cell.demonstrate import demonstrate
from action_images_ros.geometry.pose import interpolate, matrix_from_pose7, rotation_angle, to_robot_tool


def replay(episode):
    """Success of the recorded poses, interpolated, gripper held from frame to frame, in a fresh cell."""
    poses = to_robot_tool(episode.poses, ROBOT_TOOL_FROM_MODEL_TOOL)
    with Cell(episode.task, episode.seed, perturbed=episode.perturbed) as cell:
        for tick in range((episode.frames + 3) * 10):
            frame, part = min(tick // 10, episode.frames - 1), tick % 10 / 10
            target = interpolate(poses[frame], poses[min(frame + 1, episode.frames - 1)], part)
            cell.step(target, episode.openness[frame], 0.02)
        return cell.success()


@pytest.mark.parametrize("task", TASKS)
def test_recorded_poses_do_the_task_again(task):
    for seed, perturbed in ((72_000, False), (72_001, True)):
        episode = demonstrate(task, seed, perturbed=perturbed, images=False)
        assert episode.success and episode.perturbed is perturbed
        assert replay(episode)


def test_an_episode_starts_at_the_start_and_goes_on_for_a_second_after_success():
    short = demonstrate("reach_target", 73_000, images=False, hold_seconds=0.0)
    episode = demonstrate("reach_target", 73_000, images=False)
    assert episode.frames == short.frames + 5
    with Cell("reach_target", 73_000) as cell:
        first = to_robot_tool(episode.poses[0], ROBOT_TOOL_FROM_MODEL_TOOL)
        np.testing.assert_allclose(first[:3], cell.tcp_pose[:3])
        angle = rotation_angle(matrix_from_pose7(first)[:3, :3], matrix_from_pose7(cell.tcp_pose)[:3, :3])
        assert angle < 1e-6
    steps = np.linalg.norm(np.diff(episode.poses[:, :3], axis=0), axis=1)
    assert steps.max() < 0.25 * episode.dt
    assert steps[-1] < 0.001, "it holds still at the end"


def test_images_are_the_averaged_rendering_of_the_first_moment_with_intrinsics_to_match():
    episode = demonstrate("push_button", 73_001, size=(48, 64), cameras=2, limit_seconds=0.2)
    assert episode.images.shape == (2, 2, 48, 64, 3) and not episode.success
    with Cell("push_button", 73_001, image_size=(96, 128), cameras=2) as cell:
        averaged = cell.render().reshape(2, 48, 2, 64, 2, 3).mean(axis=(2, 4))
    assert np.abs(episode.images[:, 0] - averaged).max() <= 1
    with Cell("push_button", 73_001, image_size=(48, 64), cameras=2) as cell:
        np.testing.assert_allclose(episode.K, cell.K)
        np.testing.assert_allclose(episode.world_from_camera, cell.world_from_camera)


def test_the_openness_is_the_binary_command_and_the_hand_rises_only_afterwards():
    episode = demonstrate("lift_block", 73_002, images=False)
    assert set(episode.openness) == {0.0, 1.0}
    closing = int(np.argmin(episode.openness))
    assert (episode.openness[:closing] == 1).all() and (episode.openness[closing:] == 0).all()
    rise = episode.poses[:, 2] - episode.poses[closing, 2]
    assert (rise[:closing] > 0).all(), "it comes from above"
    assert rise[closing + 1] < 0.015 and rise[-1] > 0.08
