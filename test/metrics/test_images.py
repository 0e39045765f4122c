import numpy as np
import pytest
from pictures import noisy, smooth_pictures

from action_images_ros.metrics.images import moving_psnr, psnr, seams, ssim


@pytest.fixture
def pictures():
    return smooth_pictures()


def test_equal_pictures_are_perfect_in_every_measure(pictures):
    assert psnr(pictures, pictures) == pytest.approx([58.92, 58.92], abs=0.01)
    assert ssim(pictures, pictures) == pytest.approx([1, 1])
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


def test_more_noise_is_worse_in_every_measure(pictures):
    little, much = noisy(pictures, 5), noisy(pictures, 40)
    for measure in (psnr, ssim):
        assert np.all(measure(pictures, little) > measure(pictures, much))


def test_seams_are_jumps_at_the_borders_of_patches(pictures):
    steps = np.zeros((1, 64, 64, 3), np.uint8)
    for i in range(0, 64, 32):
        steps[:, :, i : i + 16] = (
            30  # stripes of 16 px: three borders with jumps of 30 across, none along the other axis
        )
    truth = np.zeros_like(steps)
    assert seams(truth, steps, 16) == pytest.approx([15])
    assert np.all(np.abs(seams(pictures, noisy(pictures, 20), 16)) < 2)


def test_pictures_that_do_not_match_are_refused(pictures):
    with pytest.raises(ValueError, match="one size"):
        psnr(pictures, pictures[:, :32])
    with pytest.raises(ValueError, match="guess is float"):
        ssim(pictures, pictures / 255)
