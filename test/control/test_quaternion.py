import numpy as np
from scipy.spatial.transform import Rotation

from action_images_ros.control.quaternion import turn_between, turned


def test_turns_agree_with_scipy_for_any_orientations():
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = Rotation.random(rng=rng), Rotation.random(rng=rng)
        expected = (b * a.inv()).as_rotvec()
        np.testing.assert_allclose(turn_between(a.as_quat(), b.as_quat()), expected, atol=1e-9)
        turn = rng.normal(0, 1, 3)
        angle = (Rotation.from_quat(turned(a.as_quat(), turn)) * (Rotation.from_rotvec(turn) * a).inv()).magnitude()
        assert angle < 1e-9


def test_tiny_turns_keep_their_size_and_no_turn_is_none():
    orientation = Rotation.from_rotvec([0.3, -0.2, 1.0]).as_quat()
    for size in (0.0, 1e-15, 1e-9, 1e-6):
        turn = np.array([0.0, size, 0.0])
        # near 1 a quaternion of doubles resolves an angle to about 1e-16 relative to its vector part
        np.testing.assert_allclose(turn_between(orientation, turned(orientation, turn)), turn, atol=1e-15)


def test_antipodal_quaternions_are_the_same_orientation():
    orientation = Rotation.from_rotvec([0.3, -0.2, 1.0]).as_quat()
    np.testing.assert_allclose(turn_between(orientation, -orientation), 0, atol=1e-12)


def test_a_turn_does_not_flip_the_sign_and_keeps_unit_length():
    orientation = -Rotation.from_rotvec([0, 0, 3.1]).as_quat()
    for _ in range(1000):
        new = turned(orientation, [0, 0, 0.01])
        assert new @ orientation > 0.99
        orientation = new
    assert abs(np.linalg.norm(orientation) - 1) < 1e-12
