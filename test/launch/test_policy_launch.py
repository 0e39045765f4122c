"""The launch file starts the processes of the table; a stand-in for the launch packages records what it asks for."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

FILE = Path(__file__).parents[2] / "launch" / "policy.launch.py"


class Recorded(SimpleNamespace):
    """Any launch action: keeps its arguments."""

    def __init__(self, *args, **kwargs):
        super().__init__(args=args, kwargs=kwargs)

    def perform(self, context):
        return context[self.args[0]]


@pytest.fixture
def launch_file(monkeypatch):
    """The launch file as a module, with stand-ins where the genuine packages are missing."""
    if importlib.util.find_spec("launch_ros") is None:
        parts = {"launch": ["LaunchDescription"], "launch.conditions": ["IfCondition"], "launch.events": ["Shutdown"],
                 "launch.actions": ["DeclareLaunchArgument", "EmitEvent", "OpaqueFunction", "SetEnvironmentVariable"],
                 "launch.substitutions": ["LaunchConfiguration"], "launch_ros": [], "launch_ros.actions": ["Node"]}
        for name, classes in parts.items():
            module = ModuleType(name)
            for kind in classes:
                setattr(module, kind, type(kind, (Recorded,), {}))
            monkeypatch.setitem(sys.modules, name, module)
    else:
        pytest.skip("the genuine launch packages are here: `ros2 launch --print` is the better test")
    spec = importlib.util.spec_from_file_location("policy_launch", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _nodes(launch_file, **arguments):
    defaults = {name: default for name, (default, _) in launch_file.ARGUMENTS.items()}
    context = {**defaults, **arguments}
    return {node.kwargs["name"]: node.kwargs for node in launch_file._nodes(context)}


def test_every_argument_is_declared_and_described(launch_file):
    described = {action.args[0]: action.kwargs["description"]
                 for action in launch_file.generate_launch_description().args[0]
                 if type(action).__name__ == "DeclareLaunchArgument"}
    assert set(described) >= {"model", "cameras", "instruction", "robot", "use_sim_time", "rviz"}
    assert all(described.values())


def test_the_processes_are_those_of_action_images_up(launch_file):
    from action_images_ros.ros.graph import GraphOptions, processes
    nodes = _nodes(launch_file, robot="cell", instruction="lift")
    specs = {spec.node.name: spec for spec in processes(GraphOptions(instruction="lift"))}
    assert set(nodes) == set(specs)
    for name, spec in specs.items():
        assert nodes[name]["package"] == "action_images_ros"
        assert nodes[name]["executable"] == spec.node.executable
        assert nodes[name]["namespace"] == "/cell"
        assert nodes[name]["parameters"][-1] == spec.parameters


def test_a_robots_name_excludes_the_cell(launch_file):
    nodes = _nodes(launch_file, robot="franka", cameras="a, b", use_sim_time="true")
    assert "cell" not in nodes and nodes["policy"]["namespace"] == "/"
    assert nodes["policy"]["parameters"][-1] == {
        "use_sim_time": True, "cameras": ["a", "b"], "policy": "model"}


def test_the_shared_memory_profile_is_set(launch_file):
    variables = [action.args for action in launch_file.generate_launch_description().args[0]
                 if type(action).__name__ == "SetEnvironmentVariable"]
    assert variables[0][0] == "FASTRTPS_DEFAULT_PROFILES_FILE" and Path(variables[0][1]).is_file()


def test_a_truth_value_is_checked(launch_file):
    with pytest.raises(ValueError, match="use_sim_time is 'maybe'"):
        _nodes(launch_file, use_sim_time="maybe")


def test_rviz_shows_what_the_graph_publishes():
    import yaml

    from action_images_ros.ros import qos
    from action_images_ros.ros.node_table import TOPICS, topic_names
    rows = topic_names(TOPICS, ["camera_0", "camera_1"])
    displays = yaml.safe_load((FILE.parents[1] / "config" / "rviz" / "policy.rviz").read_text())
    shown = {d["Topic"]["Value"]: d for d in displays["Visualization Manager"]["Displays"] if "Topic" in d}
    assert {"plan", "executed", "chunk/confidence", "camera_0/image_raw", "view/camera_0/predicted_video",
            "view/camera_1/action_images"} <= set(shown)
    for name, display in shown.items():
        reliable = qos.PROFILES[rows[name].qos].reliability == qos.ReliabilityPolicy.RELIABLE
        assert display["Topic"]["Reliability Policy"] == ("Reliable" if reliable else "Best Effort"), name
        assert rows[name].type.endswith({"Path": "Path", "Image": "Image", "PointCloud2": "PointCloud2",
                                         "Pose": "PoseStamped"}[display["Class"].split("/")[1]]), name
