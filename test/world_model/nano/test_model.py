from dataclasses import replace

import numpy as np
import pytest
from cameras import in_front
from observations import noise_observation as observation

from action_images_ros.codec.decode import decode
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.policy.clips import Clips
from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.nano.checkpoints import ModelCard
from action_images_ros.world_model.nano.model import WorldModel


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
        load_policy("no_such_model")


def test_threads_must_be_positive():
    with pytest.raises(ValueError, match="threads is 0"):
        load_policy("nano", threads=0)


def clips(batch=2, frames=9, poses=9):
    rng = np.random.default_rng(1)
    motion = 0.01 * np.arange(poses)[None, :, None] * np.eye(7)[0]
    return Clips(
        rng.integers(0, 255, (batch, 2, frames, 96, 96, 3), dtype=np.uint8),
        np.tile(intrinsics_from_fovy(50, 96, 96), (batch, 2, 1, 1)),
        np.tile(np.stack([in_front(-0.5), in_front(0.5)]), (batch, 1, 1, 1)),
        ["reach the red ball", "press the button", "lift it"][:batch],
        np.tile(observation().tool_pose, (batch, poses, 1)) + motion,
        np.ones((batch, poses)),
    )


@pytest.mark.parametrize(
    "mode, video, action",
    [
        ("joint", True, True),
        ("policy", False, True),
        ("label", False, True),
        ("world", True, False),
        ("video", True, False),
    ],
)
def test_every_mode_generates_its_own_kind_and_keeps_what_was_given(model, mode, video, action):
    given = clips()
    pictures = model.generate(given, mode)
    assert (pictures.video is not None, pictures.action_images is not None) == (video, action)
    if video:
        assert pictures.video.shape == (2, 2, 9, 96, 96, 3)
        assert np.array_equal(pictures.video[:, :, 0], given.images[:, :, 0])
    if action:
        decoded = decode(pictures.action_images[1][:, :1], given.K[1], given.world_from_camera[1])
        assert np.allclose(decoded.poses[0, :3], given.poses[1, 0, :3], atol=1e-3)


@pytest.mark.parametrize("mode", ["joint", "label", "world"])
def test_a_clip_gives_the_same_alone_and_in_a_batch(model, mode):
    given = clips(3)
    together = model.generate(given, mode, seed=[5, 6, 7])
    alone = model.generate(one(given, 1), mode, seed=6)
    for name in ("video", "action_images"):
        a, b = getattr(together, name), getattr(alone, name)
        if a is not None:
            assert np.abs(a[1].astype(int) - b[0]).max() <= 1


def one(given, i):
    return Clips(*(value[i : i + 1] for value in vars(given).values()))


def test_the_policy_is_the_same_by_observation_and_by_clip(model):
    seen = observation()
    chunk = model.predict(seen, seed=3)
    given = Clips(
        seen.images[None, :, None],
        seen.K[None],
        seen.world_from_camera[None],
        [seen.instruction],
        seen.tool_pose[None, None],
        np.array([[seen.openness]]),
    )
    assert np.array_equal(model.generate(given, "policy", seed=3).action_images[0], chunk.action_images)


def test_label_reads_all_frames_and_world_all_poses(model):
    given = clips(1)
    later = replace(given, images=np.concatenate([given.images[:, :, :1], 255 - given.images[:, :, 1:]], axis=2))
    assert not np.array_equal(*(model.generate(g, "label").action_images for g in (given, later)))
    assert np.array_equal(*(model.generate(g, "joint").action_images for g in (given, later)))
    other = replace(given, poses=given.poses + 0.02 * np.arange(9)[None, :, None] * np.eye(7)[1])
    assert not np.array_equal(*(model.generate(g, "world").video for g in (given, other)))
    assert np.array_equal(*(model.generate(g, "joint").video for g in (given, other)))


def test_without_a_known_pose_the_first_frame_is_read_too(model):
    given = replace(clips(1), poses=None, openness=None)
    known = model.generate(clips(1), "label").action_images
    assert not np.array_equal(model.generate(given, "label").action_images[:, :, 0], known[:, :, 0])
