"""Exchanged, inverted and doubled cameras are named by inspect; the page it writes needs nothing else."""

import re

import cv2
import numpy as np
import pytest
from datasets_small import folder_of
from recordings import record, small_episode

from action_images_ros.data.format import Options
from action_images_ros.data.inspect import inspect
from action_images_ros.geometry.camera import project

FRAMES = 14


def true_episode(**changes):
    """Cameras that see a disc at the tool's place on a still, textured ground; the tool moves sideways and down."""
    episode = small_episode(frames=FRAMES, size=(96, 128))
    poses = episode.poses.copy()
    poses[:, 1] = np.linspace(-0.2, 0.2, FRAMES)
    images = np.repeat(episode.images[:, :1] // 3, FRAMES, axis=1)
    for view in range(2):
        uv, _ = project(poses[:, :3], episode.K[view], episode.world_from_camera[view])
        for t in range(FRAMES):
            cv2.circle(images[view, t], tuple(int(round(v)) for v in uv[t]), 5, (255, 40, 40), -1)
    return small_episode(**{"frames": FRAMES, "size": (96, 128), "poses": poses, "images": images, **changes})


def problems(tmp_path, episode):
    return "\n".join(inspect(folder_of(tmp_path / "cache", [episode]))["problems"])


def test_right_cameras_are_not_accused(tmp_path):
    assert problems(tmp_path, true_episode()) == ""


def test_exchanged_cameras_are_named(tmp_path):
    E = true_episode().world_from_camera
    assert "cameras left and right are exchanged" in problems(tmp_path, true_episode(world_from_camera=E[::-1].copy()))


def test_two_cameras_of_one_calibration_are_named(tmp_path):
    E = true_episode().world_from_camera
    assert "same pose" in problems(tmp_path, true_episode(world_from_camera=np.stack([E[0], E[0]])))


def test_two_cameras_of_one_topic_are_named(tmp_path):
    images = true_episode().images
    assert "same pictures" in problems(tmp_path, true_episode(images=np.stack([images[0], images[0]])))


@pytest.mark.parametrize("scale", [2.0, 1.5, 0.5])
def test_intrinsics_of_another_resolution_are_named(tmp_path, scale):
    K = true_episode().K.copy()
    K[:, :2] *= scale
    said = problems(tmp_path, true_episode(K=K))
    assert said.count("another resolution") == 2


BODY = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    "wrong, words",
    [
        (np.linalg.inv, "inverted"),
        (lambda E: E @ BODY, "body"),
        (lambda E: E @ np.diag([1.0, -1, -1, 1]), "OpenGL"),
    ],
)
def test_other_conventions_of_a_pose_are_named(tmp_path, wrong, words):
    E = true_episode().world_from_camera.copy()
    E[1] = wrong(E[1])
    assert words in problems(tmp_path, true_episode(world_from_camera=E))


def test_millimetres_and_degrees_are_named(tmp_path):
    E = true_episode().world_from_camera.copy()
    E[:, :3, 3] *= 1000
    with pytest.raises(ValueError, match="millimetres"):
        true_episode(world_from_camera=E)
    poses = true_episode().poses.copy()
    poses[:, 3:] = [180.0, 0.0, 90.0, 0.0]
    with pytest.raises(ValueError, match="degrees"):
        true_episode(poses=poses)


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path):
    episode = true_episode(instruction="lift <script>alert(1)</script> & more")
    record(tmp_path / "bags" / "demo", episode)
    (tmp_path / "bags" / "torn").mkdir()
    (tmp_path / "bags" / "torn" / "torn_0.mcap").write_bytes(b"\x89MCAP0\r\nhalf")
    report = inspect(tmp_path / "bags", Options(), html=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page and "http" not in page and "&lt;script&gt;" in page
    assert page.count("data:image/jpeg;base64,") == len(report["episodes"]) == 1
    assert "/cell/right/camera_info" in page and "torn" in page and "problem" in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
