"""Stacks of frames come apart as they were put together."""

import numpy as np
import pytest

from action_images_ros.control.chunk import Chunk
from action_images_ros.interfaces.chunk import confidence_rows, split_frames, stack_frames


def test_frames_stack_and_split():
    frames = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    np.testing.assert_array_equal(split_frames(stack_frames(frames), (4, 5)), frames)
    with pytest.raises(ValueError, match="not a stack of frames"):
        split_frames(stack_frames(frames), (3, 5))


def test_rows_hold_position_sigmas_and_verdict():
    covariance = np.tile(np.diag([1e-6, 4e-6, 1e-6, 1e-4, 1e-4, 9e-4]), (2, 1, 1))
    rows = confidence_rows(
        Chunk(0, 0.2, np.tile([1.0, 2, 3, 0, 0, 0, 1], (2, 1)), np.ones(2), covariance, np.array([True, False]))
    )
    assert rows[0].tolist() == pytest.approx((1.0, 2.0, 3.0, 0.002, 0.03, 1), rel=1e-6) and rows[1]["valid"] == 0
