import numpy as np
import pytest
import torch

from action_images_ros.codec.encode import draw
from action_images_ros.training.batches import BatchMaker, action_images, draw_points
from action_images_ros.training.windows import WindowSampler
from action_images_ros.world_model.canvas import ACTION, MODES, VIDEO, build_canvas
from action_images_ros.world_model.nano import pixel_latents


@pytest.fixture
def maker(episodes, config, encode_text):
    return BatchMaker(WindowSampler(episodes, config), encode_text, config)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_holds_what_the_canvas_asks_for(maker, mode):
    batch = maker.make(0, modes={mode: 1.0}).unpack()
    canvas = batch.canvas
    assert canvas.mode == mode
    assert batch.known.shape == (3, len(canvas.conditioning), 12, 48, 48)
    assert batch.rays.shape == (3, 2, 6, 12, 12)
    for target, modality, side in ((batch.target_video, VIDEO, 48), (batch.target_action, ACTION, 24)):
        wanted = canvas.targets(modality)
        assert (target is None) == (not wanted)
        if wanted:
            assert target.shape == (3, len(wanted), 12, side, side)


def test_known_first_action_frame_is_drawn_at_full_size_and_targets_at_half(episodes, config, encode_text):
    sampler = WindowSampler(episodes, config)
    maker = BatchMaker(sampler, encode_text, config)
    windows = [sampler.cut(1, 0, np.random.default_rng(0), 2, whole=False, augment=False)]
    canvas = build_canvas("policy", 2, 9)
    batch = maker.assemble(windows, canvas)
    drawn = action_images(
        windows[0].poses[None],
        windows[0].openness[None],
        windows[0].K[None],
        windows[0].world_from_camera[None],
        (48, 48),
    )
    whole = pixel_latents.encode(torch.from_numpy(drawn))[0]
    first = canvas.conditioning.index(canvas.index(1, ACTION, 0))
    assert torch.allclose(batch.known[0, first], whole[1, 0], atol=1e-5)
    last = canvas.targets(ACTION).index(canvas.index(1, ACTION, 2))
    halved = torch.nn.functional.avg_pool2d((whole[1, 2] + 1) / 2, 2)
    red_and_green = [c for c in range(12) if c % 3 < 2]  # blue has the pedestal's hard edge
    assert torch.allclose(batch.target_action[0, last][red_and_green], halved[red_and_green], atol=0.05)


def test_blobs_are_drawn_as_the_codec_draws_them():
    rng = np.random.default_rng(0)
    uv = rng.uniform(-10, 70, (4, 5, 3, 2)).astype(np.float32)
    uv[0, 0, 1] = np.nan
    openness = rng.integers(0, 2, (4, 5)).astype(np.float32)
    drawn = draw_points(torch.from_numpy(uv), torch.from_numpy(openness), (48, 64)).numpy()
    expected = draw(uv, openness, (48, 64))
    different = np.abs(drawn - expected) > 1e-5
    assert drawn.shape == expected.shape == (4, 5, 48, 64, 3)
    assert different.sum() <= 2, "only where the pedestal begins may the last bit decide"


def test_a_step_is_the_same_however_it_is_divided(maker):
    """Windows, noise seeds and dropped words of a whole batch are those of its parts, in whatever mode."""
    for step in range(12):
        batch = maker.make(step)
        parts = [maker.make(step, range(i, i + 1)) for i in range(3)]
        assert all(part.canvas is batch.canvas for part in parts)
        assert [part.seeds[0] for part in parts] == batch.seeds and len(set(batch.seeds)) == 3
        for name in ("images", "given_uv", "wanted_uv", "text", "rays"):
            if getattr(batch, name) is not None:
                assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name)), name


def test_steps_and_seeds_give_other_batches(maker, episodes, config, encode_text):
    first, again, other = (maker.make(step, modes={"joint": 1.0}) for step in (7, 7, 8))
    assert torch.equal(first.images, again.images) and first.seeds == again.seeds
    assert not torch.equal(first.images, other.images)


def test_a_packed_batch_is_much_smaller_than_its_tensors(maker):
    def bytes_of(batch):
        return sum(v.nbytes for v in vars(batch).values() if isinstance(v, torch.Tensor))

    packed = maker.make(0, modes={"joint": 1.0})
    assert bytes_of(packed) < 0.4 * bytes_of(packed.unpack())


def test_label_windows_are_played_backwards_and_untold_as_often_as_the_recipe_says(episodes, config, encode_text):
    from dataclasses import replace

    def first_poses(reversed_share, dropout):
        recipe = replace(config, label_reversed=reversed_share, label_text_dropout=dropout, batch_size=8)
        batch = BatchMaker(WindowSampler(episodes, recipe), encode_text, recipe).make(3, modes={"label": 1.0}).unpack()
        return batch.poses, batch.text

    forwards, told = first_poses(0.0, 0.0)
    backwards, untold = first_poses(1.0, 1.0)
    assert torch.equal(backwards, forwards.flip(1)) and not torch.equal(backwards, forwards)
    assert told.abs().sum() > 0 and untold.abs().sum() == 0
