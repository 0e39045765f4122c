"""What the launch files start: their arguments checked as a whole before any process exists; needs no launch package.

Both launch files and `action-images up` start the processes of `graph.options`; here is what only a launch file has:
arguments as text, unknown ones refused, rviz, a recording played apart from the live graph.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from ..interfaces.nodes import PARENT_VARIABLE
from ..interfaces.topics import TOPICS, topic_names
from ..ros.rviz import write_rviz
from .environment import graph_environment
from .options import GraphOptions, ProcessSpec, effective_parameters

__all__ = [
    "LABEL_ARGUMENTS",
    "POLICY_ARGUMENTS",
    "check_arguments",
    "label_options",
    "launch_environment",
    "play_command",
    "policy_options",
    "rviz_file",
    "truth",
]

POLICY_ARGUMENTS = {
    "model": ("", "directory of a model or a name in models/; empty: as in the parameter files"),
    "cameras": ("", "camera names separated by commas; empty: as in config/robots"),
    "instruction": ("", "what to do, published on the topic instruction; empty: wait for that topic"),
    "robot": ("cell", "cell: the simulated one; else a name in config/robots or a YAML file, which excludes the cell"),
    "policy": ("model", "model, or oracle to test the graph (cell only)"),
    "task": ("", "task of the cell (docs/tasks.md); empty: as in config/robots/cell.yaml"),
    "seed": ("", "seed of the cell's scene; empty: as in config/robots/cell.yaml"),
    "use_sim_time": ("", "true or false; empty: true with the cell"),
    "params_file": ("", "one more parameter file, which wins over the others"),
    "namespace": ("auto", "namespace of all nodes; auto: cell for the cell, none for a robot"),
    "rviz": ("false", "true opens rviz2 with the cameras and the base frame of this robot"),
}
LABEL_ARGUMENTS = {
    "bag": ("", "recording to play once; its inputs are played below /replay, apart from a live graph; empty: none"),
    "rate": ("1.0", "how fast it is played; a slow model needs less than 1"),
    "model": ("", "directory of a model or a name in models/; empty: as in the parameter files"),
    "cameras": ("", "camera names separated by commas; empty: as in config/robots"),
    "instruction": ("", "used where the recording has none"),
    "robot": ("cell", "cell, a name in config/robots or a YAML file: tool frame, base frame, gripper"),
    "known_pose": ("auto", "tell the model where the arm was at the begin of each window: auto, yes or no"),
    "params_file": ("", "one more parameter file, which wins over the others"),
    "namespace": ("auto", "namespace of the recording's topics; auto: cell for the cell, none for a robot"),
    "rviz": ("false", "true opens rviz2 with the cameras and the base frame of this recording"),
}
_REPLAY = "replay"
_DELAY_S = 10  # the nodes must be up when the first message comes


def truth(name: str, text: str) -> bool | None:
    """true or false of an argument; None when it is empty, ValueError otherwise."""
    if text == "":
        return None
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{name} is {text!r}; give true or false")
    return text.lower() == "true"


def check_arguments(
    given: Mapping[str, str], known: Mapping[str, object], command_line: Sequence[str] = (), *, top: bool = True
) -> None:
    """ValueError naming arguments that the launch file does not have.

    given: every launch configuration there is. command_line: the words of it; those of the form NAME:=VALUE must be
    known when this file is the one that was launched (`top`). Elsewhere (included by another launch file, which has
    arguments of its own) only a name like one of ours is refused.
    """
    named = {word.split(":=", 1)[0] for word in command_line if ":=" in word} if top else set()
    for name in sorted((named | set(given)) - set(known)):
        close = get_close_matches(name, known, n=1, cutoff=0.75)
        if name in named or close:
            meant = f", perhaps meant is {close[0]}" if close else ""
            raise ValueError(f"launch argument {name!r} is unknown{meant}; give some of {', '.join(known)}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _namespace(text: str) -> str | None:
    return None if text == "auto" else text


def policy_options(value: Mapping[str, str]) -> GraphOptions:
    """Options of the graph from the arguments of policy.launch.py; ValueError on a wrong one."""
    truth("rviz", value["rviz"])
    overrides: dict[str, dict[str, object]] = {}
    in_cell = value["robot"] == "cell"
    for name in ("task", "seed"):
        if value[name] and not in_cell:
            raise ValueError(f"{name} is {value[name]!r} with robot {value['robot']!r}; only the cell has one")
    if value["task"]:
        from ..cell.tasks.registry import find_task

        find_task(value["task"])
        overrides.setdefault("cell", {})["task"] = value["task"]
    if value["seed"]:
        if not value["seed"].isdecimal() or int(value["seed"]) > 2**31:
            raise ValueError(f"seed is {value['seed']!r}; give a whole number from 0 to 2147483648")
        overrides.setdefault("cell", {})["seed"] = int(value["seed"])
    return GraphOptions(
        robot=value["robot"],
        model=value["model"],
        instruction=value["instruction"],
        policy=value["policy"],
        cameras=_names(value["cameras"]),
        use_sim_time=truth("use_sim_time", value["use_sim_time"]),
        params_file=value["params_file"],
        namespace=_namespace(value["namespace"]),
        overrides=overrides,
    )


def label_options(value: Mapping[str, str]) -> GraphOptions:
    """Options of the labelling graph from the arguments of label.launch.py; ValueError on a wrong one.

    With a recording the graph lives below /replay, so that nothing of it reaches a live graph.
    """
    truth("rviz", value["rviz"])
    try:
        rate = float(value["rate"])
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 100.0:
        raise ValueError(f"rate is {value['rate']!r}; give a number from 0.01 to 100")
    namespace = _namespace(value["namespace"])
    if value["bag"]:
        if not Path(value["bag"]).exists():
            raise ValueError(f"bag is {value['bag']!r}, no such recording; give its folder")
        home = ("cell" if value["robot"] == "cell" else "") if namespace is None else namespace.strip("/")
        namespace = f"{_REPLAY}/{home}".rstrip("/")
    return GraphOptions(
        robot=value["robot"],
        model=value["model"],
        instruction=value["instruction"],
        label=True,
        cameras=_names(value["cameras"]),
        params_file=value["params_file"],
        namespace=namespace,
        overrides={"label": {"known_pose": value["known_pose"]}},
    )


def play_command(bag: str, rate: str, specs: Sequence[ProcessSpec]) -> list[str]:
    """`ros2 bag play` of the label node's inputs alone, moved below /replay. ValueError when it cannot be started."""
    if shutil.which("ros2") is None:
        raise ValueError(
            "ros2 is not on PATH; source the ROS installation (ros-jazzy-ros2bag), or use action-images label"
        )
    label = next(spec for spec in specs if spec.node.name == "label")
    cameras = effective_parameters(label).get("cameras", [])
    home = "/" + label.namespace.removeprefix(_REPLAY).strip("/")
    inputs = topic_names([row for row in TOPICS if "label" in row.subscribers], cameras)
    played = [f"{home.rstrip('/')}/{name}" for name in inputs]
    return [
        "ros2",
        "bag",
        "play",
        bag,
        "--rate",
        rate,
        "--delay",
        str(_DELAY_S),
        "--topics",
        *played,
        "--remap",
        *(f"{name}:=/{_REPLAY}{name}" for name in played),
    ]


