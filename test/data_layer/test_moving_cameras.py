"""A camera that moves keeps its pose per frame through every format; training, which cannot read it, says so."""

import numpy as np
import pytest
from datasets_small import folder_of
from recordings import small_episode

from action_images_ros.data.convert import convert
from action_images_ros.data.episode import load_episode, load_episodes
from action_images_ros.data.format import Options
from action_images_ros.data.registry import recognise


def moving_episode():
    episode = small_episode(frames=8)
    E = np.repeat(episode.world_from_camera[:, None], 8, axis=1)
    E[1, :, 0, 3] += 0.01 * np.arange(8)
    return small_episode(frames=8, world_from_camera=E)


@pytest.mark.parametrize("to", ["cache", "rosbag2", "lerobot", "rlbench"])
def test_the_pose_of_every_frame_survives(tmp_path, to):
    episode = moving_episode()
    source = folder_of(tmp_path / "source", [episode])
    convert(source, tmp_path / "target", to, Options(robot="cell"))
    (item,) = recognise(tmp_path / "target").items(tmp_path / "target", Options(robot="cell"))
    (found,) = [e for e in item.load() if hasattr(e, "images")]
    assert found.moving and found.still_views() == [0]
    np.testing.assert_allclose(found.world_from_camera, episode.world_from_camera, atol=1e-9)
    np.testing.assert_allclose(found.times, episode.times, atol=1e-6)


def test_training_refuses_it_by_name(tmp_path):
    folder = folder_of(tmp_path / "data", [moving_episode()])
    assert load_episode(next(folder.glob("*.npz"))).moving
    with pytest.raises(ValueError, match="--cameras"):
        load_episodes(folder)
