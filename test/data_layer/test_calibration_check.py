"""The tool's points fall on what moves when the calibration is right, and beside it when it is not."""

import cv2
import numpy as np
from recordings import small_episode

from action_images_ros.data.calibration_check import check_calibration, draw_points
from action_images_ros.geometry.camera import project


def moving_gripper(frames=12):
    """An episode with a bright disc drawn where the tool is, on a still background that flickers a little."""
    episode = small_episode(frames=frames, size=(96, 96))
    rng = np.random.default_rng(0)
    poses = episode.poses.copy()
    poses[:, 0] += 0.02 * np.arange(frames)
    background = rng.integers(60, 120, (96, 96, 3))
    for view in range(2):
        uv, _ = project(poses[:, :3], episode.K[view], episode.world_from_camera[view])
        for t in range(frames):
            picture = np.clip(background + rng.normal(0, 2, (96, 96, 3)), 0, 255).astype(np.uint8)
            episode.images[view, t] = cv2.circle(picture, tuple(int(round(v)) for v in uv[t]), 6, (250, 250, 250), -1)
    episode.poses = poses
    return episode


def check(episode, E=None, poses=None):
    E, poses = episode.world_from_camera[0] if E is None else E, episode.poses if poses is None else poses
    return check_calibration("left", episode.images[0], episode.K[0], E, poses)


def test_a_right_calibration_is_not_suspicious():
    result = check(moving_gripper())
    assert result.in_view == 1 and result.frames_moving == 11
    assert result.motion_ratio > 3 and result.suspicious == ""


def test_a_camera_elsewhere_is_suspicious():
    episode = moving_gripper()
    moved = episode.world_from_camera[0].copy()
    moved[:3, 3] += moved[:3, 0] * 0.25
    assert "only" in check(episode, moved).suspicious
    assert "the tool is in only 0 %" in check(episode, np.linalg.inv(episode.world_from_camera[0])).suspicious


def test_a_tool_that_stands_still_tells_nothing():
    episode = moving_gripper()
    result = check(episode, poses=np.repeat(episode.poses[:1], 12, 0))
    assert np.isnan(result.motion_ratio) and result.suspicious == ""


def test_points_are_drawn_where_they_project():
    episode = moving_gripper()
    strip = draw_points(
        np.zeros((2, 96, 96, 3), np.uint8), episode.K[0], episode.world_from_camera[0], episode.poses[[0, 5]], tile=192
    )
    assert strip.shape == (192, 384, 3)
    uv, _ = project(episode.poses[5, :3], episode.K[0], episode.world_from_camera[0])
    x, y = ((uv + 0.5) * 2 - 0.5).round().astype(int)
    red, green, blue = strip[y, 192 + x].astype(int)
    assert red > 200 and green < 120 and blue < 120
