"""Messages and side files that nobody meant: a conversion gives a value or a ValueError, and never anything else.

A few examples of each in every run; `ACTION_IMAGES_FUZZ=20000` sets how many.
"""

import json
import math
import os

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, Transform
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState, PointCloud2, PointField
from std_msgs.msg import String
from trajectory_msgs.msg import (
    JointTrajectory,
    JointTrajectoryPoint,
    MultiDOFJointTrajectory,
    MultiDOFJointTrajectoryPoint,
)

from action_images_ros.interfaces.instruction import MAX_CHARACTERS
from action_images_ros.policy.card import ModelCard
from action_images_ros.ros.chunk_messages import CONFIDENCE, chunk_from_messages, split_frames
from action_images_ros.ros.conversions import (
    duration_from_seconds,
    intrinsics_from_camera_info,
    pose7_from_pose_stamped,
    pose7_from_transform,
    stamp_from_ns,
)
from action_images_ros.ros.images import rgb_from_message
from action_images_ros.ros.instruction import InstructionTopic
from action_images_ros.ros.node_parameters import check_sections
from action_images_ros.safe_files import load_json, parse_yaml

EXAMPLES = int(os.environ.get("ACTION_IMAGES_FUZZ", "25"))
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)
NUMBER = st.floats(width=64) | st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, 1e300, 5e-324])
SMALL = st.integers(0, 70) | st.sampled_from([2**31, 2**32 - 1])
WORD = st.sampled_from(
    ["rgb8", "bgr8", "mono8", "mono16", "rgba8", "bayer_rggb8", "32FC1", "yuv422", "8UC3", "", "png", "jpeg"]
) | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | NUMBER | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _quietly(call, *arguments):
    """The value, or None where it is refused by a ValueError of one line."""
    try:
        return call(*arguments)
    except ValueError as error:
        assert str(error) and len(str(error)) < 3000
        return None


@fuzzed
@given(SMALL, SMALL, SMALL, WORD, st.binary(max_size=600), st.integers(0, 255))
def test_images(height, width, step, encoding, data, bigendian):
    message = Image(height=height, width=width, step=step, encoding=encoding, is_bigendian=bigendian)
    message.data = data
    image = _quietly(rgb_from_message, message)
    if image is not None:
        assert image.shape == (height, width, 3) and image.dtype == np.uint8


@fuzzed
@given(WORD, st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]), SMALL, SMALL)
def test_compressed_images(kind, data, magic, width, height):
    header = (
        b"\x00\x00\x00\rIHDR"
        + width.to_bytes(4, "big")
        + height.to_bytes(4, "big")
        + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"
    )
    message = CompressedImage(format=kind, data=magic + (header if magic[:1] == b"\x89" else b"") + data)
    image = _quietly(rgb_from_message, message)
    assert image is None or (image.ndim == 3 and image.shape[2] == 3)


@fuzzed
@given(SMALL, SMALL, st.lists(NUMBER, min_size=9, max_size=9), st.lists(NUMBER, max_size=14), st.text(max_size=12))
def test_camera_infos(height, width, k, d, model):
    message = CameraInfo(height=height, width=width, distortion_model=model, d=d, k=k)
    found = _quietly(intrinsics_from_camera_info, message)
    if found is not None:
        assert np.isfinite(found[0]).all() and found[0].shape == (3, 3)


@fuzzed
@given(st.lists(NUMBER, min_size=7, max_size=7), st.sampled_from(["base", "", "/base", "world"]))
def test_poses(values, frame):
    message, transform = PoseStamped(), Transform()
    message.header.frame_id = frame
    for target in (message.pose.position, transform.translation):
        target.x, target.y, target.z = values[:3]
    for target in (message.pose.orientation, transform.rotation):
        target.x, target.y, target.z, target.w = values[3:]
    for pose in (_quietly(pose7_from_pose_stamped, message, "base", "pose"), _quietly(pose7_from_transform, transform)):
        if pose is not None:
            assert np.isfinite(pose).all() and np.linalg.norm(pose[3:]) == pytest.approx(1.0)


