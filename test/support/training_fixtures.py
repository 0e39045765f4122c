"""Fixtures of every test that trains for seconds: imported by the conftest.py of its folder."""

import numpy as np
import pytest
from cameras import in_front

from action_images_ros.data.episode import Episode, append_index, save_episode
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.training.config import TrainConfig

TINY = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}


@pytest.fixture(scope="session")
def tiny():
    """A recipe of seconds."""
    return TrainConfig(
        image_size=(48, 48),
        model=TINY,
        steps=4,
        decay_steps=1,
        batch_size=3,
        warmup_steps=1,
        precision="float32",
        validate_every=100,
        checkpoint_every=2,
        validation_fraction=0.25,
        views={2: 1.0},
    )


@pytest.fixture
def config(tiny):
    return tiny


@pytest.fixture(scope="session")
def episodes():
    """Five short episodes of noise pictures seen by three cameras, the tool moving down."""
    rng = np.random.default_rng(0)
    made = []
    for seed in range(5):
        length = 11 + seed
        poses = np.tile([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (length, 1))
        poses[:, 2] -= 0.02 * np.arange(length)
        made.append(
            Episode(
                task="reach_target",
                seed=seed,
                instruction="reach the red ball",
                dt=0.2,
                images=rng.integers(0, 255, (3, length, 48, 48, 3), dtype=np.uint8),
                K=np.stack([intrinsics_from_fovy(50, 48, 48)] * 3),
                world_from_camera=np.stack([in_front(a) for a in (-0.7, 0.0, 0.7)]),
                poses=poses,
                openness=(np.arange(length) < 5).astype(float),
                success=True,
                camera_names=("camera_0", "camera_1", "camera_2"),
            )
        )
    return made


@pytest.fixture(scope="session")
def episode_folder(tmp_path_factory, episodes):
    """The episodes as a folder; not to be written to."""
    folder = tmp_path_factory.mktemp("data")
    for episode in episodes:
        append_index(folder, {"file": save_episode(folder, episode).name, "task": episode.task, "seed": episode.seed})
    return folder
