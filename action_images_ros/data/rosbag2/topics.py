"""What is where in a recording: which topics, which cameras, which frames, how exactly things must fit in time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry.pose import matrix_from_pose7
from ...interfaces.arm_state import POSE_TOLERANCE_S
from ...interfaces.camera_model import is_rectified
from ...interfaces.camera_poses import SOURCES
from ...paths import share_path
from ...safe_files import load_yaml
from ..gripper import parse_gripper
from .bag import Bag, BagError
from .image_topics import IMAGES, image_topics

__all__ = ["BagSetup", "CameraTopics", "RecordedTopics", "find_topics", "robot_setup", "setup_for"]

_TYPES = {
    "current_pose": "geometry_msgs/msg/PoseStamped",
    "joint_states": "sensor_msgs/msg/JointState",
    "gripper_command": "std_msgs/msg/Float64",
    "instruction": "std_msgs/msg/String",
    "status": "std_msgs/msg/String",
}
_TF = "tf2_msgs/msg/TFMessage"


@dataclass(frozen=True)
class BagSetup:
    """Names, frames and tolerances. The defaults of `config/robots/NAME.yaml` come from `robot_setup(NAME)`.

    cameras: names in the order of the views, or NAME=TOPIC; empty: all that the recording has. namespace: of the
    topics below, None: wherever they are. Topics: relative to the namespace, or absolute with a leading `/`.
    base_frame: frame of all poses. robot_tool_from_model_tool `[3, 3]`: None where no robot was named, then only
    pictures can be had. extrinsics: auto (TF, else `<cam>/pose`, else calibration_file), tf, topic or file.
    gripper: CLOSED..OPEN, what gripper_command says (the sum of the finger joints, where there is no command) of a
    closed and an open gripper; empty: 0..1, and finger_closed to finger_open.
    instruction_text: used where the recording has no instruction. log_time: take the time of recording instead of
    header stamps (drivers that leave stamps empty).

    Tolerances in seconds. image_tolerance: between a frame and each camera's picture of it. pose_tolerance: between a
    frame and the two poses it is interpolated from (joints and moving TF alike; one alone serves within a quarter of
    it). spacing_tolerance: of the distance of two frames from dt; None: a quarter of dt. order_tolerance: how far
    stamps of one topic may step back (such a message is left out and counted); further means that a clock was set or a
    simulation reset, and is an error. patience: how long a frame waits for a topic that is late.
    """

    cameras: tuple[str, ...] = ()
    namespace: str | None = None
    base_frame: str = "base"
    robot_tool_from_model_tool: np.ndarray | None = None
    finger_joints: tuple[str, ...] = ()
    finger_closed: float = 0.0
    finger_open: float = 0.08
    current_pose: str = "current_pose"
    joint_states: str = "joint_states"
    gripper_command: str = "gripper_command"
    instruction: str = "instruction"
    status: str = "cell/status"
    extrinsics: str = "auto"
    calibration_file: str = ""
    gripper: str = ""
    instruction_text: str = ""
    log_time: bool = False
    image_tolerance: float = 0.05
    pose_tolerance: float = POSE_TOLERANCE_S
    spacing_tolerance: float | None = None
    order_tolerance: float = 1.0
    patience: float = 1.0

    def __post_init__(self) -> None:
        if self.extrinsics not in SOURCES:
            raise ValueError(f"extrinsics is {self.extrinsics!r}; choose one of {', '.join(SOURCES)}")
        if self.extrinsics == "file" and not self.calibration_file:
            raise ValueError("extrinsics is 'file' and calibration_file is empty; name the file")
        parse_gripper(self.gripper)
        for name in ("image_tolerance", "pose_tolerance", "order_tolerance", "patience"):
            if not 0 <= getattr(self, name) < 3600:
                raise ValueError(f"{name} is {getattr(self, name)}; give seconds, 0 or more")


@dataclass(frozen=True)
class CameraTopics:
    """Where one camera's messages are. pose and info are None where there is no such topic. rectified: whether the
    pictures are (by the topic's name); they belong to P of camera_info then, else to K and D."""

    name: str
    image: str
    compressed: bool
    info: str | None
    pose: str | None
    rectified: bool = False


@dataclass(frozen=True)
class RecordedTopics:
    """The topics of one recording that matter; None where it has none. joint_states: all that may hold the fingers.
    notes: choices that were made between several."""

    cameras: tuple[CameraTopics, ...]
    current_pose: str | None
    joint_states: tuple[str, ...]
    gripper_command: str | None
    instruction: str | None
    status: str | None
    tf: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def robot_setup(robot: str, **changes: Any) -> BagSetup:
    """The setup of a robot: a name in config/robots or the path of such a YAML file; `changes` win over it."""
    path = Path(robot) if robot.endswith((".yaml", ".yml")) else share_path("config/robots") / f"{robot}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in share_path("config/robots").glob("*.yaml")))
        raise ValueError(f"robot is {robot!r}; give one of {known}, or the path of a YAML file like them")
    merged: dict[str, Any] = {}
    content = load_yaml(path) or {}
    for section in ("/**", "/**/policy"):
        merged.update(content.get(section, {}).get("ros__parameters", {}))
    try:
        turn = np.array(merged["robot_tool_from_model_tool"], dtype=np.float64)
        rotation = matrix_from_pose7(np.concatenate([np.zeros(3), turn]))[:3, :3]
        given = {
            "base_frame": merged["base_frame"],
            "robot_tool_from_model_tool": rotation,
            "finger_joints": tuple(merged.get("finger_joints", ())),
            "finger_closed": float(merged.get("finger_closed", 0.0)),
            "finger_open": float(merged.get("finger_open", 0.08)),
        }
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error!r}; a robot's file needs base_frame and robot_tool_from_model_tool") from None
    return BagSetup(**{**given, **changes})


