"""Pictures become model input without a world point moving in them, and only pictures of one instant."""

import numpy as np
import pytest

from action_images_ros.geometry.camera import intrinsics_from_fovy, project
from action_images_ros.policy.observation import Observation, Synchroniser, observe, prepare_image

E = np.array([[1, 0, 0, 0.1], [0, -1, 0, 0.05], [0, 0, -1, 1.2], [0, 0, 0, 1.0]])
POSE = np.array([0.4, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])


def _good(**changes):
    values = {
        "stamp_ns": 5,
        "camera_names": ("a", "b"),
        "images": np.zeros((2, 8, 8, 3), np.uint8),
        "K": np.stack([intrinsics_from_fovy(50, 8, 8)] * 2),
        "world_from_camera": np.stack([E, E]),
        "tool_pose": POSE,
        "openness": 1.0,
        "instruction": "push the button",
    }
    return Observation(**{**values, **changes})


def _centroid(image):
    weight = image[..., 0].astype(float)
    v, u = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("source", [(480, 640), (640, 480), (360, 360), (97, 131), (50, 61)])
@pytest.mark.parametrize("size", [(96, 96), (96, 128), (128, 72)])
def test_a_world_point_keeps_its_place_in_the_prepared_picture(source, size):
    height, width = source
    K = intrinsics_from_fovy(55, height, width)
    point = np.array([0.13, 0.02, 0.2])
    (u, v), _ = project(point, K, E)
    rows, columns = np.mgrid[:height, :width]
    blob = np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * (0.03 * min(source)) ** 2))
    image = np.repeat(np.round(255 * blob)[..., None], 3, -1).astype(np.uint8)
    picture, prepared_k = prepare_image(image, K, size)
    expected, _ = project(point, prepared_k, E)
    assert picture.shape == (*size, 3)
    np.testing.assert_allclose(_centroid(picture), expected, atol=0.15)


def test_a_picture_of_model_size_is_unchanged_and_not_shared():
    image = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    K = intrinsics_from_fovy(50, 96, 96)
    picture, prepared_k = prepare_image(image, K, (96, 96))
    np.testing.assert_array_equal(picture, image)
    np.testing.assert_array_equal(prepared_k, K)
    assert not np.shares_memory(picture, image)


def test_the_crop_is_the_largest_of_the_models_aspect():
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 50:150] = 255
    picture, _ = prepare_image(image, intrinsics_from_fovy(50, 100, 200), (50, 50))
    assert (picture == 255).all()


def test_shrinking_averages_instead_of_sampling():
    checker = np.indices((64, 64)).sum(0) % 2 * 255
    picture, _ = prepare_image(
        np.repeat(checker[..., None], 3, -1).astype(np.uint8), intrinsics_from_fovy(50, 64, 64), (32, 32)
    )
    assert np.abs(picture.astype(int) - 127.5).max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_a_wrong_picture_is_refused(image):
    with pytest.raises(ValueError, match="uint8 RGB"):
        prepare_image(image, intrinsics_from_fovy(50, 8, 8), (4, 4))


def test_singular_intrinsics_are_refused():
    with pytest.raises(ValueError, match="calibrate"):
        prepare_image(np.zeros((8, 8, 3), np.uint8), np.diag([0.0, 0.0, 1.0]), (4, 4))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"instruction": "  "}, "instruction is empty"),
        ({"tool_pose": np.full(7, np.nan)}, "(?i)nan|finite"),
        ({"tool_pose": np.zeros(7)}, "quaternion"),
        ({"openness": 1.2}, "openness is 1.2"),
        ({"openness": float("nan")}, "openness is nan"),
        ({"K": np.zeros((2, 3, 3))}, "K"),
        ({"K": np.zeros((1, 3, 3))}, "one per camera"),
        ({"images": np.zeros((1, 8, 8, 3), np.uint8)}, "one size for all cameras"),
        ({"camera_names": ("a", "a")}, "every name once"),
    ],
)
def test_a_wrong_observation_is_refused_with_its_name(changes, words):
    with pytest.raises(ValueError, match=words):
        _good(**changes)


