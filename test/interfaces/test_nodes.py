"""The tables are those of the design, the documentation tells the same, and nodes are started from them alone."""

from pathlib import Path

import pytest

from action_images_ros.interfaces.nodes import NODES, nodes_for
from action_images_ros.interfaces.topics import TOPICS, message_type, topic, topic_name
from action_images_ros.ros import qos

ROOT = Path(__file__).parents[2]

# topic: (type, reliable, latched, from, to); the normative table of the graph's interface.
NORMATIVE = {
    "<cam>/image_raw": ("sensor_msgs/msg/Image", False, False, {"cell"}, {"policy", "view", "label"}),
    "<cam>/camera_info": ("sensor_msgs/msg/CameraInfo", False, False, {"cell"}, {"policy", "label"}),
    "<cam>/pose": ("geometry_msgs/msg/PoseStamped", True, True, {"cell"}, {"policy", "label"}),
    "joint_states": ("sensor_msgs/msg/JointState", False, False, {"cell"}, {"policy", "arm_command", "label"}),
    "current_pose": (
        "geometry_msgs/msg/PoseStamped",
        False,
        False,
        {"cell"},
        {"policy", "arm_command", "view", "label"},
    ),
    "instruction": ("std_msgs/msg/String", True, True, set(), {"policy", "view", "label"}),
    "chunk/<cam>/action_images": ("sensor_msgs/msg/Image", True, True, {"policy", "label"}, {"decoder", "view"}),
    "chunk/<cam>/predicted_video": ("sensor_msgs/msg/Image", True, True, {"policy"}, {"view"}),
    "chunk/<cam>/camera_info": ("sensor_msgs/msg/CameraInfo", True, True, {"policy", "label"}, {"decoder", "view"}),
    "chunk/<cam>/pose": ("geometry_msgs/msg/PoseStamped", True, True, {"policy", "label"}, {"decoder", "view"}),
    "chunk/poses": ("trajectory_msgs/msg/MultiDOFJointTrajectory", True, True, {"decoder"}, {"arm_command", "view"}),
    "chunk/gripper": ("trajectory_msgs/msg/JointTrajectory", True, True, {"decoder"}, {"arm_command", "view"}),
    "chunk/confidence": ("sensor_msgs/msg/PointCloud2", True, True, {"decoder"}, {"arm_command", "view"}),
    "plan": ("nav_msgs/msg/Path", True, True, {"arm_command"}, set()),
    "executed": ("nav_msgs/msg/Path", True, True, {"arm_command"}, {"view"}),
    "target_pose": ("geometry_msgs/msg/PoseStamped", True, False, {"arm_command"}, {"cell"}),
    "gripper_command": ("std_msgs/msg/Float64", True, False, {"arm_command"}, {"cell", "policy", "label"}),
    "/clock": ("rosgraph_msgs/msg/Clock", False, False, {"cell"}, set()),
}


@pytest.mark.parametrize("name", NORMATIVE)
def test_the_table_is_the_normative_one(name):
    kind, reliable, latched, publishers, subscribers = NORMATIVE[name]
    row = topic(name)
    profile = qos.PROFILES[row.qos]
    assert row.type == kind
    assert (profile.reliability == qos.ReliabilityPolicy.RELIABLE) == reliable
    assert (profile.durability == qos.DurabilityPolicy.TRANSIENT_LOCAL) == latched
    assert (set(row.publishers), set(row.subscribers)) == (publishers, subscribers)


@pytest.mark.parametrize(
    "name, depth", [("<cam>/image_raw", 2), ("chunk/poses", 1), ("target_pose", 1), ("gripper_command", 1)]
)
def test_depths_are_the_normative_ones(name, depth):
    assert qos.PROFILES[topic(name).qos].depth == depth


def test_names_are_relative_but_for_what_ros_fixes():
    assert [row.name for row in TOPICS if row.name.startswith("/")] == ["/clock", "/diagnostics"]


def test_every_type_can_be_imported():
    for row in TOPICS:
        assert message_type(row.type).__name__ == row.type.rsplit("/", 1)[-1]


def test_every_node_has_its_module_and_main():
    import importlib

    for node in NODES:
        assert callable(importlib.import_module(node.module).main)


def test_every_node_module_is_in_the_table():
    files = {path.stem for path in (ROOT / "action_images_ros" / "nodes").glob("*_node.py")}
    assert files == {node.executable for node in NODES}


def test_a_robot_excludes_the_cell():
    assert "cell" in {node.name for node in nodes_for("cell")}
    assert "cell" not in {node.name for node in nodes_for("franka")}
    assert [node.name for node in nodes_for("cell", label=True)] == ["decoder", "view", "label"]
    with pytest.raises(ValueError, match="robot is empty"):
        nodes_for("")


def test_camera_topics_need_a_camera_and_others_have_none():
    assert topic_name("<cam>/pose", "left") == "left/pose"
    for wrong in (("<cam>/pose", None), ("plan", "left")):
        with pytest.raises(ValueError, match="<cam>"):
            topic_name(*wrong)


def test_an_unknown_topic_is_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="chunk/poses"):
        topic("chunks/poses")


def test_only_the_policy_loads_torch():
    """Imports every other module of the graph in a process of its own and looks for torch afterwards."""
    import subprocess
    import sys

    modules = [node.module for node in NODES] + [
        "action_images_ros.graph.options",
        "action_images_ros.graph.supervisor",
        "action_images_ros.apps.demo",
        "action_images_ros.apps.trials",
    ]
    code = f"import sys\nfor m in {modules!r}: __import__(m)\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


def test_only_the_folders_of_the_graph_import_rclpy():
    package = ROOT / "action_images_ros"
    guilty = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in ("ros", "nodes", "graph", "apps", "benchmarks")
        and any(line.startswith(("import rclpy", "from rclpy")) for line in path.read_text().splitlines())
    ]
    assert guilty == []


def test_the_documentation_lists_every_topic_with_its_type_and_every_node():
    text = (ROOT / "docs" / "nodes.md").read_text()
    for row in TOPICS:
        lines = [line for line in text.splitlines() if line.startswith(f"| `{row.name}` ")]
        assert lines, row.name
        assert row.type.replace("/msg/", "/") in lines[0], row.name
        assert f"| {row.qos} " in lines[0], row.name
    for node in NODES:
        assert f"## `{node.name}`" in text
