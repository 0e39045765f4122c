"""Topics are found by what they are; what is missing is said together with what there is."""

import numpy as np
import pytest
from recordings import record, rewritten, small_episode

from action_images_ros.cell.cell import ROBOT_TOOL_FROM_MODEL_TOOL
from action_images_ros.data.rosbag2.bag import Bag, BagError
from action_images_ros.data.rosbag2.topics import BagSetup, find_topics, robot_setup, setup_for
from action_images_ros.data.rosbag2.writer import BagWriter
from action_images_ros.interfaces.camera_model import is_rectified


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", small_episode(frames=2))


def test_the_topics_of_the_cell_are_found_in_its_namespace(recording):
    with Bag(recording) as bag:
        found = find_topics(bag, setup_for(bag))
        assert [c.name for c in found.cameras] == ["left", "right"]
        assert found.cameras[0].image == "/cell/left/image_raw" and found.cameras[0].pose == "/cell/left/pose"
        assert (found.current_pose, found.gripper_command) == ("/cell/current_pose", "/cell/gripper_command")
        assert found.status == "/cell/cell/status" and found.joint_states == ()


def test_the_cells_robot_is_assumed_only_in_the_cells_namespace(recording, tmp_path):
    with Bag(recording) as bag:
        np.testing.assert_allclose(setup_for(bag).robot_tool_from_model_tool, ROBOT_TOOL_FROM_MODEL_TOOL, atol=1e-12)
    elsewhere = record(tmp_path / "robot", small_episode(frames=2), namespace="")
    with Bag(elsewhere) as bag:
        assert setup_for(bag).robot_tool_from_model_tool is None
        assert setup_for(bag, "franka").base_frame == "fr3_link0"


def test_cameras_can_be_chosen_ordered_and_renamed(recording):
    with Bag(recording) as bag:
        found = find_topics(bag, BagSetup(cameras=("right", "wide=/cell/left/image_raw")))
        assert [(c.name, c.info) for c in found.cameras] == [
            ("right", "/cell/right/camera_info"),
            ("wide", "/cell/left/camera_info"),
        ]


def test_a_missing_camera_is_told_with_the_cameras_there_are(recording):
    words = r"camera 'wrist'.*\['left', 'right'\].*/cell/instruction"
    with Bag(recording) as bag, pytest.raises(BagError, match=words):
        find_topics(bag, BagSetup(cameras=("wrist",)))


def test_generated_and_depth_pictures_are_no_cameras(recording, tmp_path):
    def add(writer):
        for name in ("/cell/chunk/left/action_images", "/cell/view/left/overlay", "/cell/left/depth/image_rect"):
            writer.add_topic(name, "sensor_msgs/msg/Image", "latched")
            writer.write(name, b"\0\1\0\0", 2_000_000_000)

    with Bag(rewritten(recording, tmp_path / "more", extra=add)) as bag:
        assert [c.name for c in find_topics(bag, setup_for(bag)).cameras] == ["left", "right"]


def test_depth_of_another_name_is_no_camera(recording, tmp_path):
    def add(writer):
        with Bag(recording) as bag:
            picture = bag.read(next(iter(bag.messages(["/cell/left/image_raw"]))))
        for name, encoding, size in (
            ("/cell/aligned/image_raw", "16UC1", 2),
            ("/cell/left/image_rect_color", "32FC1", 4),
        ):
            picture.encoding, picture.step = encoding, size * picture.width
            picture.data = np.zeros(picture.step * picture.height, np.uint8)
            writer.add_topic(name, "sensor_msgs/msg/Image", "sensor")
            for stamp in (1_000_000_000, 1_200_000_000):
                writer.write(name, picture, stamp)

    with Bag(rewritten(recording, tmp_path / "depth", extra=add)) as bag:
        found = find_topics(bag, setup_for(bag))
        assert [c.image for c in found.cameras] == ["/cell/left/image_raw", "/cell/right/image_raw"] and not found.notes


def test_a_camera_at_the_root_has_a_name(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "root") as writer:
        for topic in ("image_raw", "camera_info"):
            writer.add_topic(f"/{topic}", bag.topics[f"/cell/left/{topic}"].type, "sensor")
        for message in bag.messages(["/cell/left/image_raw", "/cell/left/camera_info"]):
            writer.write(f"/{message.topic.rpartition('/')[2]}", message.data, message.log_ns)
    with Bag(tmp_path / "root") as bag:
        assert [(c.name, c.info) for c in find_topics(bag, BagSetup()).cameras] == [("camera", "/camera_info")]


@pytest.mark.parametrize(
    "topic, rectified",
    [
        ("/cam/image_rect", True),
        ("/cam/image_rect_color/compressed", True),
        ("/cam/rectified/image", True),
        ("/cam/image_undistorted", True),
        ("/cam/image_raw", False),
        ("/direct/image_raw", False),
        ("/corrected_view/image_raw", False),
        ("/cam/image_not_rectified", False),
        ("/cam/unrectified/image", False),
    ],
)
def test_rectified_is_a_word_of_the_name(topic, rectified):
    assert is_rectified(topic) == rectified


def test_a_camera_without_intrinsics_is_refused_with_the_remedy(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "without") as writer:
        writer.copy(bag, [name for name in bag.topics if name != "/cell/left/camera_info"])
    with Bag(tmp_path / "without") as bag:
        with pytest.raises(BagError, match="/cell/left/camera_info"):
            find_topics(bag, BagSetup())
        assert [c.name for c in find_topics(bag, BagSetup(cameras=("right",))).cameras] == ["right"]


def test_a_recording_without_pictures_lists_its_topics(recording, tmp_path):
    with Bag(recording) as bag, BagWriter(tmp_path / "blind") as writer:
        writer.copy(bag, ["/cell/current_pose"])
    words = r"no camera.*/cell/current_pose \(geometry_msgs"
    with Bag(tmp_path / "blind") as bag, pytest.raises(BagError, match=words):
        find_topics(bag, BagSetup())


def test_two_robots_in_one_recording_need_a_namespace(recording, tmp_path):
    def add(writer):
        writer.add_topic("/other/current_pose", "geometry_msgs/msg/PoseStamped")

    with Bag(rewritten(recording, tmp_path / "two", extra=add)) as bag:
        with pytest.raises(BagError, match="/cell/current_pose, /other/current_pose.*namespace"):
            find_topics(bag, BagSetup())
        assert find_topics(bag, BagSetup(namespace="cell")).current_pose == "/cell/current_pose"
        assert find_topics(bag, BagSetup(current_pose="/other/current_pose")).current_pose == "/other/current_pose"


def test_a_topic_of_another_type_is_refused(recording):
    with Bag(recording) as bag, pytest.raises(BagError, match="/cell/instruction.*std_msgs/msg/String"):
        find_topics(bag, BagSetup(current_pose="/cell/instruction"))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"extrinsics": "guess"}, "extrinsics is 'guess'"),
        ({"extrinsics": "file"}, "calibration_file is empty"),
        ({"image_tolerance": -1}, "image_tolerance is -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        BagSetup(**change)


def test_an_unknown_robot_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="'robby'.*cell, franka"):
        robot_setup("robby")
    (tmp_path / "half.yaml").write_text("/**: {ros__parameters: {base_frame: base}}")
    with pytest.raises(ValueError, match="half.yaml.*robot_tool_from_model_tool"):
        robot_setup(str(tmp_path / "half.yaml"))
