"""Pictures for tests of picture measures."""

import numpy as np


def smooth_pictures():
    """Two smooth coloured pictures, uint8 [2, 64, 64, 3]."""
    y, x = np.mgrid[:64, :64] / 64
    planes = [127 + 100 * np.sin(7 * x + k) * np.cos(5 * y * (1 + k)) for k in range(3)]
    picture = np.stack(planes, axis=-1)
    return np.stack([picture, picture[::-1]]).astype(np.uint8)


def noisy(pictures, level, seed=0):
    """The same with white noise of this standard deviation."""
    noise = np.random.default_rng(seed).normal(0, level, pictures.shape)
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)
