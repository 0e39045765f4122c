"""Camera poses from TF are those at the image's stamp; what TF has at another time is refused, nothing is leaked."""

import numpy as np
import pytest
import tf2_like
from geometry_msgs.msg import TransformStamped
from ros_rig import extrinsic

from action_images_ros.ros import extrinsics, transforms
from action_images_ros.ros.conversions import stamp_from_ns
from action_images_ros.ros.extrinsics import Extrinsics
from action_images_ros.ros.transforms import NoTransform, TransformSource

S = 1_000_000_000


@pytest.fixture
def tf(monkeypatch):
    """tf2_ros as a stand-in; what it knows."""
    monkeypatch.setattr(transforms, "tf2_ros", tf2_like.module)
    monkeypatch.setattr(extrinsics, "HAS_TF", True)
    monkeypatch.setattr(extrinsics, "_TF_WAIT_S", 0.01)
    tf2_like.TransformListener.open = 0
    return lambda: tf2_like.Buffer.made[-1]


def _transform(child, x, stamp_ns=0):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id, message.header.stamp = "base", stamp_from_ns(stamp_ns)
    message.transform.translation.x, message.transform.rotation.w = float(x), 1.0
    return message


def test_a_wrist_camera_is_where_it_was_when_the_image_was_taken(tf):
    source = Extrinsics(["wrist"], "base", node=object())
    for stamp in (0, 1, 2):
        tf().set_transform(_transform("wrist_optical", stamp, (10 + stamp) * S))
    found = source.world_from_camera("wrist", "wrist_optical", 11 * S + S // 2)
    assert found[0, 3] == pytest.approx(1.5)  # the newest would be half a metre off
    np.testing.assert_allclose(found[:3, :3], np.eye(3))


@pytest.mark.parametrize("stamp_s", [5, 20])
def test_a_transform_at_another_time_is_refused_not_replaced(tf, stamp_s):
    source = Extrinsics(["wrist"], "base", node=object())
    source.add_pose("wrist", extrinsic(5, "left"))  # must not stand in for it
    for stamp in (0, 1):
        tf().set_transform(_transform("wrist_optical", stamp, (10 + stamp) * S))
    with pytest.raises(ValueError, match="at the stamp of the image.*same clock"):
        source.world_from_camera("wrist", "wrist_optical", stamp_s * S)


def test_a_static_camera_is_known_at_every_time(tf):
    source = Extrinsics(["left"], "base", source="tf", node=object())
    tf().set_transform_static(_transform("left_optical", 0.7))
    assert source.world_from_camera("left", "left_optical", 99 * S)[0, 3] == pytest.approx(0.7)


def test_what_tf_does_not_know_comes_from_the_topic(tf):
    source = Extrinsics(["left"], "base", node=object())
    source.add_pose("left", extrinsic(5, "left"))
    assert source.world_from_camera("left", "left_optical", 5)[0, 3] == pytest.approx(1.4)
    with pytest.raises(ValueError, match="the transform base -> right_optical"):
        source.world_from_camera("right", "right_optical", 5)


def test_without_tf2_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setattr(extrinsics, "HAS_TF", False)
    with pytest.raises(ValueError) as caught:
        Extrinsics(["left"], "base").world_from_camera("left", "left_optical", 5)
    assert "ros-jazzy-tf2-ros-py" in str(caught.value) and "left/pose" in str(caught.value)


def test_subscriptions_are_given_back(tf):
    for _ in range(3):
        source = Extrinsics(["left"], "base", node=object())
        source.close()
        source.close()
    assert tf2_like.TransformListener.open == 0


def test_the_newest_transform_has_its_own_stamp(tf):
    source = TransformSource(object())
    tf().set_transform(_transform("tool", 0.3, 7 * S))
    pose, stamp_ns = source.lookup("base", "tool")
    assert pose[0] == pytest.approx(0.3) and stamp_ns == 7 * S
    assert source.frames() == ["base", "tool"]
    with pytest.raises(NoTransform) as caught:
        source.lookup("base", "nothing", 7 * S)
    assert not caught.value.known
    source.close()


def test_a_transform_that_is_not_finite_is_refused(tf):
    source = Extrinsics(["left"], "base", source="tf", node=object())
    tf().set_transform_static(_transform("left_optical", float("nan")))
    with pytest.raises(ValueError):
        source.world_from_camera("left", "left_optical", 5)


@pytest.mark.skipif(not transforms.HAS_TF, reason="tf2_ros is not installed")
def test_genuine_tf2_gives_the_pose_at_the_stamp(rig):
    import tf2_ros

    source = TransformSource(rig.probe)
    broadcaster = tf2_ros.TransformBroadcaster(rig.probe)
    before = rig.probe.count_subscribers("/tf")

    def sent():
        for stamp in (0, 1):
            broadcaster.sendTransform(_transform("wrist_optical", stamp, (10 + stamp) * S))
        return "wrist_optical" in source.frames() and source.lookup("base", "wrist_optical")[1] == 11 * S

    rig.spin_until(sent, "the transforms")
    pose, stamp_ns = source.lookup("base", "wrist_optical", 10 * S + S // 4)
    assert pose[0] == pytest.approx(0.25) and stamp_ns == 10 * S + S // 4
    with pytest.raises(NoTransform) as caught:
        source.lookup("base", "wrist_optical", 30 * S)
    assert caught.value.known
    source.close()
    rig.spin_until(lambda: rig.probe.count_subscribers("/tf") < before, "the subscription's end")
