"""Camera poses come from where the parameter says, and a calibration that is not one is refused."""

import numpy as np
import pytest
from ros_rig import EYES, camera_pose, extrinsic

from action_images_ros.ros import extrinsics
from action_images_ros.ros.conversions import pose_stamped
from action_images_ros.ros.extrinsics import Extrinsics, read_calibration
from action_images_ros.ros.parameters import ParameterError

CALIBRATION = """
base_frame: base
cameras:
  left: {position: [1.0, 0.5, 0.8], orientation: [0.0, 0.0, 0.0, 1.0]}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cameras.yaml"
    path.write_text(CALIBRATION)
    return path


def test_a_topic_gives_the_pose_it_was_given():
    source = Extrinsics(["left"], "base", source="topic")
    source.add_pose("left", extrinsic(5, "left"))
    np.testing.assert_allclose(source.world_from_camera("left", "f"), camera_pose(EYES["left"]), atol=1e-9)


def test_a_file_gives_the_pose_written_in_it(file):
    pose = Extrinsics(["left"], "base", source="file", calibration_file=str(file)).world_from_camera("left", "f")
    np.testing.assert_allclose(pose[:3], np.hstack([np.eye(3), [[1.0], [0.5], [0.8]]]))


def test_auto_prefers_the_topic_to_the_file(file):
    source = Extrinsics(["left"], "base", calibration_file=str(file))
    assert source.world_from_camera("left", "f")[0, 3] == 1.0
    source.add_pose("left", extrinsic(5, "left"))
    assert source.world_from_camera("left", "f")[0, 3] == pytest.approx(1.4)


def test_a_wrong_pose_on_the_topic_is_told_as_the_reason():
    source = Extrinsics(["left"], "base", source="topic")
    source.add_pose("left", pose_stamped(np.zeros(7), 5, "base"))
    with pytest.raises(ValueError, match="left.*quaternion"):
        source.world_from_camera("left", "f")
    source.add_pose("left", pose_stamped(np.array([0, 0, 0, 0, 0, 0, 1.0]), 5, "map"))
    with pytest.raises(ValueError, match="'map'.*'base'"):
        source.world_from_camera("left", "f")


@pytest.mark.skipif(extrinsics.HAS_TF, reason="tf2_ros is installed")
def test_tf_without_tf2_is_refused_with_the_package_to_install():
    with pytest.raises(ParameterError, match="tf2_ros.*ros-jazzy-tf2-ros-py"):
        Extrinsics(["left"], "base", source="tf")


def test_a_file_that_lacks_a_camera_is_refused(file):
    with pytest.raises(ParameterError, match=r"lacks the cameras \['right'\]"):
        Extrinsics(["left", "right"], "base", source="file", calibration_file=str(file))


@pytest.mark.parametrize(
    "text, words",
    [
        ("base_frame: odom\ncameras: {}", "'odom'.*'base'"),
        ("cameras: {}", "names no camera"),
        ("base_frame: base\ncameras: {left: {position: [0, 0, 0]}}", "orientation"),
        ("base_frame: base\ncameras: {left: {position: [0, 0, 0], orientation: [0, 0, 0, 0]}}", "quaternion"),
        (": : :", "no YAML"),
    ],
)
def test_a_calibration_that_is_not_one_is_refused(tmp_path, text, words):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=words):
        read_calibration(path, "base")


def test_a_missing_calibration_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="give a readable file"):
        read_calibration(tmp_path / "none.yaml", "base")
