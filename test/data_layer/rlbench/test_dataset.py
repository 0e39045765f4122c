"""The published layout is read as it was published, and what does not fit in it is named."""

import json
import pickle
import shutil

import numpy as np
import pytest
from datasets_small import folder_of
from recordings import small_episode

from action_images_ros.data.convert import convert
from action_images_ros.data.format import Options
from action_images_ros.data.registry import recognise
from action_images_ros.data.video import write_video
from action_images_ros.geometry.camera import project

EPISODE = small_episode(0, frames=5, views=2)


def published(root, episode=EPISODE, sentences=("pick up the cup", "grasp the cup"), number=0):
    """An episode as the published recordings are: nothing beside them, negative focal lengths, 4 rows per frame."""
    variation = root / "pick_up_cup" / "variation0"
    folder = variation / "episodes" / f"episode{number}"
    folder.mkdir(parents=True)
    (variation / "variation_descriptions.pkl").write_bytes(pickle.dumps(list(sentences)))
    rows = np.repeat(np.hstack([episode.poses, episode.openness[:, None]]), 4, axis=0)
    rows[np.arange(len(rows)) % 4 != 0, :3] += 0.5  # rows between frames are not to be taken
    np.save(folder / "actions.npy", rows)
    for view in range(len(episode.K)):
        write_video(folder / f"view{view}" / "rgb" / "video.mp4", episode.images[view], 5, crf=10)
        camera = {
            "intrinsics": (episode.K[view] @ np.diag([-1, -1, 1])).tolist(),
            "extrinsics": (episode.world_from_camera[view] @ np.diag([-1, -1, 1, 1])).tolist(),
        }
        (folder / f"view{view}" / "camera_params.json").write_text(
            json.dumps({f"{i:04d}": camera for i in range(episode.frames)})
        )
    return folder


def read(path, **options):
    [item] = recognise(path).items(path, Options(**options))
    return list(item.load())


def test_published_recordings_are_understood(tmp_path):
    published(tmp_path)
    [found] = read(tmp_path)
    assert (found.task, found.seed, found.instruction, found.dt) == ("pick_up_cup", 0, "pick up the cup", 0.2)
    assert found.camera_names == ("view0", "view1") and found.success
    np.testing.assert_allclose(found.poses, EPISODE.poses, atol=1e-12)
    np.testing.assert_array_equal(found.openness, EPISODE.openness)
    assert (found.K[:, 0, 0] > 0).all()
    for view in range(2):
        np.testing.assert_allclose(
            project(EPISODE.poses[:, :3], found.K[view], found.world_from_camera[view])[0],
            project(EPISODE.poses[:, :3], EPISODE.K[view], EPISODE.world_from_camera[view])[0],
            atol=1e-9,
        )


@pytest.mark.parametrize(
    "part",
    [
        "",
        "pick_up_cup",
        "pick_up_cup/variation0",
        "pick_up_cup/variation0/episodes",
        "pick_up_cup/variation0/episodes/episode0",
    ],
)
def test_every_level_of_the_layout_can_be_given(tmp_path, part):
    published(tmp_path)
    assert read(tmp_path / part, dt=0.1)[0].dt == 0.1


def test_rows_between_frames_are_interpolated_and_focal_lengths_negative_when_written(tmp_path):
    convert(folder_of(tmp_path / "cache", [EPISODE]), tmp_path / "there", "rlbench")
    folder = tmp_path / "there" / "reach_target" / "variation0" / "episodes" / "episode0"
    rows = np.load(folder / "actions.npy")
    assert rows.shape == (20, 8)
    np.testing.assert_allclose(rows[::4, :7], EPISODE.poses, atol=1e-12)
    np.testing.assert_allclose(rows[2, :3], EPISODE.poses[:2, :3].mean(0), atol=1e-12)
    np.testing.assert_allclose(rows[17:, :7], EPISODE.poses[[4, 4, 4]], atol=1e-12)
    camera = json.loads((folder / "view1" / "camera_params.json").read_text())
    assert sorted(camera) == [f"{i:04d}" for i in range(5)] and camera["0003"]["intrinsics"][0][0] < 0
    assert pickle.loads((folder.parents[1] / "variation_descriptions.pkl").read_bytes()) == [EPISODE.instruction]


def test_each_instruction_of_a_task_is_a_variation(tmp_path):
    episodes = [
        small_episode(i, frames=2, size=(16, 16), instruction=f"reach the {what} ball")
        for i, what in enumerate(("red", "blue", "red"))
    ]
    convert(folder_of(tmp_path / "cache", episodes), tmp_path / "there", "rlbench")
    found = sorted(p.relative_to(tmp_path / "there").as_posix() for p in (tmp_path / "there").glob("*/*/*/*"))
    assert found == [
        "reach_target/variation0/episodes/episode0",
        "reach_target/variation0/episodes/episode1",
        "reach_target/variation1/episodes/episode0",
    ]


def params(folder, change):
    path = folder / "view1" / "camera_params.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def save_rows(folder, change):
    rows = np.load(folder / "actions.npy")
    np.save(folder / "actions.npy", change(rows))


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda f: save_rows(f, lambda r: r[:12]), "actions.npy has 12 rows for 5 frames"),
        (lambda f: save_rows(f, lambda r: r[:, :7]), r"actions.npy has shape \[20, 7\]"),
        (lambda f: save_rows(f, lambda r: r * 2), "openness is 0 to 2"),
        (lambda f: save_rows(f, lambda r: np.where(np.arange(20)[:, None] == 3, np.nan, r)), "actions.npy.*nan"),
        (lambda f: (f / "actions.npy").write_bytes(b"half"), "actions.npy is no readable array"),
        (lambda f: params(f, lambda c: c.pop("0004")), "camera_params.json cannot be used.*0000 to 0004"),
        (
            lambda f: params(f, lambda c: c["0002"]["intrinsics"][0].__setitem__(0, 50.0)),
            "camera_params.*only one is neg",
        ),
        (lambda f: (f / "view0" / "rgb" / "video.mp4").write_bytes(b"no film"), "view0/rgb/video.mp4 is no readable"),
        (lambda f: write_video(f / "view1" / "rgb" / "video.mp4", EPISODE.images[1, :3], 5), "view1.*has 3 frames"),
        (lambda f: [shutil.rmtree(v) for v in f.glob("view*")], "no folder view0"),
        (lambda f: (f.parents[1] / "variation_descriptions.pkl").write_bytes(b"cos\nsystem\n."), "instruction GLOBAL"),
    ],
)
def test_what_is_damaged_is_named_and_the_next_episode_still_read(tmp_path, spoil, words):
    spoil(published(tmp_path))
    [item] = recognise(tmp_path).items(tmp_path, Options())
    with pytest.raises(ValueError, match=words):
        list(item.load())