@fuzzed
@given(
    st.lists(st.sampled_from(["f1", "f2", "x", ""]), max_size=4),
    st.lists(NUMBER, max_size=4),
    st.integers(0, 2**31 - 1),
)
def test_joint_states(names, positions, second):
    from action_images_ros.interfaces.arm_state import ArmRules, ArmState

    arm = ArmState(ArmRules("base", ("f1", "f2"), 0.0, 0.08, 0.1, 0.5))
    message = JointState(name=names, position=positions)
    _quietly(arm.add_joints, message, second * 1_000_000_000)
    openness = _quietly(arm.openness, second * 1_000_000_000)
    assert openness is None or 0.0 <= openness <= 1.0


@fuzzed
@given(
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 6),
    st.lists(NUMBER, min_size=12, max_size=12),
    st.floats(-5, 5) | st.just(0.2),
    st.binary(max_size=40),
    st.booleans(),
)
def test_chunks(poses, fingers, points, values, dt, noise, bigendian):
    from geometry_msgs.msg import Transform as Pose

    transform = Pose()
    transform.translation.x, transform.translation.y, transform.translation.z = values[:3]
    transform.rotation.x, transform.rotation.y, transform.rotation.z, transform.rotation.w = values[3:7]
    messages = MultiDOFJointTrajectory(), JointTrajectory(), PointCloud2(height=1, width=points, is_bigendian=bigendian)
    for message in messages:
        message.header.stamp, message.header.frame_id = stamp_from_ns(10**9), "base"
    when = [duration_from_seconds(index * dt) for index in range(7)]
    messages[0].points = [
        MultiDOFJointTrajectoryPoint(transforms=[transform], time_from_start=when[i]) for i in range(poses)
    ]
    messages[1].points = [
        JointTrajectoryPoint(positions=values[7 : 7 + (i % 3)], time_from_start=when[i]) for i in range(fingers)
    ]
    cloud = messages[2]
    cloud.fields = [PointField(name=name) for name in CONFIDENCE.names]
    cloud.point_step = CONFIDENCE.itemsize
    cloud.data = (noise * 20)[: points * CONFIDENCE.itemsize]
    chunk = _quietly(chunk_from_messages, *messages, "base")
    assert chunk is None or len(chunk) == poses


@fuzzed
@given(st.integers(0, 9), st.integers(0, 9), st.integers(-2, 9), st.integers(-2, 9))
def test_stacked_frames(height, width, rows, columns):
    frames = _quietly(split_frames, np.zeros((height, width, 3), np.uint8), (rows, columns))
    assert frames is None or frames.shape[1:3] == (rows, columns)


@fuzzed
@given(st.text(max_size=40) | st.text("a \n\x00\x1b", min_size=MAX_CHARACTERS - 2, max_size=MAX_CHARACTERS + 3))
def test_instructions(text):
    topic = InstructionTopic(lambda: type("Nobody", (), {"publish": lambda self, message: None})(), lambda text: None)
    if "\ud800" <= max(text, default="") <= "\udfff":
        return
    _quietly(topic.heard, String(data=text))
    assert topic.text.isprintable() and len(topic.text) <= MAX_CHARACTERS


@fuzzed
@given(
    st.fixed_dictionaries(
        {},
        optional={name: JSON for name in ("name", "image_size", "frames", "dt", "tasks", "output", "license", "views")},
    )
    | JSON
)
def test_model_cards(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "card"
    folder.mkdir(exist_ok=True)
    (folder / "model_card.json").write_text(json.dumps(content))
    card = _quietly(ModelCard.load, folder)
    assert card is None or (card.dt > 0 and math.isfinite(card.dt) and card.frames >= 2)


@fuzzed
@given(st.text(max_size=120) | st.text("[]{}:,&*! \n-'\"ab1", max_size=120))
def test_yaml_and_json_files(tmp_path_factory, text):
    content = _quietly(parse_yaml, text, "file.yaml")
    if content is not None:
        _quietly(check_sections, content, "file.yaml")
        _quietly(check_sections, {"/**/arm_command": {"ros__parameters": content}}, "file.yaml")
    path = tmp_path_factory.getbasetemp() / "side.json"
    path.write_text(text, errors="replace")
    _quietly(load_json, path)
