"""The launch file starts the nodes that label, and the player; a stand-in for the launch packages records it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

FILE = Path(__file__).parents[2] / "launch" / "label.launch.py"


class Recorded(SimpleNamespace):
    """Any launch action: keeps its arguments."""

    def __init__(self, *args, **kwargs):
        super().__init__(args=args, kwargs=kwargs)

    def perform(self, context):
        return context[self.args[0]]


@pytest.fixture
def actions(monkeypatch):
    """What the launch file starts for given arguments, by the names of the actions."""
    if importlib.util.find_spec("launch_ros") is not None:
        pytest.skip("the genuine launch packages are here: `ros2 launch --print` is the better test")
    parts = {"launch": ["LaunchDescription"], "launch.events": ["Shutdown"],
             "launch.actions": ["DeclareLaunchArgument", "EmitEvent", "ExecuteProcess", "OpaqueFunction",
                                "SetEnvironmentVariable"],
             "launch.substitutions": ["LaunchConfiguration"], "launch_ros": [], "launch_ros.actions": ["Node"]}
    for name, classes in parts.items():
        module = ModuleType(name)
        for kind in classes:
            setattr(module, kind, type(kind, (Recorded,), {}))
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("label_launch", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def start(**arguments):
        made = module._actions({**{name: default for name, (default, _) in module.ARGUMENTS.items()}, **arguments})
        return [(type(action).__name__, action.kwargs) for action in made]
    return start


def test_the_nodes_that_label_are_started_and_no_arm(actions):
    nodes = {kwargs["name"]: kwargs for _, kwargs in actions(robot="franka", known_pose="no", instruction="lift")}
    assert set(nodes) == {"decoder", "view", "label"}
    parameters = nodes["label"]["parameters"][-1]
    assert parameters["known_pose"] == "no" and parameters["instruction"] == "lift"
    assert parameters["robot"].endswith("franka.yaml") and nodes["label"]["namespace"] == "/"


def test_a_recording_is_played(actions):
    kind, kwargs = actions(bag="demo", rate="0.5")[-1]
    assert kind == "ExecuteProcess" and kwargs["cmd"][:6] == ["ros2", "bag", "play", "demo", "--rate", "0.5"]