def rviz_file(specs: Sequence[ProcessSpec]) -> Path:
    """A file for rviz2 with the cameras and the base frame of these processes. ValueError where rviz2 is missing."""
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_prefix
    except ImportError:
        raise ValueError(
            "rviz is 'true' and ament_index_python cannot be imported; source the ROS installation"
        ) from None
    try:
        prefix = Path(get_package_prefix("rviz2"))
    except PackageNotFoundError:
        raise ValueError(
            "rviz is 'true' and rviz2 is not installed; install ros-jazzy-rviz2 or leave rviz out"
        ) from None
    if not (prefix / "lib" / "rviz2" / "rviz2").exists():
        raise ValueError(f"rviz is 'true' and {prefix}/lib/rviz2/rviz2 does not exist; reinstall ros-jazzy-rviz2")
    parameters = effective_parameters(next(spec for spec in specs if spec.node.name == "view"))
    bridge = next((spec for spec in specs if spec.node.name == "robot_bridge"), None)
    tool = "tcp" if bridge is None else str(effective_parameters(bridge).get("tool_frame", "tcp"))
    folder = Path(tempfile.mkdtemp(prefix="action_images_rviz_"))
    cameras, base = parameters.get("cameras", []), str(parameters.get("base_frame", "base"))
    return write_rviz(folder / "policy.rviz", cameras, base, tool)


def launch_environment() -> dict[str, str]:
    """Variables that the launched nodes get: the shared-memory profile, an end with the launch process, no imports from
    the current folder."""
    profile = graph_environment()["FASTRTPS_DEFAULT_PROFILES_FILE"]
    return {"FASTRTPS_DEFAULT_PROFILES_FILE": profile, PARENT_VARIABLE: str(os.getpid()), "PYTHONSAFEPATH": "1"}
