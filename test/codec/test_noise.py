"""The background tells the level and correlation of the noise, clipped or not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from action_images_ros.codec.noise import background_noise


def measured(level, deviation, length, seed=0):
    noise = np.random.default_rng(seed).standard_normal((24, 96, 96))
    if length:
        noise = gaussian_filter(noise, (0, length, length))
        noise /= noise.std()
    planes = np.rint(np.clip(level + deviation * noise, 0, 1) * 255).astype(np.float32) / np.float32(255)
    return background_noise(planes, planes, np.ones_like(planes), 3, 1)


@pytest.mark.parametrize("level", [0.0, 0.15, 0.25])
@pytest.mark.parametrize("length", [0.0, 1.8])
@pytest.mark.parametrize("deviation", [0.03, 0.1])
def test_level_and_deviation_are_those_before_clipping(level, length, deviation):
    noise = measured(level, deviation, length)
    assert np.mean(noise.level) == pytest.approx(level, abs=0.15 * deviation)
    assert np.mean(noise.sd) == pytest.approx(deviation, rel=0.08)


def test_smooth_noise_is_told_from_white_noise():
    smooth, white = measured(0.25, 0.05, 1.8), measured(0.25, 0.05, 0.0)
    assert smooth.smooth.mean() == pytest.approx(0.05**2, rel=0.15)
    assert smooth.length.mean() == pytest.approx(1.8, rel=0.1)
    assert white.white.mean() == pytest.approx(0.05**2, rel=0.05)
    assert white.smooth.max() == 0.0


def test_a_silent_background_leaves_the_rounding():
    noise = measured(0.25, 0.0, 0.0)
    assert noise.smooth.max() == 0.0
    np.testing.assert_allclose(noise.white, 1 / (12 * 255**2), rtol=1e-6)
    np.testing.assert_allclose(noise.level, 64 / 255, atol=1e-5)
