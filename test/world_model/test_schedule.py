import numpy as np
import pytest

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.schedule import noise, schedule


def test_schedule_falls_from_pure_noise_to_clean_and_lingers_at_high_noise():
    levels = schedule(10, 5.0)
    assert levels[0] == 1.0 and levels[-1] == 0.0
    assert all(a > b for a, b in zip(levels, levels[1:], strict=False))
    assert levels[5] == pytest.approx(5 * 0.5 / 3)


def test_no_steps_is_refused():
    with pytest.raises(ValueError, match="steps = 0"):
        schedule(0, 5.0)


def test_noise_is_normal_float32_of_the_frames_to_generate_and_the_seed_decides_it():
    canvas = build_canvas("policy", 2, 9)
    first, again, other = (noise(canvas, (96, 64), [seed, seed + 10, seed + 20]) for seed in (1, 1, 2))
    assert first.shape == (3, 4, 12, 24, 16) and first.dtype == np.float32
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert abs(first.mean()) < 0.02 and abs(first.std() - 1) < 0.02


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed = -1"):
        noise(build_canvas("policy", 2, 9), (96, 96), [-1])
