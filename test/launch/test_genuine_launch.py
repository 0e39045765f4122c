"""The launch files upon the launch packages themselves, wherever these can be imported; nothing is started."""

import importlib.util
from pathlib import Path

import pytest

from action_images_ros.graph.options import GraphOptions, processes

launch = pytest.importorskip("launch")
actions = pytest.importorskip("launch_ros.actions")

FOLDER = Path(__file__).resolve().parents[2] / "launch"


def _module(name):
    spec = importlib.util.spec_from_file_location(f"{name}_launch", FOLDER / f"{name}.launch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _context(**arguments):
    context = launch.LaunchContext()
    context.launch_configurations.update(arguments)
    return context


@pytest.mark.parametrize("name", ["policy", "label"])
def test_the_description_is_one_that_launch_reads(name):
    description = _module(name).generate_launch_description()
    assert isinstance(description, launch.LaunchDescription)
    declared = {argument.name for argument in description.get_launch_arguments()}
    assert {"robot", "model", "cameras", "instruction", "namespace", "params_file"} <= declared


@pytest.mark.parametrize("robot", ["cell", "franka"])
def test_every_process_is_a_node_of_launch(robot):
    nodes = _module("policy")._nodes(_context(robot=robot, instruction="lift"))
    assert len(nodes) == len(processes(GraphOptions(robot=robot, instruction="lift")))
    assert all(isinstance(node, actions.Node) for node in nodes)


def test_a_wrong_argument_starts_nothing():
    with pytest.raises(ValueError, match="robot is 'nobody'"):
        _module("policy")._nodes(_context(robot="nobody"))
