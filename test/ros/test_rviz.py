"""The display file shows the robot's own cameras and base frame, on topics that the graph publishes."""

import pytest
import yaml

from action_images_ros.interfaces.topics import TOPICS, topic_names
from action_images_ros.ros import qos
from action_images_ros.ros.rviz import rviz_config, write_rviz


@pytest.mark.parametrize("cameras", [["left", "right"], ["camera_0", "camera_1"], ["a", "b", "wrist"]])
def test_every_camera_is_shown_in_the_base_frame(tmp_path, cameras):
    config = yaml.safe_load(write_rviz(tmp_path / "f.rviz", cameras, "fr3_link0").read_text())["Visualization Manager"]
    assert config["Global Options"]["Fixed Frame"] == "fr3_link0"
    shown = {display["Topic"]["Value"]: display for display in config["Displays"] if "Topic" in display}
    rows = topic_names(TOPICS, cameras)
    assert {
        "plan",
        "executed",
        "chunk/confidence",
        *(f"{c}/image_raw" for c in cameras),
        *(f"view/{c}/{s}" for c in cameras for s in ("predicted_video", "action_images", "overlay")),
    } <= set(shown)
    for name, display in shown.items():
        reliable = qos.PROFILES[rows[name].qos].reliability == qos.ReliabilityPolicy.RELIABLE
        assert display["Topic"]["Reliability Policy"] == ("Reliable" if reliable else "Best Effort"), name
        assert rows[name].type.endswith(
            {"Path": "Path", "Image": "Image", "PointCloud2": "PointCloud2", "Pose": "PoseStamped"}[
                display["Class"].split("/")[1]
            ]
        ), name
    names = [display["Name"] for display in config["Displays"]]
    assert len(set(names)) == len(names)


def test_no_other_cameras_are_shown():
    assert "camera_0" not in yaml.safe_dump(rviz_config(["left", "right"], "base"))
