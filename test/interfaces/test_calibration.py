"""Calibration files as people have them, each with the pose or intrinsics that it means."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from action_images_ros.interfaces.calibration import read_calibration
from action_images_ros.interfaces.camera_model import camera_model

GOOD = "base_frame: base\ncameras:\n  left: {position: [1, 2, 3], orientation: [0, 0, 0, 1]}\n"
EULER = [0.3, -0.2, 1.1]
HAND = """
parameters:
  eye_on_hand: %s
  robot_base_frame: base
  robot_effector_frame: tool0
  tracking_base_frame: camera_color_optical_frame
transformation: {x: 0.1, y: 0.2, z: 0.3, qx: 0.0, qy: 0.0, qz: 1.0, qw: 0.0}
"""
HAND2 = """
parameters: {calibration_type: eye_in_hand, robot_base_frame: base, tracking_base_frame: optical}
transform:
  translation: {x: 0.1, y: 0.2, z: 0.3}
  rotation: {x: 0.0, y: 0.0, z: 1.0, w: 0.0}
"""
INFO = """
image_width: 640
image_height: 480
camera_name: left
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 320, 0, 510, 240, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.001, 0.002, 0.0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [480, 0, 321, 0, 0, 490, 241, 0, 0, 0, 1, 0]}
"""
OPENCV = """%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [500., 0., 320., 0., 510., 240., 0., 0., 1.]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [0.1, -0.2, 0.001, 0.002, 0.]
"""
KALIBR = """
cam0:
  camera_model: pinhole
  distortion_coeffs: [0.01, 0.02, 0.003, 0.004]
  distortion_model: equidistant
  intrinsics: [500.0, 510.0, 320.0, 240.0]
  resolution: [640, 480]
  rostopic: /left/image_raw
