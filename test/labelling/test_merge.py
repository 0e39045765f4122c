"""What windows say is averaged by how sure they are; contradictions are not averaged away."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from action_images_ros.control.chunk import Chunk
from action_images_ros.labelling.merge import Merger, merge_poses

POSE = np.array([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])
SURE = np.diag([1e-6] * 3 + [1e-4] * 3)


def labels(start, poses, openness=1.0, covariance=SURE, given=False, valid=True):
    """A window of two frames, from frame `start` on."""
    count = len(poses)
    chunk = Chunk(
        start, 0.2, np.array(poses), np.full(count, openness), np.tile(covariance, (count, 1, 1)), np.full(count, valid)
    )
    stamps = start + np.arange(count)
    return SimpleNamespace(
        chunk=chunk,
        given=given,
        stamps_ns=stamps,
        logs_ns=stamps + 5,
        measured=np.full((count, 7), np.nan),
        measured_openness=np.full(count, np.nan),
    )


def moved(x):
    return POSE + [x, 0, 0, 0, 0, 0, 0]


def test_equals_give_the_mean_and_no_credit_for_repetition():
    pose, covariance = merge_poses(np.stack([moved(0.0), moved(0.001)]), np.stack([SURE] * 2))
    np.testing.assert_allclose(pose[:3], moved(0.0005)[:3], atol=1e-12)
    np.testing.assert_allclose(covariance, SURE, rtol=1e-9)


def test_the_surer_one_counts_more():
    pose, _ = merge_poses(np.stack([moved(0.0), moved(0.004)]), np.stack([SURE, 3 * SURE]))
    np.testing.assert_allclose(pose[0] - POSE[0], 0.001, atol=1e-9)
    flat = SURE.copy()
    flat[0, 0] = 1.0  # knows nothing about x
    pose, _ = merge_poses(np.stack([moved(0.0), POSE + [0.01, 0.002, 0, 0, 0, 0, 0]]), np.stack([SURE, flat]))
    np.testing.assert_allclose(pose[:2] - POSE[:2], [0.0, 0.001], atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.5))
def test_rotations_meet_in_the_middle_whatever_their_signs(seed, angle):
    rng = np.random.default_rng(seed)
    middle, axis = Rotation.random(random_state=rng.integers(2**31)), rng.normal(size=3)
    axis *= angle / 2 / np.linalg.norm(axis)
    poses = np.tile(POSE, (2, 1))
    for i, sign in enumerate((1, -1)):
        poses[i, 3:] = (Rotation.from_rotvec(sign * axis) * middle).as_quat() * rng.choice([-1, 1])
    pose, _ = merge_poses(poses, np.stack([np.eye(6) * 1e-4] * 2))
    assert (Rotation.from_quat(pose[3:]) * middle.inv()).magnitude() < 1e-6


def test_contradiction_costs_certainty_and_in_the_end_the_label():
    _, covariance = merge_poses(np.stack([moved(0.0), moved(0.02)]), np.stack([SURE] * 2))
    assert covariance[0, 0] > 10 * SURE[0, 0]
    merger = Merger()
    merger.add(labels(0, [moved(0.0)] * 2))
    (label,) = merger.add(labels(1, [moved(0.4)] * 2))
    assert label.pose is None and "contradict" in label.reason


def test_a_frame_is_final_when_no_later_window_can_hold_it():
    merger = Merger()
    assert [label.stamp_ns for label in merger.add(labels(0, [POSE] * 5))] == [0]
    assert [label.stamp_ns for label in merger.add(labels(2, [POSE] * 5))] == [1, 2]
    assert [label.stamp_ns for label in merger.finish()] == [3, 4, 5, 6]


def test_openness_is_voted_and_a_tie_goes_to_the_surer_side():
    merger = Merger()
    merger.add(labels(0, [POSE] * 4, openness=0.9))
    merger.add(labels(1, [POSE] * 4, openness=0.4))
    found = merger.add(labels(2, [POSE] * 4, openness=0.3)) + merger.finish()
    voted = {label.stamp_ns: label.openness for label in found}
    assert voted[2] == 1 / 3 and voted[4] == 0.0
    merger = Merger()
    merger.add(labels(0, [POSE] * 2, openness=0.9))
    assert merger.add(labels(1, [POSE] * 2, openness=0.4))[-1].openness == 0.65


def test_what_the_model_was_told_is_no_reading():
    merger = Merger()
    (told,) = merger.add(labels(0, [moved(0.0)] * 3, given=True))
    assert told.given  # nothing else is there
    (read,) = merger.add(labels(1, [moved(0.03)] * 3, given=True))
    assert not read.given and read.windows == 1 and abs(read.pose[0] - POSE[0]) < 1e-9


def test_a_frame_that_no_window_can_read_has_no_label():
    merger = Merger()
    (label,) = merger.add(labels(0, [POSE] * 2, valid=False))
    assert label.pose is None and label.reason == "not to be read in any of 1 windows" and label.log_ns == 5
