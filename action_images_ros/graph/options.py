"""What to start for a robot: options in, processes out. The launch file and `action-images up` both build on this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..interfaces.instruction import checked_instruction
from ..interfaces.nodes import NODES, NodeSpec, nodes_for
from ..paths import share_path
from ..ros.node_parameters import check_parameter_file, check_sections
from ..safe_files import load_yaml

__all__ = ["GraphOptions", "ProcessSpec", "effective_parameters", "processes"]


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a part of a ROS name


@dataclass(frozen=True)
class GraphOptions:
    """Arguments of the launch file. None or empty: the value of the parameter files.

    robot: "cell" for the simulated cell, else a name in config/robots (or a path to such a file); any name but "cell"
    excludes the cell. overrides: node name -> parameters that win over the files. label: the nodes that label a
    replayed recording instead of those that control the arm; no cell, real time. remaps: node name -> other names for
    its topics.
    """

    robot: str = "cell"
    model: str = ""
    cameras: tuple[str, ...] = ()
    instruction: str = ""
    policy: str = "model"
    use_sim_time: bool | None = None
    params_file: str = ""
    namespace: str | None = None
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    label: bool = False
    remaps: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessSpec:
    """One process: the node, its namespace and its parameters (files first, then single ones)."""

    node: NodeSpec
    namespace: str
    parameter_files: tuple[Path, ...]
    parameters: dict[str, Any]
    remaps: tuple[tuple[str, str], ...] = ()

    def ros_arguments(self, directory: Path) -> list[str]:
        """Arguments after the program's name; single parameters are written to a file in `directory`.

        Given as `-p NAME:=VALUE` they would lose against a file's section for this node: ROS puts them under `/**`.
        """
        own = directory / f"{self.node.name}.yaml"
        full_name = f"/{self.namespace}/{self.node.name}" if self.namespace else f"/{self.node.name}"
        own.write_text(yaml.safe_dump({full_name: {"ros__parameters": self.parameters}}))
        arguments = ["--ros-args", "-r", f"__node:={self.node.name}"]
        if self.namespace:
            arguments += ["-r", f"__ns:=/{self.namespace}"]
        for name, other in self.remaps:
            arguments += ["-r", f"{name}:={other}"]
        for path in (*self.parameter_files, own):
            arguments += ["--params-file", str(path)]
        return arguments


def effective_parameters(spec: ProcessSpec) -> dict[str, Any]:
    """What a node is given: the files' sections that apply to it in their order, then its single parameters."""
    merged: dict[str, Any] = {}
    for path in spec.parameter_files:
        content = _sections(path)
        for name, section in content.items():
            last = str(name).rstrip("/").rsplit("/", 1)[-1]
            if last in ("**", spec.node.name) and isinstance(section, dict):
                merged.update(section.get("ros__parameters") or {})
    return {**merged, **spec.parameters}


def robot_file(robot: str) -> Path:
    """The parameters of a robot: config/robots/NAME.yaml or a path; ValueError listing the names otherwise."""
    if robot.endswith((".yaml", ".yml")):
        if not Path(robot).is_file():
            raise ValueError(f"robot is {robot!r}, no such file; give the path of a YAML file or a name")
        return Path(robot).resolve()
    directory = share_path("config/robots")
    path = directory / f"{robot}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in directory.glob("*.yaml")))
        raise ValueError(f"robot is {robot!r}; give one of {known}, or the path of a YAML file like them")
    return path


def _has_section(path: Path, node: str) -> bool:
    """Whether a parameter file has a section for that node."""
    return any(str(name).rstrip("/").rsplit("/", 1)[-1] == node for name in _sections(path))


def _sections(path: Path) -> dict[str, Any]:
    """The sections of a parameter file; ValueError when it is no mapping of sections."""
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}; give sections NODE: {{ros__parameters: ...}}")
    return content


def processes(options: GraphOptions) -> list[ProcessSpec]:
    """The processes for these options, in the order in which to start them. Raises ValueError."""
    in_cell = options.robot == "cell"
    namespace = ("cell" if in_cell else "") if options.namespace is None else options.namespace.strip("/")
    if namespace and not all(_NAME.fullmatch(part) for part in namespace.split("/")):
        raise ValueError(
            f"namespace is {namespace!r}; give names of letters, digits and _ separated by /, none "
            "beginning with a digit"
        )
    for camera in options.cameras:
        if not all(_NAME.fullmatch(part) for part in camera.split("/")):
            raise ValueError(f"cameras has {camera!r}; give names of letters, digits and _, as in the topics")
    if in_cell and "cell" not in namespace.split("/"):
        raise ValueError(f"namespace is {namespace!r} with robot 'cell'; the cell runs in /cell or below .../cell only")
    if options.label and options.policy != "model":
        raise ValueError(f"policy is {options.policy!r} with label; a recording is labelled by the model")
    if options.policy == "oracle" and not in_cell:
        raise ValueError(f"policy is 'oracle' with robot {options.robot!r}; only the cell has an expert to draw")
    files = [share_path("config/policy.yaml"), robot_file(options.robot)]
    if options.params_file:
        path = Path(options.params_file).expanduser()
        if not path.is_file():
            raise ValueError(f"params_file is {options.params_file!r}: no such file")
        files.append(path.resolve())
    for file in files:
        check_parameter_file(file)
    simulated = in_cell and not options.label
    common: dict[str, Any] = {"use_sim_time": simulated if options.use_sim_time is None else options.use_sim_time}
    if options.model:
        directory = Path(options.model).expanduser()
        common["model"] = str(directory.resolve()) if directory.is_dir() else options.model
    if options.cameras:
        common["cameras"] = list(options.cameras)
    special: dict[str, dict[str, Any]] = {
        "policy": {"policy": options.policy},
        "cell": {},
        "label": {"robot": str(robot_file(options.robot))},
    }
    if checked_instruction(options.instruction):
        special["policy"]["instruction"] = special["label"]["instruction"] = options.instruction
    if options.policy == "oracle":
        special["cell"]["publish_expert"] = True
    unknown = set(options.overrides) - {node.name for node in NODES}
    if unknown:
        raise ValueError(f"overrides name {sorted(unknown)}; nodes are {[node.name for node in NODES]}")
    check_sections({name: {"ros__parameters": values} for name, values in options.overrides.items()}, "overrides")
    return [
        ProcessSpec(
            node,
            namespace,
            tuple(files),
            {**common, **special.get(node.name, {}), **options.overrides.get(node.name, {})},
            tuple(options.remaps.get(node.name, {}).items()),
        )
        for node in nodes_for(options.robot, options.label)
        if node.name not in options.without
        and (not node.robot_only or any(_has_section(path, node.name) for path in files[1:]))
    ]
