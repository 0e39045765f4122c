"""Stand-ins for the launch packages: every action keeps its arguments, nothing is started."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

FOLDER = Path(__file__).parents[2] / "launch"
GENUINE = importlib.util.find_spec("launch_ros") is not None
_PARTS = {
    "launch": ["LaunchDescription"],
    "launch.events": ["Shutdown"],
    "launch.actions": [
        "DeclareLaunchArgument",
        "EmitEvent",
        "ExecuteProcess",
        "LogInfo",
        "OpaqueFunction",
        "SetEnvironmentVariable",
    ],
    "launch_ros": [],
    "launch_ros.actions": ["Node"],
}


class Recorded(SimpleNamespace):
    """Any launch action."""

    def __init__(self, *args, **kwargs):
        super().__init__(args=args, kwargs=kwargs)


def load(monkeypatch, name):
    """The launch file as a module, upon stand-ins."""
    for module_name, classes in _PARTS.items():
        module = ModuleType(module_name)
        for kind in classes:
            setattr(module, kind, type(kind, (Recorded,), {}))
        monkeypatch.setitem(sys.modules, module_name, module)
    spec = importlib.util.spec_from_file_location(name.replace(".", "_"), FOLDER / f"{name}.launch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def context(**arguments):
    """What a launch file's functions are given."""
    return SimpleNamespace(launch_configurations=arguments)
