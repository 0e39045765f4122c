"""Localising blobs: to the bound, with an honest variance, whatever happens to a blob's profile."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from action_images_ros.codec.blobs import find_blobs
from action_images_ros.codec.bound import blob_information
from action_images_ros.codec.encode import blob_sigma, draw, to_uint8


def pictures(size, frames=120, noise=0.0, length=0.0, fade=1.0, seed=0, margin=2.8):
    rng = np.random.default_rng(seed)
    edge = margin * blob_sigma(size)
    uv = rng.uniform(edge, np.array([size[1], size[0]]) - 1 - edge, (frames, 3, 2))
    images = draw(uv, np.arange(frames) % 2, size) * fade
    if noise:
        field = rng.standard_normal(images.shape)
        if length:
            field = gaussian_filter(field, (0, length, length, 0))
            field /= field.std(axis=(1, 2), keepdims=True)
        images = images + noise * field
    return to_uint8(np.clip(images, 0, 1))[None], uv


@pytest.mark.parametrize(
    ("size", "noise", "length", "fade"),
    [
        ((64, 64), 0.05, 1.2, 1.0),
        ((128, 128), 0.05, 2.4, 1.0),
        ((128, 128), 0.1, 2.4, 1.0),
        ((96, 160), 0.05, 1.8, 1.0),
        ((128, 128), 0.03, 2.4, 0.6),
        ((128, 128), 0.05, 0.0, 1.0),
    ],
)
def test_errors_reach_the_bound_and_their_variance_is_honest(size, noise, length, fade):
    images, uv = pictures(size, 150, noise, length, fade)
    blobs = find_blobs(images)
    error = blobs.uv[0] - uv
    bound = 1 / np.sqrt(blob_information(size, noise, length, fade))
    assert np.sqrt(np.mean(error[:, :2] ** 2)) < 1.15 * bound  # red and green
    assert np.sqrt(np.mean(error[:, 2] ** 2)) < 1.3 * bound  # blue has lost its foot
    assert np.mean(error**2 / blobs.variance[0]) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (250, 190)])
def test_clean_blobs_are_found_to_thousandths_of_a_pixel(size):
    images, uv = pictures(size, 60)
    error = find_blobs(images).uv[0] - uv
    assert np.sqrt(np.mean(error[:, :2] ** 2)) < 0.0015
    assert np.sqrt(np.mean(error[:, 2] ** 2)) < 0.003


def test_wider_flatter_blobs_keep_their_place_and_tell_their_width():
    images, uv = pictures((96, 96), 40, margin=3.5)
    wide = gaussian_filter(images[0, ..., :2].astype(float), (0, 4.0, 4.0, 0)) / 255
    images[0, ..., :2] = to_uint8(wide)
    blobs = find_blobs(images)
    assert np.abs(blobs.uv[0, :, :2] - uv[:, :2]).max() < 0.02
    np.testing.assert_allclose(blobs.width[0, :, :2], 1 + (4.0 / blob_sigma((96, 96))) ** 2, rtol=0.12)
    assert (blobs.amplitude[0, :, :2] < 0.7).all()


def test_a_grey_veil_does_not_move_blobs():
    images, uv = pictures((128, 128), 40)
    veiled = np.clip(images.astype(int) + 20, 0, 255).astype(np.uint8)
    blobs = find_blobs(veiled)
    assert np.abs(blobs.uv[0, :, :2] - uv[:, :2]).max() < 0.02
    np.testing.assert_allclose(blobs.level[0, :, 0], 20 / 255, atol=0.005)


def test_blobs_cut_by_the_border_are_still_found():
    size = (128, 128)
    rng = np.random.default_rng(3)
    uv = rng.uniform(25, 100, (60, 3, 2))
    uv[..., 0] = rng.uniform(2, 10, (60, 3))
    blobs = find_blobs(to_uint8(draw(uv, np.arange(60) % 2, size))[None])
    assert blobs.inside.all()
    assert np.abs(blobs.uv[0] - uv).max() < 0.15


def test_a_second_blob_and_an_empty_plane_are_noticed():
    images, _ = pictures((128, 128), 4, margin=3)
    images[0, 0, ..., 0] = np.maximum(images[0, 0, ..., 0], np.roll(images[0, 0, ..., 0], 50, axis=1))
    images[0, 1, ..., 1] = 0
    blobs = find_blobs(images)
    assert blobs.second[0, 0, 0] > 0.9
    assert blobs.second[0, 2].max() < 0.4
    assert blobs.amplitude[0, 1, 1] < 0.01


def test_float_and_eight_bit_pictures_agree():
    images, uv = pictures((96, 96), 20)
    blobs = find_blobs((images / 255.0).astype(np.float32))
    np.testing.assert_allclose(blobs.uv, find_blobs(images).uv, atol=1e-4)
