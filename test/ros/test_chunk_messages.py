"""A chunk survives the way through its three messages; parts that do not fit together are refused."""

import numpy as np
import pytest

from action_images_ros.control.chunk import Chunk
from action_images_ros.ros.chunk_messages import (
    chunk_from_messages,
    confidence_message,
    gripper_message,
    poses_message,
    split_frames,
    stack_frames,
)
from action_images_ros.ros.conversions import stamp_from_ns


def _chunk(count=4, stamp_ns=1_234_567_891, valid=None):
    poses = np.tile([0.4, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0], (count, 1))
    poses[:, 0] += 0.01 * np.arange(count)
    valid = np.ones(count, dtype=bool) if valid is None else np.array(valid)
    poses[~valid] = np.nan
    covariance = np.tile(np.diag([1e-4, 4e-4, 1e-4, 1e-2, 1e-2, 4e-2]), (count, 1, 1))
    return Chunk(stamp_ns, 0.2, poses, np.linspace(1, 0, count), covariance, valid)


def _messages(chunk, frame="base"):
    return [poses_message(chunk, frame), gripper_message(chunk, frame), confidence_message(chunk, frame)]


def test_poses_openness_times_and_validity_survive():
    chunk = _chunk(valid=[True, True, False, True])
    back = chunk_from_messages(*_messages(chunk), "base")
    assert back.stamp_ns == chunk.stamp_ns and back.dt == pytest.approx(chunk.dt)
    np.testing.assert_allclose(back.poses, chunk.poses)
    np.testing.assert_allclose(back.openness, chunk.openness)
    np.testing.assert_array_equal(back.valid, chunk.valid)


def test_the_sigmas_survive_as_those_of_the_worst_direction():
    back = chunk_from_messages(*_messages(_chunk()), "base")
    np.testing.assert_allclose(back.sigma_position, 0.02, rtol=1e-6)
    np.testing.assert_allclose(back.sigma_rotation, 0.2, rtol=1e-6)


@pytest.mark.parametrize("part", [1, 2])
def test_parts_of_another_chunk_are_refused(part):
    messages = _messages(_chunk())
    messages[part].header.stamp = stamp_from_ns(5)
    with pytest.raises(ValueError, match="id 5"):
        chunk_from_messages(*messages, "base")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_parts_in_another_frame_are_refused(part):
    messages = _messages(_chunk())
    messages[part].header.frame_id = "odom"
    with pytest.raises(ValueError, match="'odom'"):
        chunk_from_messages(*messages, "base")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_parts_of_another_length_are_refused(part):
    messages, others = _messages(_chunk()), _messages(_chunk(5))
    messages[part] = others[part]
    with pytest.raises(ValueError, match="same number"):
        chunk_from_messages(*messages, "base")


def test_frames_that_are_not_equally_spaced_are_refused():
    messages = _messages(_chunk())
    messages[0].points[3].time_from_start.nanosec += 50_000_000
    with pytest.raises(ValueError, match="frame 3.*equally spaced"):
        chunk_from_messages(*messages, "base")


def test_a_point_cloud_with_other_fields_is_refused():
    messages = _messages(_chunk())
    messages[2].fields[0].name = "intensity"
    with pytest.raises(ValueError, match="intensity.*expected"):
        chunk_from_messages(*messages, "base")


def test_stacked_frames_come_apart_again():
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(split_frames(stack_frames(frames), (4, 6)), frames)


@pytest.mark.parametrize("size", [(3, 6), (4, 5)])
def test_a_stack_that_does_not_divide_is_refused(size):
    with pytest.raises(ValueError, match="not a stack of frames"):
        split_frames(np.zeros((20, 6, 3), np.uint8), size)
