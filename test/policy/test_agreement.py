"""The number says how far the arm in the video is from the arm in the action images."""

from types import SimpleNamespace

import numpy as np
import pytest

from action_images_ros.codec.encode import encode
from action_images_ros.geometry.camera import Camera
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.policy.agreement import video_agreement
from action_images_ros.policy.observation import Observation
from action_images_ros.policy.prediction import Prediction

FRAMES, SIZE = 4, (64, 64)
K, E = Camera.stack([Camera.looking_at(eye, (0.5, 0.0, 0.2), SIZE) for eye in ([1.3, 0.5, 0.7], [1.3, -0.5, 0.8])])


class Reader:
    """Reads a video that consists of action images: what it sees is what it says."""

    card = SimpleNamespace(frames=FRAMES, name="reader")

    def label(self, clips, *, steps=1, seed=0):
        assert clips.images.shape[:3] == (1, 2, FRAMES) and clips.poses.shape == (1, 1, 7)
        return clips.images


def poses(shift=0.0):
    path = np.tile([0.5, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0], (FRAMES, 1))
    path[:, 1] = np.linspace(-0.05, 0.05, FRAMES)
    path[:, 0] += shift * np.arange(FRAMES)
    return path


def drawn(path):
    images = encode(matrix_from_pose7(path), np.ones(FRAMES), K, E, SIZE).images
    return np.round(255 * images).astype(np.uint8)


@pytest.fixture(scope="module")
def observation():
    return Observation(1, ("a", "b"), drawn(poses())[:, 0], K, E, poses()[0], 1.0, "push")


def predicted(video):
    return Prediction(
        stamp_ns=1, dt=0.2, camera_names=("a", "b"), K=K, world_from_camera=E, action_images=drawn(poses()), video=video
    )


def test_a_video_of_the_same_motion_agrees(observation):
    agreement = video_agreement(Reader(), predicted(drawn(poses())), observation)
    assert agreement.distances_m.shape == (FRAMES,) and np.isnan(agreement.distances_m[0])
    assert agreement.median_m < 1e-3


def test_a_video_of_another_motion_is_as_far_away_as_it_is(observation):
    agreement = video_agreement(Reader(), predicted(drawn(poses(shift=0.01))), observation)
    np.testing.assert_allclose(agreement.distances_m[1:], [0.01, 0.02, 0.03], atol=2e-3)
    assert agreement.median_m == pytest.approx(0.02, abs=2e-3)


def test_frames_that_cannot_be_read_count_for_nothing(observation):
    video = drawn(poses())
    video[:, 2:] = 0
    agreement = video_agreement(Reader(), predicted(video), observation)
    assert np.isfinite(agreement.distances_m).tolist() == [False, True, False, False]
    video[:] = 0
    assert np.isnan(video_agreement(Reader(), predicted(video), observation).median_m)


def test_without_a_video_or_with_another_length_it_is_refused(observation):
    with pytest.raises(ValueError, match="video is None"):
        video_agreement(Reader(), predicted(None), observation)
    longer = SimpleNamespace(card=SimpleNamespace(frames=9, name="long"), label=None)
    with pytest.raises(ValueError, match="4 frames; long reads 9"):
        video_agreement(longer, predicted(drawn(poses())), observation)
