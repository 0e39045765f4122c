"""Drawing actions: agreement with the published pictures, and what is drawn at the margins."""

from pathlib import Path

import numpy as np
import pytest

from action_images_ros.codec.encode import ActionImages, action_points, blob_sigma, draw, encode, to_uint8
from action_images_ros.codec.synthetic import random_rig
from action_images_ros.geometry.pose import matrix_from_action, matrix_from_pose7

DATA = Path(__file__).parents[1] / "data"


def test_pixels_and_pictures_agree_with_the_published_ones():
    with np.load(DATA / "golden_encode.npz") as golden:
        cases = sorted({name[:3] for name in golden.files})
        assert any((golden[f"{case}_K"][:, 0, 0] < 0).all() for case in cases), "a case with negative focal lengths"
        for case in cases:
            images = golden[f"{case}_images"]
            drawn = encode(
                *matrix_from_action(golden[f"{case}_actions"]),
                golden[f"{case}_K"],
                golden[f"{case}_E"],
                images.shape[2:4],
            )
            np.testing.assert_allclose(drawn.uv, golden[f"{case}_uv"], atol=1e-6)
            assert np.abs(to_uint8(drawn.images).astype(int) - images).max() <= 1


def test_points_stand_a_tenth_of_a_metre_from_the_tool():
    matrix = matrix_from_pose7([0.4, 0.1, 0.2, 0, 0, np.sin(0.4), np.cos(0.4)])
    position, along_x, behind = action_points(matrix)
    np.testing.assert_allclose(position, [0.4, 0.1, 0.2])
    np.testing.assert_allclose(along_x - position, 0.1 * matrix[:3, 0])
    np.testing.assert_allclose(behind - position, -0.1 * matrix[:3, 2])


@pytest.mark.parametrize("views", [1, 2, 4])
@pytest.mark.parametrize("size", [(64, 64), (96, 160), (160, 96)])
def test_any_number_of_views_and_any_size_are_drawn(views, size):
    K, E = random_rig(np.random.default_rng(0), views, size)
    pose = np.tile(matrix_from_pose7([0.45, 0, 0.15, 0, 0, 0, 1]), (3, 1, 1))
    drawn = encode(pose, np.array([0, 1, 0.5]), K, E, size)
    assert isinstance(drawn, ActionImages)
    assert drawn.uv.shape == (views, 3, 3, 2)
    assert drawn.images.shape == (views, 3, *size, 3) and drawn.images.dtype == np.float32
    assert (drawn.images[:, :, 0, 0, 2] == [0, 0.25, 0]).all()  # openness 0.5 counts as closed


def test_drawn_gaussians_have_their_peak_and_width_at_the_point():
    size = (128, 160)
    red = draw(np.array([[40.25, 60.75], [100, 30], [80, 90]]), 1.0, size)[..., 0].astype(float)
    y, x = np.mgrid[:128, :160]
    assert (red * x).sum() / red.sum() == pytest.approx(40.25, abs=1e-3)
    assert (red * y).sum() / red.sum() == pytest.approx(60.75, abs=1e-3)
    assert (red * (x - 40.25) ** 2).sum() / red.sum() == pytest.approx(blob_sigma(size) ** 2, rel=1e-3)


def test_a_point_behind_the_camera_is_not_drawn():
    K, E = np.array([[[60.0, 0, 32], [0, 60.0, 32], [0, 0, 1]]]), np.eye(4)[None]
    drawn = encode(matrix_from_pose7([[0, 0, -1.0, 0, 0, 0, 1]]), [0.0], K, E, (64, 64))
    assert np.isnan(drawn.uv).all()
    assert drawn.images.max() == 0.0


def test_drawing_many_frames_equals_drawing_each():
    rng = np.random.default_rng(1)
    uv, openness = rng.uniform(0, 64, (50, 3, 2)), rng.integers(0, 2, 50)
    together = draw(uv, openness, (64, 64))
    for index in (0, 17, 49):
        np.testing.assert_array_equal(together[index], draw(uv[index], openness[index], (64, 64)))


def test_rounding_to_eight_bits_clips_and_rounds():
    assert to_uint8(np.array([-0.1, 0.0, 0.5, 1.0, 1.2])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": (0, 64)}, "size"),
        ({"size": (64.5, 64)}, "size"),
        ({"size": 64}, "size"),
        ({"openness": np.zeros(2)}, "openness"),
        ({"world_from_tool": np.full((1, 4, 4), np.nan)}, "nan"),
        ({"world_from_tool": np.eye(4)}, "world_from_tool"),
        ({"K": np.zeros((1, 3, 3))}, "K"),
        ({"E": np.zeros((1, 4, 4))}, "E"),
        ({"K": np.tile(np.diag([50.0, 50.0, 1.0]), (2, 1, 1))}, "one matrix per camera"),
    ],
)
def test_impossible_input_is_refused(change, words):
    arguments = {
        "world_from_tool": np.eye(4)[None],
        "openness": np.zeros(1),
        "K": np.diag([50.0, 50.0, 1.0])[None],
        "E": np.eye(4)[None],
        "size": (64, 64),
    } | change
    with pytest.raises(ValueError, match=words):
        encode(**arguments)
