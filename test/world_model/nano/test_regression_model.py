from types import SimpleNamespace

import numpy as np
import pytest
import torch
from cameras import in_front

from action_images_ros.codec.decode import decode
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.policy.observation import Observation
from action_images_ros.policy.protocol import Generates, Labels, PaintsVideo, Policy, Sampled, Subscribes, require
from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.nano.checkpoints import ModelCard, load_denoiser, load_network, save_model
from action_images_ros.world_model.nano.regression_model import RegressionModel
from action_images_ros.world_model.nano.regressor import PoseRegressor

CARD = ModelCard(name="control", image_size=(96, 96), frames=9, dt=0.2)


def observation(size=(96, 96)):
    rng = np.random.default_rng(0)
    return Observation(
        stamp_ns=123,
        camera_names=("a", "b"),
        images=rng.integers(0, 255, (2, *size, 3), dtype=np.uint8),
        K=np.stack([intrinsics_from_fovy(50, *size)] * 2),
        world_from_camera=np.stack([in_front(-0.5), in_front(0.5)]),
        tool_pose=np.array([0.5, 0.0, 0.2, 1.0, 0, 0, 0]),
        openness=1.0,
        instruction="reach the red ball",
    )


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PoseRegressor(
        width=24, layers=1, heads=2, quarter_channels=8, eighth_channels=8, condition=16, frames=9, head_channels=16
    )


@pytest.fixture
def moving(network, monkeypatch):
    """A control whose raw output says: 1 cm up per frame, closed from frame 5 on."""
    raw = torch.zeros(1, 8, 10)
    raw[0, :, 2] = 0.1 * torch.arange(1, 9)
    raw[0, :, 9] = torch.where(torch.arange(1, 9) < 5, 4.0, -4.0)
    monkeypatch.setattr(network, "forward", lambda *_: raw)
    return RegressionModel(network, CARD)


def test_what_is_regressed_is_what_the_decoder_reads(moving):
    prediction = moving.predict(observation())
    assert prediction.stamp_ns == 123 and prediction.dt == 0.2 and prediction.video is None
    assert prediction.action_images.shape == (2, 9, 96, 96, 3) and prediction.action_images.dtype == np.uint8
    decoded = decode(prediction.action_images, prediction.K, prediction.world_from_camera)
    assert decoded.valid.all()
    expected = np.tile([0.5, 0.0, 0.2], (9, 1)) + np.outer(np.arange(9), [0, 0, 0.01])
    np.testing.assert_allclose(decoded.poses[:, :3], expected, atol=2e-4)
    assert (decoded.openness > 0.5).tolist() == [True] * 5 + [False] * 4


def test_a_saved_control_is_recognised_and_computes_the_same(tmp_path, network):
    save_model(tmp_path, network, CARD)
    loaded = load_policy(str(tmp_path), threads=1)
    assert isinstance(loaded, RegressionModel) and isinstance(load_network(tmp_path), PoseRegressor)
    with pytest.raises(ValueError, match="PoseRegressor"):
        load_denoiser(tmp_path)
    expected = RegressionModel(network, CARD).predict(observation()).action_images
    np.testing.assert_array_equal(loaded.predict(observation(), seed=5).action_images, expected)


def test_what_it_cannot_do_is_refused_in_words(network):
    model = RegressionModel(network, CARD)
    assert isinstance(model, Policy)
    for ability in (PaintsVideo, Labels, Generates, Sampled, Subscribes):
        assert not isinstance(model, ability)
    with pytest.raises(ValueError, match="control.*label recordings"):
        require(model, Labels, "label recordings")
    with pytest.raises(ValueError, match=r"\(64, 64\).*\(96, 96\).*prepare_image"):
        model.predict(observation(size=(64, 64)))


def test_a_card_of_other_chunks_is_refused(network):
    with pytest.raises(ValueError, match="frames = 13.*for 9"):
        RegressionModel(network, SimpleNamespace(frames=13))