def setup_for(bag: Bag, robot: str = "", **changes: Any) -> BagSetup:
    """`robot_setup(robot)`; without a robot that of the simulated cell if all topics lie in /cell, else a plain one."""
    if not robot:
        named = [
            name
            for name in bag.topics
            if not name.startswith(("/tf", "/clock", "/rosout", "/diagnostics", "/parameter_events", "/events"))
        ]
        if not named or not all(name.startswith("/cell/") for name in named):
            return BagSetup(**changes)
        robot = "cell"
    return robot_setup(robot, **changes)


def find_topics(bag: Bag, setup: BagSetup, calibrated: Collection[str] = ()) -> RecordedTopics:
    """The topics of the setup in this recording; BagError that lists what is there when a camera is missing.

    calibrated: cameras whose intrinsics come from a calibration file.
    """
    if bag.foreign and len(bag.foreign) == len(bag.topics):
        raise BagError(f"{bag.path}: {bag.describe_encoding(bag.foreign[0])}")
    notes: list[str] = []
    found = {name: _single(bag, setup, getattr(setup, name), name) for name in _TYPES if name != "joint_states"}
    cameras = _cameras(bag, setup, calibrated, notes)
    return RecordedTopics(
        cameras, joint_states=_joint_topics(bag, setup), tf=_tf_topics(bag, setup), notes=tuple(notes), **found
    )


def _joint_topics(bag: Bag, setup: BagSetup) -> tuple[str, ...]:
    """The one named with a leading slash, or all joint states: grippers often have a topic of their own."""
    if setup.joint_states.startswith("/"):
        return tuple(name for name in (_single(bag, setup, setup.joint_states, "joint_states"),) if name)
    prefix = _prefix(setup.namespace)
    return tuple(
        sorted(
            t.name
            for t in bag.topics.values()
            if t.type == _TYPES["joint_states"] and t.encoding == "cdr" and t.name.startswith(prefix)
        )
    )


