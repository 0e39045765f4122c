"""The lerobot library's own reader opens what we write, with the right times, pictures, poses and actions.

Needs an environment of its own (`make test-lerobot` makes it); skipped without.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from datasets_small import folder_of, psnr
from recordings import small_episode

from action_images_ros.data.convert import convert

ROOT = Path(__file__).resolve().parents[3]
PYTHON = Path(os.environ.get("LEROBOT_PYTHON", ROOT / ".venv-lerobot" / "bin" / "python"))
pytestmark = pytest.mark.skipif(
    not PYTHON.is_file(), reason=f"no {PYTHON}: `make test-lerobot` makes the environment of the lerobot library"
)
EPISODES = [small_episode(3, frames=8, instruction="lift the block"), small_episode(4, frames=6)]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """(facts, arrays) that the library gives."""
    folder = tmp_path_factory.mktemp("lerobot")
    convert(folder_of(folder / "cache", EPISODES), folder / "dataset", "lerobot")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "PYTHONPATH": ""}
    done = subprocess.run(
        [PYTHON, ROOT / "test" / "support" / "lerobot_read.py", folder / "dataset", folder / "read.npz"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "read.npz") as stored:
        return json.loads(stored["facts"].tobytes()), {key: stored[key] for key in stored.files}


def test_episodes_frames_and_sentences_are_counted_right(read):
    facts, arrays = read
    assert (facts["frames"], facts["episodes"], facts["fps"]) == (14, 2, 5)
    assert facts["tasks"] == ["lift the block"] * 8 + ["reach the red ball"] * 6
    assert facts["cameras"] == ["observation.images.left", "observation.images.right"]
    np.testing.assert_array_equal(arrays["episode_index"], [0] * 8 + [1] * 6)
    np.testing.assert_array_equal(arrays["index"], np.arange(14))


def test_timestamps_are_those_of_the_frames(read):
    np.testing.assert_allclose(read[1]["timestamp"], np.concatenate([np.arange(8), np.arange(6)]) * 0.2, atol=1e-6)


def test_pictures_belong_to_their_frames(read):
    for view, camera in enumerate(("left", "right")):
        shown = read[1][f"observation.images.{camera}"].transpose(0, 2, 3, 1) * 255
        wanted = np.concatenate([episode.images[view] for episode in EPISODES])
        assert psnr(shown, wanted) > 32
        distances = ((shown[:8, None] - wanted[None, :8].astype(float)) ** 2).mean((2, 3, 4))
        np.testing.assert_array_equal(distances.argmin(1), np.arange(8))


def test_states_actions_and_calibration_are_right(read):
    arrays = read[1]
    poses = np.concatenate([episode.poses for episode in EPISODES])
    openness = np.concatenate([episode.openness for episode in EPISODES])[:, None]
    np.testing.assert_allclose(arrays["observation.state"], np.hstack([poses, openness]), atol=1e-6)
    targets = np.concatenate([np.concatenate([e.poses[1:], e.poses[-1:]]) for e in EPISODES])
    np.testing.assert_allclose(arrays["action"], np.hstack([targets, openness]), atol=1e-6)
    np.testing.assert_allclose(arrays["observation.intrinsics.right"][0], EPISODES[0].K[1].reshape(-1), rtol=1e-6)
    np.testing.assert_allclose(
        arrays["observation.world_from_camera.left"][9], EPISODES[1].world_from_camera[0].reshape(-1), atol=1e-6
    )


def test_windows_over_time_work_in_a_later_episode(read):
    facts, arrays = read
    assert facts["window_task"] == "reach the red ball"
    np.testing.assert_allclose(arrays["window_action"][:, :3], EPISODES[1].poses[3:5, :3], atol=1e-6)
    assert psnr(arrays["window_images"].transpose(0, 2, 3, 1) * 255, EPISODES[1].images[0, 1:3]) > 32


def test_statistics_are_those_of_the_data(read):
    numbers = read[0]["stats"]["observation.state"]
    poses = np.concatenate([episode.poses for episode in EPISODES])
    np.testing.assert_allclose(np.array(numbers["mean"])[:7], poses.mean(0), atol=1e-6)
    np.testing.assert_allclose(np.array(numbers["std"])[:7], poses.std(0), atol=1e-6)
    assert numbers["count"] == [14] and np.shape(read[0]["stats"]["observation.images.left"]["mean"]) == (3, 1, 1)
