"""RLBench's own episodes (PNGs and low_dim_obs.pkl) are read without executing what the pickle says."""

import os
import pickle
import sys
import types

import cv2
import numpy as np
import pytest
from recordings import small_episode

from action_images_ros.data.format import Options, Remark, loaded
from action_images_ros.data.registry import recognise
from action_images_ros.data.rlbench.demo_pickle import read_demo

FRAMES = 9
EPISODE = small_episode(0, frames=FRAMES, size=(24, 32))
WRIST = np.tile(np.eye(4), (FRAMES, 1, 1))
WRIST[:, :3, 3] = [[0.5, 0.0, 0.6 - 0.01 * t] for t in range(FRAMES)]
WRIST[:, :3, :3] = np.diag([1.0, -1.0, -1.0])


@pytest.fixture
def classes(monkeypatch):
    """Demo and Observation under the module names of RLBench, for pickling only."""
    made = {}
    for module, name in (("rlbench.demo", "Demo"), ("rlbench.backend.observation", "Observation")):
        made[name] = type(name, (), {"__module__": module})
        monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**{name: made[name]}))
        for parent in ("rlbench", "rlbench.backend"):
            monkeypatch.setitem(sys.modules, parent, types.SimpleNamespace())
    return made


def observations(classes, change=lambda t, o: None):
    found = []
    mirror = np.diag([-1.0, -1.0, 1.0])
    for t in range(FRAMES):
        entry = classes["Observation"]()
        entry.gripper_pose = EPISODE.poses[t].copy()
        entry.gripper_open = float(EPISODE.openness[t])
        entry.joint_positions = np.arange(7, dtype=np.float32)
        entry.front_rgb = None
        entry.misc = {"variation_index": np.int64(3)}
        for name, K, E in (
            ("front", EPISODE.K[0], EPISODE.world_from_camera[0]),
            ("wrist", EPISODE.K[1], WRIST[t]),
        ):
            entry.misc[f"{name}_camera_intrinsics"] = K @ mirror
            E = E.copy()
            E[:3, :2] *= -1
            entry.misc[f"{name}_camera_extrinsics"] = E
            entry.misc[f"{name}_camera_near"] = 0.01
        change(t, entry)
        found.append(entry)
    return found


def save(root, classes, number=0, protocol=4, change=lambda t, o: None, variation="variation0"):
    folder = root / "pick_up_cup" / variation / "episodes" / f"episode{number}"
    for view, camera in enumerate(("front", "wrist")):
        (folder / f"{camera}_rgb").mkdir(parents=True)
        (folder / f"{camera}_depth").mkdir()
        for t in range(FRAMES):
            cv2.imwrite(str(folder / f"{camera}_rgb" / f"{t}.png"), EPISODE.images[view, t, :, :, ::-1])
    demo = classes["Demo"]()
    demo._observations, demo.random_seed = observations(classes, change), ("MT19937", np.arange(3, dtype=np.uint32), 1)
    (folder / "low_dim_obs.pkl").write_bytes(pickle.dumps(demo, protocol=protocol))
    (folder / "variation_number.pkl").write_bytes(pickle.dumps(0))
    descriptions = folder.parents[1] if variation != "all_variations" else folder
    (descriptions / "variation_descriptions.pkl").write_bytes(pickle.dumps(["pick up the cup", "grasp the cup"]))
    return folder


def read(path, **options):
    chosen = Options(**options)
    found = [entry for item in recognise(path).items(path, chosen) for entry in loaded(item, chosen)]
    return [e for e in found if not isinstance(e, Remark)], [e.text for e in found if isinstance(e, Remark)]


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_stock_episode_is_read(tmp_path, classes, protocol):
    save(tmp_path, classes, protocol=protocol)
    [found], texts = read(tmp_path)
    assert not texts and (found.task, found.instruction, found.dt) == ("pick_up_cup", "pick up the cup", 0.05)
    assert found.camera_names == ("front", "wrist") and found.still_views() == [0]
    np.testing.assert_array_equal(found.images, EPISODE.images)
    np.testing.assert_allclose(found.poses, EPISODE.poses, atol=1e-12)
    np.testing.assert_array_equal(found.openness, EPISODE.openness)
    np.testing.assert_allclose(found.K, EPISODE.K, atol=1e-9)
    np.testing.assert_allclose(found.world_from_camera[0, 0], EPISODE.world_from_camera[0], atol=1e-9)
    np.testing.assert_allclose(found.world_from_camera[1], WRIST, atol=1e-9)


