"""What messages say is checked without ROS: any object with their fields will do."""

from types import SimpleNamespace as Message

import numpy as np
import pytest

from action_images_ros.interfaces.fields import (
    intrinsics_from_camera_info,
    ns_from_stamp,
    pose7_from_pose_stamped,
    pose7_from_transform,
)
from action_images_ros.interfaces.finger_joints import joint_sum, openness_from_joints


def pose(x=0.1, w=1.01, frame="base"):
    return Message(
        header=Message(frame_id=frame),
        pose=Message(position=Message(x=x, y=0.2, z=0.3), orientation=Message(x=0.0, y=0.0, z=0.0, w=w)),
    )


def info(**changes):
    values = {
        "k": [50.0, 0, 31.5, 0, 50.0, 23.5, 0, 0, 1],
        "height": 48,
        "width": 64,
        "binning_x": 0,
        "binning_y": 0,
        "roi": Message(width=0, height=0),
    }
    return Message(**{**values, **changes})


def test_stamps_are_whole_nanoseconds():
    assert ns_from_stamp(Message(sec=1_763_000_000, nanosec=123_456_789)) == 1_763_000_000_123_456_789


def test_poses_come_with_unit_quaternions():
    np.testing.assert_allclose(pose7_from_pose_stamped(pose(), "base", "t"), [0.1, 0.2, 0.3, 0, 0, 0, 1])
    turned = Message(translation=Message(x=1.0, y=2.0, z=3.0), rotation=Message(x=0.0, y=0.0, z=0.99, w=0.0))
    np.testing.assert_allclose(pose7_from_transform(turned), [1, 2, 3, 0, 0, 1, 0])


@pytest.mark.parametrize(
    "change, words",
    [
        ({"w": 0.0}, "t: .*zero quaternion"),
        ({"x": float("nan")}, "t: .*nan"),
        ({"frame": "tool0"}, "t is given in.*'tool0'"),
        ({"w": 90.0}, "degrees"),
        ({"w": 1.5}, "length 1.5"),
        ({"x": 1240.0}, "1,240 m: millimetres"),
    ],
)
def test_poses_that_say_nothing_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        pose7_from_pose_stamped(pose(**change), "base", "t")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"k": np.zeros(9)}, "calibrate"),
        ({"binning_x": 2}, "full frames"),
        ({"roi": Message(width=4, height=4)}, "roi 4x4"),
        ({"height": 0}, "64x0"),
    ],
)
def test_intrinsics_of_another_picture_or_none_are_refused(change, words):
    K, size = intrinsics_from_camera_info(info())
    assert K[0, 2] == 31.5 and size == (48, 64)
    with pytest.raises(ValueError, match=words):
        intrinsics_from_camera_info(info(**change))


def test_fingers_become_an_openness_between_closed_and_open():
    fingers = Message(name=["a", "b"], position=np.array([0.01, 0.03]))
    assert joint_sum(fingers, ["b", "a"]) == pytest.approx(0.04)
    assert openness_from_joints(0.04, 0.0, 0.08) == 0.5
    assert openness_from_joints(-0.004, 0.0, 0.08) == 0.0
    assert openness_from_joints(0.1, 0.8, 0.0) == pytest.approx(0.875)
    with pytest.raises(ValueError, match="finger_closed 0 .*finger_open 0.08"):
        openness_from_joints(850, 0.0, 0.08)
