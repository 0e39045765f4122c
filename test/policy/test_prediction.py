"""A prediction holds action images or poses, and says what is wrong with them."""

import numpy as np
import pytest
from observations import noise_observation

from action_images_ros.policy.card import ModelCard
from action_images_ros.policy.decoding import chunk_from_prediction
from action_images_ros.policy.prediction import Prediction
from action_images_ros.policy.protocol import check_prediction

SIZE = (96, 96)
SEEN = noise_observation(SIZE)
POSES = np.tile(SEEN.tool_pose, (5, 1))
SURE = {"sigma_position_m": 0.01, "sigma_rotation_rad": 0.1}
CARD = ModelCard("own", SIZE, 5, 0.2, output="poses")


def _poses(poses=POSES, openness=(1.0,) * 5, **options):
    return Prediction.from_poses(SEEN, 0.2, poses, openness, **{**SURE, **options})


def test_poses_become_a_chunk_in_the_robots_tool_frame():
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    chunk = chunk_from_prediction(_poses(sigma_position_m=[0.01, 0.02, 0.03, 0.04, 0.05]), turn)
    assert chunk.stamp_ns == SEEN.stamp_ns and chunk.valid.all()
    np.testing.assert_allclose(chunk.sigma_position, [0.01, 0.02, 0.03, 0.04, 0.05])
    np.testing.assert_allclose(chunk.sigma_rotation, 0.1)
    np.testing.assert_allclose(chunk.poses[:, :3], POSES[:, :3])
    assert abs(chunk.poses[0, 3:] @ POSES[0, 3:]) == pytest.approx(np.cos(np.pi / 4))


def test_a_frame_marked_not_valid_may_be_unknown():
    poses = POSES.copy()
    poses[3] = np.nan
    assert chunk_from_prediction(_poses(poses, valid=[1, 1, 1, 0, 1]), np.eye(3)).valid.tolist() == [1, 1, 1, 0, 1]


WRONG = {
    "poses": [{"poses": POSES[:, :6]}, {"poses": POSES * np.nan}, {"poses": POSES * [1, 1, 1, 2, 2, 2, 2]},
              {"poses": POSES * [1, 1, 1, 0, 0, 0, 0]}, {"poses": POSES[:1]}],
    "openness": [{"openness": [1.0] * 4}, {"openness": [1.5] * 5}, {"openness": [float("nan")] * 5}],
    "sigma_position_m": [{"sigma_position_m": -1.0}, {"sigma_position_m": float("nan")}, {"sigma_position_m": [1, 2]}],
    "sigma_rotation_rad": [{"sigma_rotation_rad": float("inf")}],
    "valid": [{"valid": [True] * 4}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, many in WRONG.items() for o in many])
def test_what_is_wrong_with_poses_is_named(name, options):
    with pytest.raises(ValueError, match=f"^{name}"):
        _poses(**options)


WRONG_IMAGES = [
    np.zeros((2, 5, 96, 96, 3)),
    np.zeros((1, 5, 96, 96, 3), np.uint8),
    np.zeros((2, 96, 96, 3), np.uint8),
    np.zeros((2, 0, 96, 96, 3), np.uint8),
]


@pytest.mark.parametrize("images", WRONG_IMAGES)
def test_what_is_wrong_with_images_is_named(images):
    with pytest.raises(ValueError, match="action_images is"):
        Prediction.from_images(SEEN, 0.2, images)


def test_a_prediction_is_of_one_kind():
    with pytest.raises(ValueError, match="neither of action_images and actions"):
        Prediction(
            stamp_ns=0, dt=0.2, camera_names=SEEN.camera_names, K=SEEN.K, world_from_camera=SEEN.world_from_camera
        )


def test_an_answer_must_fit_the_observation_and_the_card():
    good = _poses()
    assert check_prediction(good, SEEN, CARD) is good
    images = Prediction.from_images(SEEN, 0.2, np.zeros((2, 5, 96, 96, 3), np.uint8))
    other = noise_observation(SIZE, seed=1)
    object.__setattr__(other, "stamp_ns", SEEN.stamp_ns + 1)
    for field, answer, seen, card in (
        ("stamp_ns", good, other, CARD),
        ("dt", Prediction.from_poses(SEEN, 0.1, POSES, [1.0] * 5, **SURE), SEEN, CARD),
        ("output", images, SEEN, CARD),
        ("frames", good, SEEN, ModelCard("own", SIZE, 4, 0.2, output="poses")),
        ("predict", {"poses": POSES}, SEEN, CARD),
        ("image_size", images, SEEN, ModelCard("own", (96, 128), 5, 0.2)),
    ):
        with pytest.raises(ValueError, match=field):
            check_prediction(answer, seen, card)
