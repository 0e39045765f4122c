"""From file to file: what was encoded is decoded again, and bad files are refused by name."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.codec.files import decode_file, encode_file
from action_images_ros.codec.synthetic import generate
from action_images_ros.geometry.pose import action_from_matrix, matrix_from_pose7


@pytest.fixture
def good():
    data = generate("clean_64", 4, np.random.default_rng(0))
    return {
        "actions": action_from_matrix(data.world_from_tool, data.openness),
        "K": data.K,
        "E": data.E,
        "size": np.array([96, 128]),
    }, data


def write(path, arrays):
    np.savez(path, **arrays)
    return path


def test_encoded_files_decode_to_the_same_actions(tmp_path, good):
    arrays, data = good
    encode_file(write(tmp_path / "actions.npz", arrays), tmp_path / "images.npz")
    with np.load(tmp_path / "images.npz") as encoded:
        assert encoded["uv"].shape == (2, 4, 3, 2)
        assert encoded["images"].shape == (2, 4, 96, 128, 3) and encoded["images"].dtype == np.uint8
        write(tmp_path / "seen.npz", {"images": encoded["images"], "K": arrays["K"], "E": arrays["E"]})
    decode_file(tmp_path / "seen.npz", tmp_path / "poses.npz")
    with np.load(tmp_path / "poses.npz") as decoded:
        assert decoded["valid"].dtype == bool and decoded["valid"].all()
        assert decoded["covariance"].shape == (4, 6, 6)
        np.testing.assert_allclose(matrix_from_pose7(decoded["poses"]), data.world_from_tool, atol=2e-3)
        np.testing.assert_allclose(decoded["openness"], data.openness, atol=0.02)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"actions": np.full((2, 7), np.nan)}, "actions.*nan"),
        ({"actions": np.zeros((0, 7))}, "actions has shape"),
        ({"actions": np.zeros((2, 8))}, "actions has shape"),
        ({"actions": np.array([["a"] * 7])}, "actions has dtype"),
        ({"actions": np.array([[0, 0, 0, 0, 0, 0, 7.0]])}, "openness.*7"),
        ({"K": np.zeros((2, 3, 3))}, "K.*"),
        ({"K": np.zeros((3, 3))}, "K has shape"),
        ({"E": np.tile(np.eye(4), (3, 1, 1))}, "K holds 2 cameras and E 3"),
        ({"size": np.array([0, 64])}, "size"),
        ({"size": np.array([64])}, "size has shape"),
        ({"size": np.array([np.nan, 64])}, "size"),
        ({"K": np.array([None, 1], dtype=object)}, "plain arrays"),
    ],
)
def test_bad_actions_are_refused_by_name(tmp_path, good, change, words):
    with pytest.raises(ValueError, match=words):
        encode_file(write(tmp_path / "in.npz", good[0] | change), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 1, 64, 64, 3), np.complex64), "images has dtype"),
        (np.zeros((2, 1, 64, 64, 4), np.uint8), "images has shape"),
        (np.full((2, 1, 64, 64, 3), np.nan), "images.*nan"),
    ],
)
def test_bad_pictures_are_refused_by_name(tmp_path, good, images, words):
    arrays, _ = good
    source = write(tmp_path / "in.npz", {"images": images, "K": arrays["K"], "E": arrays["E"]})
    with pytest.raises(ValueError, match=words):
        decode_file(source, tmp_path / "out.npz")


def test_missing_files_and_arrays_are_named(tmp_path, good):
    with pytest.raises(ValueError, match="does not exist"):
        encode_file(tmp_path / "none.npz", tmp_path / "out.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="text.npz"):
        encode_file(tmp_path / "text.npz", tmp_path / "out.npz")
    arrays = {name: value for name, value in good[0].items() if name != "size"}
    with pytest.raises(ValueError, match="but not size"):
        encode_file(write(tmp_path / "in.npz", arrays), tmp_path / "out.npz")


def test_a_camera_that_moves_has_a_pose_per_frame(tmp_path, good):
    """The hand's camera turns and shifts; with its poses per frame the actions come back, with one pose they do not."""
    good, data = good
    frames = len(good["actions"])
    E = np.repeat(np.asarray(good["E"])[:, None], frames, axis=1)
    for t in range(frames):
        turn = Rotation.from_rotvec([0.0, 0.02 * t, 0.03 * t]).as_matrix()
        E[0, t, :3, :3] = E[0, t, :3, :3] @ turn
        E[0, t, :3, 3] += [0.004 * t, 0.0, 0.003 * t]
    np.savez(tmp_path / "in.npz", **(good | {"E": E}))
    images = encode_file(tmp_path / "in.npz", tmp_path / "drawn.npz")["images"]
    errors = {}
    for name, poses in (("moving", E), ("still", E[:, 0])):
        np.savez(tmp_path / "images.npz", images=images, K=good["K"], E=poses)
        found = decode_file(tmp_path / "images.npz", tmp_path / "poses.npz")
        errors[name] = np.linalg.norm(found["poses"][:, :3] - data.world_from_tool[:, :3, 3], axis=1)
        valid = found["valid"]
    np.testing.assert_array_less(errors["moving"], 1e-3)
    assert errors["still"][1:].max() > 0.005 or not valid[1:].all()
    with pytest.raises(ValueError, match="E"):
        np.savez(tmp_path / "in.npz", **(good | {"E": E[:, :1].repeat(frames + 1, axis=1)}))
        encode_file(tmp_path / "in.npz", tmp_path / "drawn.npz")


def test_poses_given_as_actions_are_refused(tmp_path):
    half = np.sqrt(0.5)
    np.savez(
        tmp_path / "in.npz",
        actions=np.array([[0.5, 0.0, 0.3, half, 0.0, 0.0, half], [0.5, 0.0, 0.2, 0.6, 0.0, 0.0, 0.8]]),
        K=np.array([[[60.0, 0, 32], [0, 60, 32], [0, 0, 1]]]),
        E=np.eye(4)[None],
        size=np.array([64, 64]),
    )
    with pytest.raises(ValueError, match="decode"):
        encode_file(tmp_path / "in.npz", tmp_path / "out.npz")
