"""Options become processes: which nodes, in which namespace, with which parameters; wrong options are refused."""

from pathlib import Path

import pytest
import yaml

from action_images_ros.graph.options import GraphOptions, processes, robot_file


def _by_name(**options):
    return {spec.node.name: spec for spec in processes(GraphOptions(**options))}


def test_the_cell_runs_in_its_namespace_on_simulated_time():
    specs = _by_name()
    assert set(specs) == {"cell", "policy", "decoder", "arm_command", "view"}
    assert {spec.namespace for spec in specs.values()} == {"cell"}
    assert all(spec.parameters["use_sim_time"] is True for spec in specs.values())


def test_a_robot_has_no_cell_no_namespace_and_real_time():
    specs = _by_name(robot="franka")
    assert set(specs) == {"policy", "decoder", "arm_command", "robot_bridge", "view"}
    assert {spec.namespace for spec in specs.values()} == {""}
    assert all(spec.parameters["use_sim_time"] is False for spec in specs.values())
    assert specs["policy"].parameter_files[-1].name == "franka.yaml"


def test_recordings_are_labelled_without_cell_policy_and_arm():
    specs = _by_name(label=True, instruction="lift")
    assert set(specs) == {"decoder", "view", "label"} and {spec.namespace for spec in specs.values()} == {"cell"}
    assert not any(spec.parameters["use_sim_time"] for spec in specs.values())
    assert specs["label"].parameters["robot"].endswith("cell.yaml")
    assert specs["label"].parameters["instruction"] == "lift"
    with pytest.raises(ValueError, match="labelled by the model"):
        processes(GraphOptions(label=True, policy="oracle"))


def test_arguments_reach_the_nodes_they_are_for(tmp_path):
    specs = _by_name(
        model=str(tmp_path), cameras=("a", "b"), instruction="lift", policy="oracle", overrides={"view": {"rate": 2.0}}
    )
    assert specs["decoder"].parameters["model"] == str(tmp_path)
    assert specs["view"].parameters["cameras"] == ["a", "b"] and specs["view"].parameters["rate"] == 2.0
    assert specs["policy"].parameters["instruction"] == "lift" and "instruction" not in specs["view"].parameters
    assert specs["cell"].parameters["publish_expert"] is True


def test_single_parameters_are_written_for_exactly_this_node(tmp_path):
    arguments = _by_name(instruction='it\'s "late"', cameras=("a", "b"))["policy"].ros_arguments(tmp_path)
    assert arguments[:5] == ["--ros-args", "-r", "__node:=policy", "-r", "__ns:=/cell"]
    written = yaml.safe_load(Path(arguments[-1]).read_text())
    assert written["/cell/policy"]["ros__parameters"]["instruction"] == 'it\'s "late"'


@pytest.mark.parametrize(
    "options, words",
    [
        ({"robot": "terminator"}, "terminator.*cell, franka"),
        ({"robot": "missing.yaml"}, "no such file"),
        ({"robot": "franka", "policy": "oracle"}, "oracle.*franka"),
        ({"namespace": "left_arm"}, "cell runs in /cell"),
        ({"params_file": "nowhere.yaml"}, "nowhere.yaml.*no such file"),
        ({"overrides": {"gripper": {}}}, "gripper"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        processes(GraphOptions(**options))


def test_a_robots_file_may_lie_anywhere(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("/**:\n  ros__parameters:\n    base_frame: link0\n")
    assert robot_file(str(path)) == path
    assert "cell" not in _by_name(robot=str(path))


def test_every_key_of_the_files_is_commented():
    config = Path(__file__).parents[2] / "config"
    for path in [config / "policy.yaml", *(config / "robots").glob("*.yaml")]:
        commented = False
        for line in path.read_text().splitlines():
            if line.startswith("    #"):
                commented = True
            elif line.startswith("    "):
                assert commented, f"{path.name}: {line.strip()} has no comment above it"
            else:
                commented = False