def _tf_topics(bag: Bag, setup: BagSetup) -> tuple[str, ...]:
    """/tf and /tf_static, and those of namespaces (of the one that was given)."""
    return tuple(
        sorted(
            t.name
            for t in bag.topics.values()
            if t.type == _TF
            and t.encoding == "cdr"
            and t.name.rpartition("/")[2] in ("tf", "tf_static")
            and (t.name.count("/") == 1 or t.name.startswith(_prefix(setup.namespace)))
        )
    )


def _prefix(namespace: str | None) -> str:
    return "" if namespace is None else f"/{namespace.strip('/')}/".replace("//", "/")


def _single(bag: Bag, setup: BagSetup, name: str, what: str) -> str | None:
    if name.startswith("/"):
        matches = [name] if name in bag.topics else []
    elif setup.namespace is not None:
        matches = [full for full in [f"/{setup.namespace.strip('/')}/{name}".replace("//", "/")] if full in bag.topics]
    else:
        matches = [full for full in bag.topics if full.endswith("/" + name)]
        exact = [full for full in matches if full == "/" + name]
        matches = exact or matches
    if len(matches) > 1:
        raise BagError(
            f"{bag.path}: {name} could be any of {', '.join(matches)}; give the namespace, or {what} with its full name"
        )
    if matches and bag.topics[matches[0]].type != _TYPES[what]:
        raise BagError(
            f"{bag.path}: {matches[0]} is {bag.topics[matches[0]].type}, {what} must be {_TYPES[what]}; "
            f"give another name for {what}"
        )
    return matches[0] if matches else None


def _cameras(bag: Bag, setup: BagSetup, calibrated: Collection[str], notes: list[str]) -> tuple[CameraTopics, ...]:
    folders, choices = image_topics(bag, _prefix(setup.namespace))
    short = [folder.rpartition("/")[2] or "camera" for folder in folders]  # /image_raw lies in no folder
    names = {
        (tail if short.count(tail) == 1 else folder.strip("/").replace("/", "_")): topic
        for tail, (folder, topic) in zip(short, folders.items(), strict=True)
    }
    chosen = dict(_wanted(bag, setup.cameras, names)) if setup.cameras else dict(sorted(names.items()))
    if not chosen:
        raise BagError(f"{bag.path} has no camera pictures; it has {bag.describe_topics()}")
    named = {entry.partition("=")[2] for entry in setup.cameras}
    notes += [note for topic, note in choices.items() if topic in chosen.values() and topic not in named]
    return tuple(_camera(bag, name, topic, calibrated) for name, topic in chosen.items())


def _wanted(bag: Bag, cameras: Sequence[str], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for entry in cameras:
        name, given, topic = entry.partition("=")
        topic = topic if given else names.get(name, "")
        if topic not in bag.topics or bag.topics[topic].type not in IMAGES:
            raise BagError(
                f"{bag.path}: camera {entry!r} has no pictures here; its cameras are {sorted(names)}, its "
                f"topics {bag.describe_topics()}. Give names of these, or NAME=TOPIC"
            )
        yield name, topic


def _camera(bag: Bag, name: str, image: str, calibrated: Collection[str]) -> CameraTopics:
    base = image.removesuffix("/compressed").rpartition("/")[0]
    topic, pose = f"{base}/camera_info", f"{base}/pose"
    info: str | None = topic
    if topic not in bag.topics or not bag.topics[topic].count:
        if name not in calibrated:
            raise BagError(
                f"{bag.path}: camera {name!r} ({image}) has no {info}, so its intrinsics are not known; "
                f"record camera_info too, give a calibration with a camera {name!r} (--calibration), or "
                "leave the camera out with --cameras"
            )
        info = None
    return CameraTopics(
        name, image, IMAGES[bag.topics[image].type], info, pose if pose in bag.topics else None, is_rectified(image)
    )
