"""Transforms are found through the tree and interpolated over time; what is not connected or too old is refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.interfaces.transforms import TransformHistory

SECOND = 1_000_000_000


def pose(x=0.0, y=0.0, z=0.0, turn=(0.0, 0.0, 0.0)):
    return np.array([x, y, z, *Rotation.from_rotvec(turn).as_quat()])


def history():
    tree = TransformHistory()
    tree.add("world", "base", 0, pose(1.0, 0.0, 0.0, (0, 0, np.pi / 2)), fixed=True)
    tree.add("wrist", "optical", 0, pose(0.0, 0.0, 0.1), fixed=True)
    for i in range(11):
        tree.add("base", "wrist", i * SECOND // 10, pose(0.1 * i, 0.0, 0.5, (0, 0, 0.1 * i)))
    return tree


def test_a_moving_transform_is_interpolated_between_its_neighbours():
    found = history().lookup("base", "optical", 250_000_000, SECOND // 10)
    expected = matrix_from_pose7(pose(0.25, 0.0, 0.5, (0, 0, 0.25))) @ matrix_from_pose7(pose(0, 0, 0.1))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_looking_up_the_other_way_gives_the_inverse_through_a_common_ancestor():
    tree = history()
    tree.add("base", "camera", 0, pose(0.0, 1.0, 0.0, (1, 0, 0)), fixed=True)
    there, back = (tree.lookup(*pair, SECOND // 2, SECOND) for pair in (("camera", "wrist"), ("wrist", "camera")))
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-12)
    base = tree.lookup("base", "camera", 0, 0) @ there
    np.testing.assert_allclose(base, tree.lookup("base", "wrist", SECOND // 2, SECOND), atol=1e-12)


def test_leading_slashes_do_not_matter():
    tree = history()
    np.testing.assert_array_equal(tree.lookup("/world", "/base", 5, 0), tree.lookup("world", "base", 5, 0))


def test_a_late_transform_takes_its_place_in_time():
    tree = TransformHistory()
    for stamp in (0, 2, 1):
        tree.add("a", "b", stamp * SECOND, pose(float(stamp)))
    np.testing.assert_allclose(tree.lookup("a", "b", SECOND, 0)[:3, 3], [1, 0, 0])


def test_too_far_away_in_time_is_refused_with_the_distance():
    with pytest.raises(ValueError, match=r"'wrist'.*1.00 s.*pose_tolerance is 0.1"):
        history().lookup("base", "wrist", 2 * SECOND, SECOND // 10)


def test_frames_that_are_not_connected_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"from 'lens' to 'base'.*'optical'"):
        history().lookup("base", "lens", 0, SECOND)


def test_a_loop_is_refused():
    tree = TransformHistory()
    tree.add("a", "b", 0, pose(), fixed=True)
    tree.add("b", "a", 0, pose(), fixed=True)
    with pytest.raises(ValueError, match="loop"):
        tree.lookup("a", "c", 0, 0)


def test_memory_does_not_grow_with_time():
    tree = TransformHistory(keep_ns=SECOND)
    for i in range(1000):
        tree.add("a", "b", i * SECOND // 100, pose())
    assert len(tree._moving["b"]) <= 101


def test_what_stands_still_may_be_said_seldom():
    """A camera on /tf at 1 Hz, its quaternion with either sign."""
    tree = TransformHistory(100 * SECOND)
    for stamp, sign in ((0, 1), (1, -1), (2, 1)):
        tree.add("base", "optical", stamp * SECOND, pose(1.0, turn=(0, 0, 1)) * np.r_[1, 1, 1, [sign] * 4])
    found = tree.lookup("base", "optical", SECOND // 2, SECOND // 10)
    np.testing.assert_allclose(found, matrix_from_pose7(pose(1.0, turn=(0, 0, 1))), atol=1e-9)
    with pytest.raises(ValueError, match="away"):
        tree.lookup("base", "optical", 5 * SECOND // 2, SECOND // 10)


def test_two_parents_of_a_frame_are_kept_in_mind():
    tree = history()
    tree.add("mount", "optical", 0, pose(0.0, 0.0, 0.2), fixed=True)
    assert tree.parents == {"optical": ("wrist", "mount")} and tree.parent("/optical") == "mount"
