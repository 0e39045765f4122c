from dataclasses import replace

import numpy as np
import pytest

from action_images_ros.geometry.camera import project
from action_images_ros.training.windows import WindowSampler


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
    sampler = WindowSampler(marked, strong)
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(20):
        window = sampler.draw(rng, 2, whole=False)
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
    sampler = WindowSampler(episodes, config)
    window = sampler.cut(0, len(episodes[0].poses) - 2, np.random.default_rng(0), 2, whole=True, augment=False)
    assert np.allclose(window.poses[1:], window.poses[1])
    assert not np.allclose(window.poses[0], window.poses[1])
    assert np.array_equal(window.images[:, 2], window.images[:, 1])


def test_episodes_of_another_frame_rate_are_refused(episodes, config):
    with pytest.raises(ValueError, match="dt = 0.2"):
        WindowSampler(episodes, replace(config, dt=0.1))


def test_no_episodes_says_how_to_make_some(config):
    with pytest.raises(ValueError, match="action-images collect"):
        WindowSampler([], config)


def test_larger_pictures_are_reduced_and_the_cameras_with_them(episodes, config):
    small = WindowSampler(episodes, replace(config, image_size=(32, 32)))
    rng = [np.random.default_rng(0) for _ in range(2)]
    reduced = small.cut(0, 0, rng[0], 2, whole=True, augment=False)
    full = WindowSampler(episodes, config).cut(0, 0, rng[1], 2, whole=True, augment=False)
    assert reduced.images.shape == (2, 9, 32, 32, 3)
    assert abs(reduced.images.mean() - full.images.mean()) < 1
    centre = np.array([0.5, 0.0, 0.2])
    for v in range(2):
        u, w = (project(centre, x.K[v], x.world_from_camera[v])[0] for x in (full, reduced))
        np.testing.assert_allclose((u + 0.5) * 32 / 48 - 0.5, w)


@pytest.mark.parametrize("size", [(64, 64), (32, 48)])
def test_pictures_that_would_be_enlarged_or_distorted_are_refused(episodes, config, size):
    with pytest.raises(ValueError, match="48 x 48 px.*image_size"):
        WindowSampler(episodes, replace(config, image_size=size))


def test_each_part_gives_its_share_of_the_windows(episodes, config):
    """Two of five episodes are to give nine tenths."""
    marked = [replace(e, instruction=str(i)) for i, e in enumerate(episodes)]
    sampler = WindowSampler(marked, config, [(2, 0.9), (3, 0.1)])
    rng = np.random.default_rng(0)
    drawn = [int(sampler.draw(rng, 2, whole=False, augment=False).instruction) for _ in range(600)]
    assert 0.87 < np.mean(np.array(drawn) < 2) < 0.93
    assert set(drawn) == set(range(5))


def test_a_window_played_backwards_is_the_same_moments_in_the_other_order(episodes, config):
    window = WindowSampler(episodes, config).cut(0, 0, np.random.default_rng(0), 2, whole=True, augment=False)
    backwards = window.reversed()
    for name in ("poses", "openness"):
        np.testing.assert_array_equal(getattr(backwards, name), getattr(window, name)[::-1])
    np.testing.assert_array_equal(backwards.images, window.images[:, ::-1])
    np.testing.assert_array_equal(backwards.K, window.K)
    np.testing.assert_array_equal(backwards.reversed().images, window.images)
