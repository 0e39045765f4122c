import json

import numpy as np
import pytest

from action_images_ros.data.episode import (
    INDEX,
    Episode,
    append_index,
    iterate_episodes,
    load_episode,
    load_episodes,
    read_index,
    save_episode,
)


def make(seed=1, task="reach_target", views=2, frames=4, **change):
    rng = np.random.default_rng(seed)
    poses = rng.random((frames, 7))
    poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
    values = {
        "task": task,
        "seed": seed,
        "instruction": "reach the red ball",
        "dt": 0.2,
        "images": rng.integers(0, 256, (views, frames, 8, 6, 3), dtype=np.uint8),
        "K": np.tile([[9.0, 0, 3], [0, 9, 4], [0, 0, 1]], (views, 1, 1)),
        "world_from_camera": np.tile(np.eye(4), (views, 1, 1)),
        "poses": poses,
        "openness": np.array([1.0, 1.0, 0.0, 0.0])[:frames],
        "success": True,
        "camera_names": tuple(f"camera_{i}" for i in range(views)),
        "perturbed": True,
    }
    return Episode(**{**values, **change})


def store(folder, episode):
    row = {"file": save_episode(folder, episode).name, "task": episode.task, "seed": episode.seed, "success": True}
    append_index(folder, row)


@pytest.mark.parametrize("mmap", [True, False])
def test_what_was_saved_is_what_is_loaded(tmp_path, mmap):
    episode = make()
    loaded = load_episode(save_episode(tmp_path, episode), mmap=mmap)
    assert isinstance(loaded.images, np.memmap) is mmap
    for name, value in vars(episode).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(loaded, name), value)
            assert getattr(loaded, name).dtype == value.dtype
        else:
            assert getattr(loaded, name) == value


def test_images_that_are_not_contiguous_are_saved_as_they_look(tmp_path):
    images = np.ascontiguousarray(np.moveaxis(make().images, 1, 0)).swapaxes(0, 1)
    assert not images.flags.c_contiguous
    np.testing.assert_array_equal(load_episode(save_episode(tmp_path, make(images=images))).images, images)


def test_mapped_images_cannot_be_changed_by_mistake(tmp_path):
    loaded = load_episode(save_episode(tmp_path, make()))
    with pytest.raises(ValueError, match="read-only"):
        loaded.images[0, 0] = 0


def test_a_cut_off_file_is_refused_by_name(tmp_path):
    path = save_episode(tmp_path, make())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=rf"{path.name} is damaged"):
        load_episode(path)


def test_a_file_of_another_kind_is_refused_by_name(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, images=np.zeros(3))
    with pytest.raises(ValueError, match="other.npz"):
        load_episode(path)
    np.savez(path, images=np.array([{}], dtype=object), meta=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="other.npz"):
        load_episode(path)


def test_a_file_of_a_later_format_is_refused(tmp_path, monkeypatch):
    from action_images_ros.data import episode as module

    monkeypatch.setattr(module, "FORMAT", 99)
    path = save_episode(tmp_path, make())
    monkeypatch.undo()
    with pytest.raises(ValueError, match="another format"):
        load_episode(path)


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    from action_images_ros.data import episode as module

    def fail(file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(module.np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save_episode(tmp_path, make())
    assert not list(tmp_path.iterdir())


def test_a_folder_is_read_in_the_order_of_its_index_and_by_task(tmp_path):
    for seed, task in ((3, "reach_target"), (1, "lift_block"), (2, "reach_target")):
        store(tmp_path, make(seed, task))
    append_index(tmp_path, {"file": None, "task": "lift_block", "seed": 9, "success": False})
    assert [e.seed for e in load_episodes(tmp_path)] == [3, 1, 2]
    assert [e.seed for e in iterate_episodes(tmp_path, tasks=["lift_block"])] == [1]
    assert [e.seed for e in load_episodes(tmp_path, limit=2)] == [3, 1]


def test_a_file_that_is_not_in_the_index_yet_is_not_read(tmp_path):
    store(tmp_path, make(1))
    save_episode(tmp_path, make(2))
    assert [e.seed for e in load_episodes(tmp_path)] == [1]


def test_an_unfinished_line_of_the_index_is_left_out(tmp_path):
    store(tmp_path, make(1))
    with open(tmp_path / INDEX, "a") as file:
        file.write(json.dumps({"file": "x.npz", "task": "reach_target"})[:-5])
    assert [row["seed"] for row in read_index(tmp_path)] == [1]
    store(tmp_path, make(2))
    assert [row["seed"] for row in read_index(tmp_path)] == [1, 2], "and does not swallow the next one"


def test_an_episode_collected_twice_counts_once(tmp_path):
    store(tmp_path, make(1))
    store(tmp_path, make(1))
    assert len(load_episodes(tmp_path)) == 1


def test_an_empty_folder_says_how_to_fill_it(tmp_path):
    with pytest.raises(ValueError, match="action-images collect"):
        load_episodes(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": np.zeros((3, 7))}, "poses has shape"),
        ({"K": np.zeros((1, 3, 3))}, "K has shape"),
        ({"images": np.zeros((2, 4, 8, 6, 3))}, "images are float64"),
        ({"camera_names": ("a",)}, "for 2 views"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        make(**change)


def test_an_instruction_is_one_line_of_plain_text():
    assert make(instruction=" open\n the\tdrawer\xa0now ").instruction == "open the drawer now"
    with pytest.raises(ValueError, match="instruction"):
        make(instruction="red \x1b[31m text")
