import numpy as np
import pytest
from observations import noise_observation as observation

from action_images_ros.codec.decode import decode
from action_images_ros.world_model.checkpoints import ModelCard
from action_images_ros.world_model.model import WorldModel, load_model


@pytest.fixture(scope="module")
def model(tiny):
    return WorldModel(tiny, ModelCard(name="tiny", image_size=(96, 96), frames=9, dt=0.2))


def test_a_chunk_begins_with_the_observation_itself(model):
    seen = observation()
    prediction = model.predict(seen, video=True)
    assert prediction.stamp_ns == 123 and prediction.camera_names == ("a", "b") and prediction.dt == 0.2
    assert prediction.action_images.shape == prediction.video.shape == (2, 9, 96, 96, 3)
    assert np.array_equal(prediction.video[:, 0], seen.images)
    first = decode(prediction.action_images[:, :1], prediction.K, prediction.world_from_camera)
    assert np.allclose(first.poses[0, :3], seen.tool_pose[:3], atol=1e-3)


def test_stages_are_timed_and_video_only_when_asked_for(model):
    prediction = model.predict(observation())
    assert prediction.video is None
    assert {"text", "encode", "denoise", "paint"} <= set(prediction.stage_seconds)
    assert all(s >= 0 for s in prediction.stage_seconds.values())


def test_the_same_seed_predicts_the_same(model):
    first, again = (model.predict(observation(), mode="joint", seed=4).action_images for _ in range(2))
    assert np.array_equal(first, again)


def test_images_of_another_size_are_refused_with_the_remedy(model):
    with pytest.raises(ValueError, match=r"\(64, 64\).*\(96, 96\).*prepare_image"):
        model.predict(observation(size=(64, 64)))


def test_modes_that_predict_no_action_are_refused(model):
    with pytest.raises(ValueError, match="'video'"):
        model.predict(observation(), mode="video")


def test_an_unknown_model_name_lists_the_known_ones():
    with pytest.raises(FileNotFoundError, match="no_such_model"):
        load_model("no_such_model")


def test_threads_must_be_positive():
    with pytest.raises(ValueError, match="threads = 0"):
        load_model("nano", threads=0)
