"""The display file shows the robot's own cameras and base frame, on the graph's topics, in fixed places."""

import pytest
import yaml

from action_images_ros.display.strip import HEIGHT, WIDTH
from action_images_ros.interfaces.topics import TOPICS, topic_names
from action_images_ros.ros import qos
from action_images_ros.ros.qt_layout import Dock, read_docks, window_state
from action_images_ros.ros.rviz import rviz_config, write_rviz

CAMERAS = [["left", "right"], ["camera_0", "camera_1"], ["a", "b", "wrist"]]


def displays(config):
    return config["Visualization Manager"]["Displays"]


@pytest.mark.parametrize("cameras", CAMERAS)
def test_every_camera_is_shown_in_the_base_frame(tmp_path, cameras):
    config = yaml.safe_load(write_rviz(tmp_path / "f.rviz", cameras, "fr3_link0").read_text())
    assert config["Visualization Manager"]["Global Options"]["Fixed Frame"] == "fr3_link0"
    shown = {
        (display.get("Topic") or display["Description Topic"])["Value"]: display
        for display in displays(config)
        if "Topic" in display or "Description Topic" in display
    }
    rows = topic_names(TOPICS, cameras)
    assert {"view/markers", "robot_description", "plan", "executed", "label/path"} <= set(shown)
    assert {f"view/{camera}" for camera in cameras} <= set(shown)
    kinds = {"Pose": "PoseStamped", "RobotModel": "String"}
    for name, display in shown.items():
        said = display.get("Topic") or display["Description Topic"]
        reliable = qos.PROFILES[rows[name].qos].reliability == qos.ReliabilityPolicy.RELIABLE
        latched = qos.PROFILES[rows[name].qos].durability == qos.DurabilityPolicy.TRANSIENT_LOCAL
        assert said["Reliability Policy"] == ("Reliable" if reliable else "Best Effort"), name
        assert said["Durability Policy"] == ("Transient Local" if latched else "Volatile"), name
        kind = display["Class"].split("/")[1]
        assert rows[name].type.rsplit("/", 1)[1] == kinds.get(kind, kind), name
    names = [display["Name"] for display in displays(config)]
    assert len(set(names)) == len(names)


def test_the_frames_of_tf_are_those_of_base_tool_and_cameras():
    config = rviz_config(["left", "right"], "fr3_link0", "fr3_hand_tcp")
    (frames,) = (display["Frames"] for display in displays(config) if display["Class"].endswith("/TF"))
    assert {name for name, entry in frames.items() if entry is not False} == {
        "fr3_link0",
        "fr3_hand_tcp",
        "left_optical_frame",
        "right_optical_frame",
    }


def test_no_other_cameras_are_shown():
    assert "camera_0" not in yaml.safe_dump(rviz_config(["left", "right"], "base"))


@pytest.mark.parametrize("cameras", CAMERAS)
def test_the_strips_are_the_only_panes_large_and_in_the_cameras_order(cameras):
    config = rviz_config(cameras, "base")
    docks, width = read_docks(config["Window Geometry"]["QMainWindow State"])
    shown = [(dock.name, place, size) for dock, place, size in docks if dock.visible]
    assert [name for name, _, _ in shown] == [f"{camera} plan" for camera in cameras]
    enabled = {
        display["Name"] for display in displays(config) if display["Class"].endswith("Image") and display["Enabled"]
    }
    assert enabled == {name for name, _, _ in shown}
    assert width >= 640 and all(size >= width * HEIGHT / WIDTH for _, _, size in shown)
    for (_, place, size), (_, following, _) in zip(shown, shown[1:], strict=False):
        assert following >= place + size
    assert shown[-1][1] + shown[-1][2] <= config["Window Geometry"]["Height"]
    collapsed = {
        name for name, entry in config["Window Geometry"].items() if isinstance(entry, dict) and entry["collapsed"]
    }
    assert not collapsed & enabled


def test_approval_and_stop_are_in_the_view_and_their_tool_is_chosen():
    config = rviz_config(["left", "right"], "base")
    controls = [display for display in displays(config) if display["Class"].endswith("InteractiveMarkers")]
    assert [display["Interactive Markers Namespace"] for display in controls] == ["view/controls"]
    assert config["Visualization Manager"]["Tools"][0]["Class"].endswith("/Interact")


def test_the_window_state_is_what_qt_writes():
    """The head, one dock, the corners and the tool bar, byte by byte as QMainWindow::saveState(0) lays them out."""
    state = window_state([Dock("A")], 300, 200, (400, 200))
    assert state == (
        "000000ff00000000" + "fd00000001" + "00000000" + "0000012c000000c8" + "fc0200000001"
        "fb000000020041" + "01" + "00000000000000c80000003c00ffffff"
        "00000190000000c8" + "00000004000000040000000800000008"
        "fc00000001" + "0000000200000001" + "0000000a0054006f006f006c0073" + "01" + "00000000ffffffff0000000000000000"
    )
    assert read_docks(state) == ([(Dock("A"), 0, 200)], 300)
    with pytest.raises(ValueError, match="no QMainWindow state"):
        read_docks("00" * 40)
