"""One declaration of every parameter: nodes, parameter files and the documentation agree with it."""

import re

import pytest
import yaml

from action_images_ros.graph.options import GraphOptions, processes
from action_images_ros.interfaces.nodes import NODES
from action_images_ros.labelling.labeller import KNOWN_POSE
from action_images_ros.parameter import specs
from action_images_ros.paths import share_path
from action_images_ros.policy.registry import RUNTIMES
from action_images_ros.ros.extrinsics import SOURCES
from action_images_ros.ros.node_parameters import (
    NODE_PARAMETERS,
    LabelParameters,
    PolicyParameters,
    allowed_names,
    check_parameter_file,
    check_sections,
)

FILES = [share_path("config/policy.yaml"), *sorted(share_path("config/robots").glob("*.yaml"))]


def test_every_node_has_its_parameters():
    assert set(NODE_PARAMETERS) == {node.name for node in NODES}


@pytest.mark.parametrize("path", [*FILES, *share_path("config/benchmarks").glob("*.yaml")], ids=lambda path: path.stem)
def test_the_shipped_files_hold_only_what_nodes_declare(path):
    check_parameter_file(path)


def test_every_default_that_the_first_file_writes_down_is_the_declared_one():
    content = yaml.safe_load(FILES[0].read_text())
    file_only = {"outside_workspace", "nice", "torch_threads"}  # chosen there for small machines and the cell
    for section, body in content.items():
        for kind in NODE_PARAMETERS.get(section.rsplit("/", 1)[-1], ()):
            for spec in specs(kind):
                given = body["ros__parameters"].get(spec.name, spec.default)
                if spec.name not in file_only:
                    assert spec.checked(given) == spec.checked(spec.default), spec.name


@pytest.mark.parametrize(
    "node, key, near",
    [
        ("arm_command", "require_aproval", "require_approval"),
        ("arm_command", "max_linear_sped", "max_linear_speed"),
        ("policy", "finger_joint", "finger_joints"),
        ("decoder", "Model", "model"),
        ("cell", "reel_time_factor", "real_time_factor"),
        ("arm_command", "video_every", ""),
    ],
)
@pytest.mark.parametrize("section", ["/**/{}", "/cell/{}", "{}"])
def test_an_undeclared_key_is_refused_with_the_nearest_name(tmp_path, section, node, key, near):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({section.format(node): {"ros__parameters": {key: 1}}}))
    with pytest.raises(ValueError, match=rf"{key} is no parameter of {node}.*{near}"):
        check_parameter_file(path)
    with pytest.raises(ValueError, match=key):
        processes(GraphOptions(params_file=str(path)))


def test_a_key_for_all_nodes_must_be_one_of_any_node():
    check_sections({"/**": {"ros__parameters": {"model": "nano", "use_sim_time": True, "qos_overrides./tf.x": 1}}}, "x")
    with pytest.raises(ValueError, match="did you mean model"):
        check_sections({"/**": {"ros__parameters": {"modell": "nano"}}}, "x")


def test_sections_of_other_nodes_and_namespaces_are_understood():
    check_sections({"/camera": {"ros__parameters": {"anything": 1}}}, "x")
    with pytest.raises(ValueError, match="rte"):
        check_sections({"cell": {"policy": {"ros__parameters": {"rte": 1}}}}, "x")
    with pytest.raises(ValueError, match="rte"):
        check_sections({"a": {"b": {"policy": {"ros__parameters": {"rte": 1}}}}}, "x")
    check_sections({"camera_driver": {"ros__parameters": {"rate": 1}}, "ns": {"other": {"x": {"y": 1}}}}, "x")


@pytest.mark.parametrize(
    "content, named",
    [
        ({"/**/arm_comand": {"ros__parameters": {"require_approval": True}}}, "did you mean arm_command"),
        ({"/cell/polcy": {"ros__parameters": {"rate": 1.0}}}, "did you mean policy"),
        ({"/**/arm_command": {"ros_parameters": {"require_approval": True}}}, "ros__parameters"),
        ({"/**": {"ros_parameters": {"require_approval": True}}}, "ros__parameters"),
        ({"/arm*": {"ros__parameters": {"require_approval": True}}}, "wildcards"),
        ({"/**": {"ros__parameters": {"require_approval": "yes"}}}, "require_approval"),
        ({"/**": {"ros__parameters": {"max_linear_speed": 1e9}}}, "max_linear_speed"),
        ({"/cell/*": {"ros__parameters": {"model": {"name": "nano"}}}}, "model"),
    ],
)
def test_a_section_that_ros_would_ignore_in_silence_is_refused(content, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        check_sections(content, "x")


@pytest.mark.parametrize(
    "values",
    [
        {"max_linear_speed": "fast"},
        {"max_linear_speed": 0.0},
        {"require_approval": 1},
        {"workspace_min": [0.1, None, 0]},
        {"outside_workspace": "clamp"},
        {"rate": 1e9},
        {"min_valid_frames": 2.5},
    ],
)
def test_a_value_that_a_node_would_refuse_is_refused_in_the_file(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        check_sections({"arm_command": {"ros__parameters": values}}, "x")


@pytest.mark.parametrize("text", ["arm_command: {ros__parameters: 3}", "- a list", "{", "arm_command: 7"])
def test_a_file_of_another_shape_is_named(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"own\.yaml"):
        check_parameter_file(path)


def test_choices_are_those_of_the_code_that_takes_them():
    choices = {spec.name: set(spec.choices) for spec in specs(PolicyParameters)}
    assert choices["runtime"] == set(RUNTIMES) and choices["extrinsics"] == set(SOURCES)
    assert {s.name: set(s.choices) for s in specs(LabelParameters)}["known_pose"] == set(KNOWN_POSE)


def test_names_of_one_node_are_among_those_of_all():
    assert all(allowed_names(node) <= allowed_names() for node in NODE_PARAMETERS)
