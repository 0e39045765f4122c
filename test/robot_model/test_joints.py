import numpy as np
import pytest

from action_images_ros.control.chunk_check import LimitExceeded
from action_images_ros.robot_model.joints import JointPositions


def test_positions_come_in_parts_and_in_any_order():
    joints = JointPositions(("a", "b"), 0.5)
    assert joints.now(0.0) is None
    joints.take(["finger"], [0.04], 0.0)
    assert joints.now(9.0) is None
    joints.take(["b", "finger"], [2.0, 0.0], 1.0)
    with pytest.raises(LimitExceeded, match="lack a"):
        joints.now(1.0)
    joints.take(["finger", "a"], [0.0, 1.0], 1.1)
    np.testing.assert_array_equal(joints.now(1.2), [1.0, 2.0])


@pytest.mark.parametrize(
    ("names", "positions", "now"),
    [
        (["a", "b"], [1.0, 2.0], 1.6),
        (["a", "b"], [1.0, float("nan")], 1.0),
        (["a", "b"], [1.0], 1.0),
        (["a"], [1.0], 1.0),
    ],
)
def test_doubtful_positions_are_refused(names, positions, now):
    joints = JointPositions(("a", "b"), 0.5)
    joints.take(names, positions, 1.0)
    with pytest.raises(LimitExceeded) as caught:
        joints.now(now)
    assert caught.value.kind == "start"
    joints.take(["a", "b"], [1.0, 2.0], 2.0)
    np.testing.assert_array_equal(joints.now(2.1), [1.0, 2.0])