def test_every_fourth_frame_one_camera_another_size(tmp_path, classes):
    save(tmp_path, classes, variation="all_variations")
    [found], _ = read(tmp_path, dt=0.2, size=(12, 16), setup={"cameras": ("front",)})
    assert found.images.shape == (1, 3, 12, 16, 3) and found.dt == pytest.approx(0.2)
    np.testing.assert_allclose(found.poses, EPISODE.poses[::4], atol=1e-12)
    assert found.K[0, 0, 0] == pytest.approx(EPISODE.K[0, 0, 0] / 2)


def spoilt_png(folder):
    (folder / "front_rgb" / "3.png").write_bytes(b"torn")


def missing_png(folder):
    (folder / "wrist_rgb" / "8.png").unlink()


def shifted_pngs(folder):
    """One is lost and one too many at the end: the count is right."""
    (folder / "wrist_rgb" / "3.png").rename(folder / "wrist_rgb" / "9.png")


def deep_png(folder):
    cv2.imwrite(str(folder / "wrist_rgb" / "3.png"), np.zeros((*EPISODE.images.shape[2:4], 3), np.uint16))


def half_pickle(folder):
    file = folder / "low_dim_obs.pkl"
    file.write_bytes(file.read_bytes()[:900])


@pytest.mark.parametrize(
    "spoil, words",
    [
        (spoilt_png, "3.png"),
        (missing_png, "8 pictures"),
        (shifted_pngs, "no 3.png"),
        (deep_png, "deeper than 8 bits"),
        (half_pickle, "low_dim_obs.pkl"),
    ],
)
def test_a_bad_episode_is_named_and_the_next_one_read(tmp_path, classes, spoil, words):
    spoil(save(tmp_path, classes))
    save(tmp_path, classes, number=1)
    [found], [text] = read(tmp_path)
    assert words in text and found.seed == 1


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t, o: o.misc.pop("wrist_camera_intrinsics"), "wrist_camera_intrinsics"),
        (lambda t, o: setattr(o, "gripper_pose", o.gripper_pose * np.nan), "finite"),
        (lambda t, o: setattr(o, "gripper_pose", np.r_[1000 * o.gripper_pose[:3], o.gripper_pose[3:]]), "millimetres"),
        (lambda t, o: setattr(o, "gripper_open", 0.08 * o.gripper_open), "--gripper"),
        (lambda t, o: delattr(o, "gripper_open"), "gripper_open"),
    ],
)
def test_what_observations_lack_is_named(tmp_path, classes, change, words):
    save(tmp_path, classes, change=change)
    found, [text] = read(tmp_path)
    assert not found and words in text


def test_a_picture_of_another_size_is_named_whatever_size_is_wanted(tmp_path, classes):
    folder = save(tmp_path, classes)
    cv2.imwrite(str(folder / "wrist_rgb" / "3.png"), np.zeros((48, 64, 3), np.uint8))
    [item] = recognise(tmp_path).items(tmp_path, Options(size=(16, 16)))
    [found] = loaded(item, Options(size=(16, 16)))
    assert isinstance(found, Remark) and "another size" in found.text


class Evil:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_the_pickle_is_executed(tmp_path, protocol):
    for number, content in enumerate(
        ([Evil(tmp_path / "made")], {"x": Evil(tmp_path / "made")}, Evil(tmp_path / "made"))
    ):
        file = tmp_path / f"{number}.pkl"
        file.write_bytes(pickle.dumps(content, protocol=protocol))
        with pytest.raises(ValueError, match="nothing is executed"):
            read_demo(file)
    assert not (tmp_path / "made").exists()


def test_object_arrays_and_other_things_are_refused(tmp_path):
    for number, content in enumerate((np.array([{}], dtype=object), 3, [1, 2], b"x")):
        file = tmp_path / f"{number}.pkl"
        file.write_bytes(pickle.dumps(content))
        with pytest.raises(ValueError, match=f"{number}.pkl"):
            read_demo(file)
