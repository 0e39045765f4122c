from dataclasses import replace

import numpy as np
import pytest
import torch
from wan_folder import FRAMES, SIZE

from action_images_ros.codec.decode import decode
from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.policy.clips import Clips
from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.wan.conventions import camera_pictures
from action_images_ros.world_model.wan.model import WanWorldModel

PICTURES = (2, FRAMES, *SIZE, 3)


def clip(seen, seed=1):
    """Images, cameras, words, poses and opennesses of T frames that begin with an observation."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, PICTURES, dtype=np.uint8)
    images[:, 0] = seen.images
    poses = np.repeat(seen.tool_pose[None], FRAMES, axis=0)
    poses[:, 0] += np.linspace(0, 0.1, FRAMES)
    return images, seen.K, seen.world_from_camera, seen.instruction, poses, np.ones(FRAMES)


def test_a_chunk_begins_with_the_observation_itself(wan, observe):
    seen = observe()
    prediction = wan.predict(seen, video=True)
    assert prediction.stamp_ns == 7 and prediction.camera_names == ("a", "b") and prediction.dt == 0.2
    assert prediction.action_images.shape == prediction.video.shape == PICTURES
    assert np.array_equal(prediction.video[:, 0], seen.images)
    drawn = encode(matrix_from_pose7(seen.tool_pose)[None], np.ones(1), seen.K, seen.world_from_camera, SIZE).images
    assert np.array_equal(prediction.action_images[:, :1], to_uint8(drawn))
    first = decode(prediction.action_images[:, :1], prediction.K, prediction.world_from_camera)
    assert np.allclose(first.poses[0, :3], seen.tool_pose[:3], atol=0.01)


@pytest.mark.parametrize("mode, video", [("policy", False), ("joint", True), ("joint", False)])
def test_stages_and_steps_are_timed_and_video_comes_only_when_asked_for(wan, observe, mode, video):
    prediction = wan.predict(observe(), mode=mode, video=video, steps=3)
    assert (prediction.video is not None) == video
    assert list(prediction.stage_seconds) == ["text", "encode", "denoise", "decode"] + ["video"] * video
    assert len(prediction.step_seconds) == 3
    assert sum(prediction.step_seconds) == pytest.approx(prediction.stage_seconds["denoise"])


def test_the_same_seed_predicts_the_same_and_another_does_not(wan, observe):
    first, again, other = (wan.predict(observe(), mode="joint", seed=s).action_images for s in (4, 4, 5))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    "mode, makes",
    [
        ("joint", (True, True)),
        ("policy", (False, True)),
        ("label", (False, True)),
        ("world", (True, False)),
        ("video", (True, False)),
    ],
)
def test_every_mode_generates_what_it_should_and_keeps_what_is_known(wan, observe, mode, makes):
    seen = observe()
    images, K, E, words, poses, openness = clip(seen)
    video, action = wan.paint(mode, images, K, E, words, poses, openness)
    assert (video is not None, action is not None) == makes
    if video is not None:
        assert video.shape == PICTURES and np.array_equal(video[:, 0], images[:, 0])
    if action is not None:
        drawn = encode(matrix_from_pose7(poses[:1]), openness[:1], K, E, SIZE).images
        assert action.shape == PICTURES and np.array_equal(action[:, :1], to_uint8(drawn))


def test_label_mode_reads_the_clip_and_can_do_without_the_pose(wan, observe):
    images, K, E, words, *_ = clip(observe())
    _, first = wan.paint("label", images, K, E, words)
    images[:, -1] = 255 - images[:, -1]
    _, other = wan.paint("label", images, K, E, words)
    assert not np.array_equal(first, other)


def test_world_mode_reads_the_actions(wan, observe):
    args = clip(observe())
    first, _ = wan.paint("world", *args)
    args[4][1:, 1] += 0.2
    assert not np.array_equal(first, wan.paint("world", *args)[0])


def test_the_denoiser_sees_the_canvas_the_cameras_and_both_texts_as_published(wan, observe, monkeypatch):
    """Known latents, camera latents along the canvas, timesteps and texts, taken from the calls of one prediction."""
    calls = []

    def spy(x, now, text, camera):
        calls.append((x, float(now), text, camera))
        return torch.zeros_like(x)

    monkeypatch.setattr(wan.denoiser, "forward", spy)
    seen = observe()
    wan.predict(seen, mode="policy", steps=2)
    canvas = build_canvas("policy", 2, FRAMES)
    assert [now for _, now, *_ in calls] == pytest.approx([1000, 1000, 2500 / 3, 2500 / 3])
    words = wan.text.encode("lift the red block")
    assert [torch.equal(text, words) for _, _, text, _ in calls] == [True, False] * 2
    assert torch.equal(calls[1][2], wan.text.encode(""))
    x, _, _, camera = calls[-1]
    assert x.shape == (1, 4, canvas.length, 2, 4) and camera.shape == (1, canvas.length, 8, 2, 4)
    images = torch.from_numpy(seen.images).float()[:, None] / 127.5 - 1
    with torch.inference_mode():
        video = wan.autoencoder.encode(images)
        rays = torch.from_numpy(camera_pictures(seen.K, seen.world_from_camera, SIZE))
        directions, moments = (wan.autoencoder.encode(r[:, None].expand(-1, FRAMES, -1, -1, -1)) for r in rays)
    for view in range(2):
        assert torch.allclose(x[0, :, canvas.index(view, 0, 0)], video[view, 0], atol=1e-5)
        for modality, time in ((0, 0), (1, 0), (1, 1)):
            told = camera[0, canvas.index(view, modality, time)]
            assert torch.allclose(told, torch.cat([directions[view, time], moments[view, time]]), atol=1e-5)


def test_guidance_off_asks_the_denoiser_once_per_step(wan, observe, monkeypatch):
    calls = []
    monkeypatch.setattr(wan.denoiser, "forward", lambda x, *_: calls.append(1) or torch.zeros_like(x))
    off = WanWorldModel(wan.denoiser, wan.autoencoder, wan.text, wan.card, replace(wan.settings, guidance=1))
    off.predict(observe(), steps=2)
    assert len(calls) == 2


def test_half_precision_runs_from_end_to_end(wan_parts, observe):
    from action_images_ros.world_model.wan.load import load_wan

    model = load_wan(wan_parts, {"dtype": "bfloat16"})
    assert model.predict(observe(), mode="joint", video=True).video.shape == PICTURES


def test_cameras_are_encoded_anew_only_when_they_move(wan, observe, monkeypatch):
    seen = observe()
    wan.predict(seen, steps=1)
    encoded = []
    encode_segments = wan.autoencoder.encode
    monkeypatch.setattr(wan.autoencoder, "encode", lambda x: encoded.append(x.shape[1]) or encode_segments(x))
    wan.predict(seen, steps=1)
    assert encoded == [1, 1]  # the observation, the action image
    encoded.clear()
    moved = seen.world_from_camera.copy()
    moved[1, 0, 3] += 0.1
    wan.predict(replace(seen, world_from_camera=moved), steps=1)
    assert sorted(encoded) == [1, 1, FRAMES, FRAMES]


def test_the_wrong_size_number_of_views_or_mode_is_refused_with_the_remedy(wan, observe):
    with pytest.raises(ValueError, match=r"\(64, 64\).*\(32, 64\).*prepare_image"):
        wan.predict(observe(size=(64, 64)))
    with pytest.raises(ValueError, match="exactly 2 views"):
        wan.predict(observe(views=3))
    with pytest.raises(ValueError, match="'label'.*paint"):
        wan.predict(observe(), mode="label")


def test_what_a_mode_lacks_is_told(wan, observe):
    images, K, E, words, poses, openness = clip(observe())
    with pytest.raises(ValueError, match="label mode reads 5"):
        wan.paint("label", images[:, :2], K, E, words)
    with pytest.raises(ValueError, match="world mode reads 5 poses"):
        wan.paint("world", images, K, E, words, poses[:3], openness[:3])
    with pytest.raises(ValueError, match="policy mode reads 1 pose"):
        wan.paint("policy", images, K, E, words)


def test_an_image_size_the_parts_cannot_take_is_refused(wan):
    with pytest.raises(ValueError, match="multiples of 32"):
        WanWorldModel(wan.denoiser, wan.autoencoder, wan.text, replace(wan.card, image_size=(48, 64)), wan.settings)


@pytest.mark.parametrize("mode", ["joint", "label", "video"])
def test_many_clips_are_painted_as_each_alone(wan, observe, mode):
    images, K, E, words, poses, openness = (
        np.stack([a, b]) for a, b in zip(clip(observe(seed=1), 1), clip(observe(seed=2), 2), strict=True)
    )
    pictures = wan.generate(Clips(images, K, E, [str(w) for w in words], poses, openness), mode, seed=4)
    for i in range(2):
        video, action = wan.paint(mode, images[i], K[i], E[i], str(words[i]), poses[i], openness[i], seed=4 + i)
        for kind, alone in ((pictures.video, video), (pictures.action_images, action)):
            assert (kind is None) == (alone is None) and (alone is None or np.array_equal(kind[i], alone))


@pytest.fixture
def fast(wan):
    """The tiny model with other settings."""

    def make(**settings):
        card = replace(wan.card, frames=settings.pop("frames", FRAMES))
        return WanWorldModel(wan.denoiser, wan.autoencoder, wan.text, card, replace(wan.settings, **settings))

    return make


def test_the_head_of_a_chunk_decoded_alone_is_the_head_of_the_chunk_and_complete_gives_the_rest(fast, observe):
    whole = fast(frames=13, steps=1).predict(observe(), mode="joint", video=True, seed=3)
    model = fast(frames=13, steps=1, frames_first=5, canvas="joint")
    head = model.predict(observe(), seed=3)
    assert head.action_images.shape[1] == 5 and head.video is None
    assert np.abs(head.action_images.astype(int) - whole.action_images[:, :5]).max() <= 1
    rest = model.paint_video(model.complete(head))
    assert np.abs(rest.action_images.astype(int) - whole.action_images).max() <= 1
    assert np.abs(rest.video.astype(int) - whole.video).max() <= 1
    assert {"denoise", "decode", "decode_rest", "video"} <= set(rest.stage_seconds)


def test_the_video_of_a_policy_prediction_can_be_had_later(fast, observe):
    now = fast().predict(observe(), video=True)
    model = fast()
    chunk = model.predict(observe())
    assert chunk.video is None
    assert np.array_equal(model.paint_video(chunk).video, now.video)
    with pytest.raises(ValueError, match="call predict first"):
        fast().paint_video(chunk)


def test_only_the_latents_that_are_wanted_are_decoded(fast, observe, monkeypatch):
    decoded = []
    model = fast(frames=13, frames_first=5)
    decode_latents = model.autoencoder.decode
    monkeypatch.setattr(model.autoencoder, "decode", lambda x: decoded.append(x.shape[:2]) or decode_latents(x))
    model.predict(observe(), mode="joint")
    assert decoded == [(2, 2)]  # two views' action segments, latents 0 and 1


def test_a_small_decoder_paints_the_action_images_in_place_of_the_autoencoder(wan, observe, monkeypatch):
    from action_images_ros.world_model.wan.action_decoder import ActionDecoder

    model = WanWorldModel(
        wan.denoiser,
        wan.autoencoder,
        wan.text,
        wan.card,
        wan.settings,
        ActionDecoder(latent_channels=4, width=16, blocks=1).eval(),
    )
    monkeypatch.setattr(wan.autoencoder, "decode", lambda x: pytest.fail("the autoencoder decoded"))
    assert model.predict(observe()).action_images.shape == PICTURES


def test_more_frames_first_than_a_chunk_has_are_refused(fast):
    with pytest.raises(ValueError, match="frames_first = 9.*has 5"):
        fast(frames_first=9)