def test_negative_focal_lengths_are_normalised_without_moving_a_point():
    point = np.array([0.13, 0.02, 0.2])
    K = intrinsics_from_fovy(50, 120, 160)
    mirrored_k, mirrored_e = K @ np.diag([-1.0, -1, 1]), E @ np.diag([-1.0, -1, 1, 1])
    image = np.zeros((120, 160, 3), np.uint8)
    arguments = {
        "robot_tool_pose": POSE,
        "openness": 0.5,
        "instruction": "reach",
        "size": (96, 96),
        "robot_tool_from_model_tool": np.eye(3),
    }
    plain = observe(1, {"a": image}, {"a": K}, {"a": E}, **arguments)
    negative = observe(1, {"a": image}, {"a": mirrored_k}, {"a": mirrored_e}, **arguments)
    assert (np.diagonal(negative.K[0]) > 0).all()
    np.testing.assert_allclose(
        project(point, negative.K[0], negative.world_from_camera[0])[0],
        project(point, plain.K[0], plain.world_from_camera[0])[0],
    )


def test_one_negative_focal_length_is_refused_and_the_camera_named():
    with pytest.raises(ValueError, match="camera 'left'.*only one is negative"):
        observe(
            1,
            {"left": np.zeros((8, 8, 3), np.uint8)},
            {"left": np.diag([-9.0, 9, 1])},
            {"left": E},
            POSE,
            1.0,
            "reach",
            size=(8, 8),
            robot_tool_from_model_tool=np.eye(3),
        )


def test_the_observation_holds_the_models_tool_frame():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    seen = observe(
        1,
        {"a": np.zeros((8, 8, 3), np.uint8)},
        {"a": intrinsics_from_fovy(50, 8, 8)},
        {"a": E},
        np.array([0.4, 0, 0.3, 0, 0, 0, 1.0]),
        1.0,
        "reach",
        size=(8, 8),
        robot_tool_from_model_tool=quarter,
    )
    np.testing.assert_allclose(np.abs(seen.tool_pose[3:]), [0, 0, np.sqrt(0.5), np.sqrt(0.5)], atol=1e-12)


MS = 1_000_000


def test_a_set_is_complete_when_every_camera_has_an_item_within_slop():
    sync = Synchroniser(["a", "b"], slop_s=0.02)
    assert sync.add("a", 100 * MS, "a100") is None
    assert sync.add("b", 110 * MS, "b110") == (110 * MS, {"a": "a100", "b": "b110"})


def test_items_further_apart_than_slop_are_never_joined():
    sync = Synchroniser(["a", "b"], slop_s=0.02)
    assert all(
        sync.add(name, stamp * MS, None) is None
        for stamp in range(0, 1000, 100)
        for name, stamp in (("a", stamp), ("b", stamp + 50))
    )
    assert sync.spread() == pytest.approx(0.05)


def test_an_item_is_used_once():
    sync = Synchroniser(["a", "b"], slop_s=0.02)
    sync.add("a", 100 * MS, None)
    assert sync.add("b", 100 * MS, None)
    assert sync.add("b", 110 * MS, None) is None


def test_the_nearest_item_is_chosen():
    sync = Synchroniser(["a", "b"], slop_s=0.05)
    for stamp in (70, 100, 130):
        sync.add("a", stamp * MS, stamp)
    assert sync.add("b", 104 * MS, "b")[1]["a"] == 100


def test_a_jump_back_in_time_forgets_what_came_before():
    sync = Synchroniser(["a", "b"], slop_s=0.02)
    sync.add("a", 9000 * MS, "old")
    sync.add("b", 8000 * MS, "old")
    assert sync.add("a", 10 * MS, "new") is None
    assert sync.add("b", 10 * MS, "new") == (10 * MS, {"a": "new", "b": "new"})


def test_missing_and_stale_cameras_are_named():
    sync = Synchroniser(["a", "b", "c"], slop_s=0.02)
    sync.add("a", 0, None)
    sync.add("b", 900 * MS, None)
    assert sync.missing() == ["c"]
    assert sync.stale(1000 * MS, 0.5) == {"a": pytest.approx(1.0)}
    assert sync.spread() is None


def test_an_unknown_camera_is_refused_with_the_valid_names():
    with pytest.raises(KeyError, match="wrist.*'a', 'b'"):
        Synchroniser(["a", "b"], 0.1).add("wrist", 0, None)
