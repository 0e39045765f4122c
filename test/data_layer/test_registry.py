"""Every format gives back what was put into it, to its stated precision, and is recognised by its content."""

import numpy as np
import pytest
from datasets_small import assert_same, folder_of
from recordings import small_episode, tree

from action_images_ros.data.convert import convert
from action_images_ros.data.episode import load_episodes
from action_images_ros.data.format import Options, resized, task_name
from action_images_ros.data.registry import FORMATS, find_format, recognise
from action_images_ros.geometry.camera import project

EPISODES = [
    small_episode(3, frames=7, instruction="lift the block", task="lift_block", success=False, perturbed=True),
    small_episode(4, frames=6),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("formats") / "cache", EPISODES)


@pytest.mark.parametrize(
    "name, options, at_least_db",
    [
        ("cache", Options(), np.inf),
        ("rosbag2", Options(), np.inf),
        ("rosbag2", Options(images="png"), np.inf),
        ("rosbag2", Options(images="jpeg"), 32),
        ("lerobot", Options(), 32),
        ("rlbench", Options(), 32),
        ("lerobot", Options(crf=0), 33),
    ],
)
def test_what_is_written_comes_back(cache, tmp_path, name, options, at_least_db):
    assert convert(cache, tmp_path / "there", name, options).lost == []
    assert recognise(tmp_path / "there").name == name
    before = tree(tmp_path / "there")
    back = convert(tmp_path / "there", tmp_path / "back", "cache")
    assert back.lost == [] and back.source_format == name
    assert tree(tmp_path / "there") == before, "reading changed the source"
    for found, wanted in zip(load_episodes(tmp_path / "back"), EPISODES, strict=True):
        assert_same(found, wanted, at_least_db=at_least_db)


def test_what_is_nothing_of_these_says_what_was_looked_for(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
    with pytest.raises(ValueError, match=r"photos.*meta/info.json.*cat.jpg"):
        recognise(tmp_path / "photos")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        recognise(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="format is 'hdf5'.*cache, lerobot, rlbench, rosbag2"):
        find_format("hdf5")
    assert all(find_format(name).name == name for name in FORMATS)


def test_a_single_file_of_the_cache_is_a_source_too(cache, tmp_path):
    file = sorted(cache.glob("*.npz"))[0]
    assert convert(file, tmp_path / "one", "cache").episodes == 1


def test_resized_pictures_keep_world_points_in_their_places():
    episode = small_episode(frames=2, size=(48, 64))
    small = resized(episode, (24, 24))
    point = episode.poses[0, :3]
    (before, _), (after, _) = (project(point, e.K[0], e.world_from_camera[0]) for e in (episode, small))
    np.testing.assert_allclose(after, (before - [8, 0] + 0.5) / 2 - 0.5, atol=1e-9)
    assert small.images.shape == (2, 2, 24, 24, 3) and resized(episode, (48, 64)) is episode


def test_names_of_tasks_are_made_of_instructions():
    assert task_name("Lift the RED block, please!") == "lift_the_red_block_please" and task_name("...") == "task"
