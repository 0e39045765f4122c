from dataclasses import replace

import numpy as np
import pytest
import torch

from action_images_ros.geometry.camera import project
from action_images_ros.training.batches import BatchMaker, Prefetcher, WindowDrawer, action_images
from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, MODES, VIDEO, build_canvas


@pytest.fixture
def maker(episodes, config, encode_text):
    return BatchMaker(WindowDrawer(episodes, config), encode_text, config)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_holds_what_the_canvas_asks_for(maker, mode):
    batch = maker.make(np.random.default_rng(0), {mode: 1.0})
    canvas = batch.canvas
    assert canvas.mode == mode
    assert batch.known.shape == (3, len(canvas.given), 12, 48, 48)
    assert batch.rays.shape == (3, 2, 6, 12, 12)
    for target, modality, side in ((batch.target_video, VIDEO, 48), (batch.target_action, ACTION, 24)):
        wanted = canvas.wanted(modality)
        assert (target is None) == (not wanted)
        if wanted:
            assert target.shape == (3, len(wanted), 12, side, side)


def test_augmented_pictures_and_cameras_stay_together(episodes, config):
    """A bright dot drawn where a 3D point projects lies where that point projects after roll, zoom and shift."""
    point = np.array([0.52, 0.03, 0.15])
    marked = []
    for episode in episodes:
        images = np.zeros_like(episode.images)
        for v in range(3):
            u, w = project(point, episode.K[v], episode.world_from_camera[v])[0]
            y, x = np.mgrid[:48, :48]
            images[v, ...] = (255 * np.exp(-((x - u) ** 2 + (y - w) ** 2) / 8))[None, :, :, None].astype(np.uint8)
        marked.append(replace(episode, images=images))
    strong = replace(config, augment=1.0, roll_deg=30.0, zoom=0.3, shift=0.15, colour=0.0)
    drawer = WindowDrawer(marked, strong)
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(20):
        window = drawer.draw(rng, 2, whole=False)
        for v in range(2):
            image = window.images[v, 0, :, :, 0].astype(float)
            if image.max() < 200:
                continue
            image[image < 60] = 0
            found = np.array([(image * np.arange(48)).sum(), (image * np.arange(48)[:, None]).sum()]) / image.sum()
            expected = project(point, window.K[v], window.world_from_camera[v])[0]
            if 6 < expected.min() and expected.max() < 41:
                assert np.linalg.norm(found - expected) < 0.35
                changed += 1
    assert changed > 15


def test_windows_past_the_end_hold_the_last_pose(episodes, config):
    drawer = WindowDrawer(episodes, config)
    window = drawer.cut(0, len(episodes[0].poses) - 2, np.random.default_rng(0), 2, whole=True, augment=False)
    assert np.allclose(window.poses[1:], window.poses[1])
    assert not np.allclose(window.poses[0], window.poses[1])
    assert np.array_equal(window.images[:, 2], window.images[:, 1])


def test_known_first_action_frame_is_drawn_at_full_size_and_targets_at_half(episodes, config, encode_text):
    drawer = WindowDrawer(episodes, config)
    maker = BatchMaker(drawer, encode_text, config)
    windows = [drawer.cut(1, 0, np.random.default_rng(0), 2, whole=False, augment=False)]
    canvas = build_canvas("policy", 2, 9)
    batch = maker.assemble(windows, canvas)
    drawn = action_images(windows[0].poses[None], windows[0].openness[None], windows[0].K[None],
                          windows[0].world_from_camera[None], (48, 48))
    whole = pixel_latents.encode(torch.from_numpy(drawn))[0]
    first = canvas.given.index(canvas.index(1, ACTION, 0))
    assert torch.allclose(batch.known[0, first], whole[1, 0])
    last = canvas.wanted(ACTION).index(canvas.index(1, ACTION, 2))
    halved = torch.nn.functional.avg_pool2d((whole[1, 2] + 1) / 2, 2)
    red_and_green = [c for c in range(12) if c % 3 < 2]  # blue has the pedestal's hard edge
    assert torch.allclose(batch.target_action[0, last][red_and_green], halved[red_and_green], atol=0.05)


def test_a_batch_depends_on_seed_and_step_alone(maker):
    first, again = (maker.make(np.random.default_rng((3, 7)), {"joint": 1.0}) for _ in range(2))
    assert torch.equal(first.known, again.known) and torch.equal(first.target_video, again.target_video)


def test_the_prefetcher_hands_over_errors_of_its_thread(maker):
    maker.encode_text = lambda texts: 1 / 0
    feed = Prefetcher(maker, 0)
    with pytest.raises(ZeroDivisionError):
        feed.next()
    feed.close()


def test_episodes_of_another_frame_rate_are_refused(episodes, config):
    with pytest.raises(ValueError, match="dt = 0.2"):
        WindowDrawer(episodes, replace(config, dt=0.1))


def test_no_episodes_says_how_to_make_some(config):
    with pytest.raises(ValueError, match="action-images collect"):
        WindowDrawer([], config)