cam1:
  T_cn_cnm1: [[1, 0, 0, -0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
  camera_model: pinhole
  distortion_coeffs: [0.1, -0.2, 0.001, 0.002]
  distortion_model: radtan
  intrinsics: [500.0, 510.0, 320.0, 240.0]
  resolution: [640, 480]
  rostopic: /right/image_raw
"""


def read(tmp_path, text, name="c.yaml", files=None):
    (tmp_path / name).write_text(text)
    return read_calibration(files.format(tmp_path) if files else tmp_path / name, "base")


def test_poses_are_read_by_camera(tmp_path):
    mount = read(tmp_path, GOOD).mounts["left"]
    np.testing.assert_array_equal(mount.pose[:3, 3], [1, 2, 3])
    assert not mount.on_tool


def test_a_camera_on_the_tool_says_so(tmp_path):
    text = GOOD.replace("left: {", "wrist: {mounted: tool, ")
    assert read(tmp_path, text).mounts["wrist"].on_tool


@pytest.mark.parametrize("text, on_tool", [(HAND % "true", True), (HAND % "false", False), (HAND2, True)])
def test_easy_handeye_is_read_under_the_name_that_is_given(tmp_path, text, on_tool):
    mount = read(tmp_path, text, files="wrist={}/c.yaml").mounts["wrist"]
    assert mount.on_tool == on_tool
    np.testing.assert_allclose(mount.pose, [[-1, 0, 0, 0.1], [0, -1, 0, 0.2], [0, 0, 1, 0.3], [0, 0, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("text", [INFO, OPENCV])
def test_intrinsics_of_camera_calibration_and_opencv(tmp_path, text):
    info = read(tmp_path, text, "left.yaml").infos["left"]
    raw = camera_model(info, False)
    assert raw.size == (480, 640) and raw.distorted
    np.testing.assert_array_equal(raw.K, [[500, 0, 320], [0, 510, 240], [0, 0, 1]])
    if text is INFO:
        np.testing.assert_array_equal(camera_model(info, True).K, [[480, 0, 321], [0, 490, 241], [0, 0, 1]])


def test_kalibr_gives_intrinsics_by_topic_and_by_name(tmp_path):
    found = read(tmp_path, KALIBR)
    assert set(found.infos) == {"cam0", "cam1", "left", "right"} and not found.mounts
    assert found.infos["left"].distortion_model == "equidistant" and camera_model(found.infos["right"], False).distorted
    placed = read(
        tmp_path,
        KALIBR.replace("cam0:\n", "cam0:\n  T_base_cam: [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1]]\n"),
    )
    np.testing.assert_allclose(placed.mounts["right"].pose[:3, 3], [1.1, 0, 2])


def test_json_of_many_kinds(tmp_path):
    foxglove = {
        "frame_id": "eye",
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "D": [0.0] * 5,
        "K": [500, 0, 320, 0, 510, 240, 0, 0, 1],
        "R": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "P": [500, 0, 320, 0, 0, 510, 240, 0, 0, 0, 1, 0],
    }
    assert read(tmp_path, json.dumps(foxglove), "eye.json").infos["eye"].width == 640
    matrix = np.eye(4)
    matrix[:3, 3] = [0.5, 0.1, 0.9]
    cameras = {
        "front": {
            "intrinsics": {"fx": 500, "fy": 510, "cx": 320, "cy": 240},
            "width": 640,
            "height": 480,
            "extrinsics": matrix.tolist(),
        },
        "side": {"position": [0.1, 0.2, 0.3], "quaternion": [0, 0, 0, 1]},
    }
    found = read(tmp_path, json.dumps(cameras), "many.json")
    np.testing.assert_array_equal(found.mounts["front"].pose, matrix)
    assert set(found.infos) == {"front"} and set(found.mounts) == {"front", "side"}


def test_six_values_are_a_place_and_extrinsic_angles(tmp_path):
    mount = read(tmp_path, json.dumps({"1234_left": [0.1, 0.2, 0.3, *EULER]}), "droid.json").mounts["1234_left"]
    np.testing.assert_allclose(mount.pose[:3, :3], Rotation.from_euler("xyz", EULER).as_matrix())
    np.testing.assert_array_equal(mount.pose[:3, 3], [0.1, 0.2, 0.3])


def test_several_files_add_up(tmp_path):
    (tmp_path / "left.yaml").write_text(INFO)
    found = read(tmp_path, GOOD, files="{0}/c.yaml,{0}/left.yaml")
    assert set(found.mounts) == set(found.infos) == {"left"}


@pytest.mark.parametrize(
    "text, words",
    [
        (GOOD.replace("base\n", "map\n"), "'map'.*'base'"),
        ("cameras: {}", "no camera"),
        (GOOD.replace("0, 1]", "0, 0]"), "zero quaternion"),
        ("{", "c.yaml"),
        (GOOD.replace("1, 2, 3", "1, x, 3"), "'x'"),
        (GOOD.replace("1, 2, 3", "412, 120, 1240"), "millimetres"),
        (GOOD.replace("0, 0, 0, 1]", "90, 0, 45, 1]"), "degrees"),
        ("eye: [0.1, 0.2, 0.3, 90, 0, 45]", "degrees"),
        (HAND % "true" + "x: [", "c.yaml"),
        ((HAND % "false").replace("camera_color_optical_frame", "camera_link"), "optical"),
        ("a: &a [1, 1]\nb: [*a, *a]\n", "no calibration"),
        ("[1, 2]", "list"),
        (
            "a: &a ["
            + "x," * 99
            + "]\n"
            + "\n".join(f"b{i}: &b{i} [{','.join([f'*b{i - 1}' if i else '*a'] * 50)}]" for i in range(9)),
            "unfolds",
        ),
    ],
)
def test_files_that_are_not_like_that_are_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match="c.yaml.*" + words):
        read(tmp_path, text)
    with pytest.raises(ValueError, match="none.yaml.*readable"):
        read_calibration(tmp_path / "none.yaml", "base")
