"""What is where in a recording: which topics, which cameras, which frames, how exactly things must fit in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from ...geometry.pose import matrix_from_pose7
from ...paths import share_path
from .bag import Bag, BagError

__all__ = ["BagSetup", "CameraTopics", "RecordedTopics", "find_topics", "robot_setup", "setup_for"]

_IMAGES = {"sensor_msgs/msg/Image": False, "sensor_msgs/msg/CompressedImage": True}
_GENERATED = ("action_images", "predicted_video", "overlay")
_TYPES = {
    "current_pose": "geometry_msgs/msg/PoseStamped",
    "joint_states": "sensor_msgs/msg/JointState",
    "gripper_command": "std_msgs/msg/Float64",
    "instruction": "std_msgs/msg/String",
    "status": "std_msgs/msg/String",
}


@dataclass(frozen=True)
class BagSetup:
    """Names, frames and tolerances. The defaults of `config/robots/NAME.yaml` come from `robot_setup(NAME)`.

    cameras: names in the order of the views, or NAME=TOPIC; empty: all that the recording has. namespace: of the
    topics below, None: wherever they are. Topics: relative to the namespace, or absolute with a leading `/`.
    base_frame: frame of all poses. robot_tool_from_model_tool `[3, 3]`: None where no robot was named, then only
    pictures can be had. extrinsics: auto (TF, else `<cam>/pose`, else calibration_file), tf, topic or file.
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
    instruction_text: str = ""
    log_time: bool = False
    image_tolerance: float = 0.05
    pose_tolerance: float = 0.1
    spacing_tolerance: float | None = None
    order_tolerance: float = 1.0
    patience: float = 1.0

    def __post_init__(self):
        if self.extrinsics not in ("auto", "tf", "topic", "file"):
            raise ValueError(f"extrinsics is {self.extrinsics!r}; choose one of auto, tf, topic, file")
        if self.extrinsics == "file" and not self.calibration_file:
            raise ValueError("extrinsics is 'file' and calibration_file is empty; name the file")
        for name in ("image_tolerance", "pose_tolerance", "order_tolerance", "patience"):
            if not 0 <= getattr(self, name) < 3600:
                raise ValueError(f"{name} is {getattr(self, name)}; give seconds, 0 or more")


@dataclass(frozen=True)
class CameraTopics:
    """Where one camera's messages are. pose is None where there is no such topic."""

    name: str
    image: str
    compressed: bool
    info: str
    pose: str | None


@dataclass(frozen=True)
class RecordedTopics:
    """The topics of one recording that matter; None where it has none."""

    cameras: tuple[CameraTopics, ...]
    current_pose: str | None
    joint_states: str | None
    gripper_command: str | None
    instruction: str | None
    status: str | None
    tf: tuple[str, ...] = ()


def robot_setup(robot: str, **changes) -> BagSetup:
    """The setup of a robot: a name in config/robots or the path of such a YAML file; `changes` win over it."""
    path = Path(robot) if robot.endswith((".yaml", ".yml")) else share_path("config/robots") / f"{robot}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in share_path("config/robots").glob("*.yaml")))
        raise ValueError(f"robot is {robot!r}; give one of {known}, or the path of a YAML file like them")
    merged: dict = {}
    content = yaml.safe_load(path.read_text()) or {}
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


def setup_for(bag: Bag, robot: str = "", **changes) -> BagSetup:
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


def find_topics(bag: Bag, setup: BagSetup) -> RecordedTopics:
    """The topics of the setup in this recording; BagError that lists what is there when a camera is missing."""
    found = {name: _single(bag, setup, getattr(setup, name), name) for name in _TYPES}
    tf = tuple(name for name in ("/tf", "/tf_static") if name in bag.topics)
    return RecordedTopics(_cameras(bag, setup), **found, tf=tf)


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


def _image_topics(bag: Bag, namespace: str | None) -> dict[str, str]:
    """Image topic by the folder it lies in (`/cell/camera_0`), raw before compressed."""
    folders: dict[str, str] = {}
    prefix = "" if namespace is None else f"/{namespace.strip('/')}/".replace("//", "/")
    for topic in sorted(bag.topics.values(), key=lambda t: _IMAGES.get(t.type, False)):
        if topic.type not in _IMAGES or not topic.name.startswith(prefix) or not topic.count:
            continue
        base = topic.name.removesuffix("/compressed")
        if any(part in _GENERATED for part in base.split("/")) or "depth" in base.lower():
            continue
        folders.setdefault(base.rpartition("/")[0], topic.name)
    return folders


def _cameras(bag: Bag, setup: BagSetup) -> tuple[CameraTopics, ...]:
    folders = _image_topics(bag, setup.namespace)
    short = [folder.rpartition("/")[2] for folder in folders]
    names = {
        (tail if short.count(tail) == 1 else folder.strip("/").replace("/", "_")): topic
        for tail, (folder, topic) in zip(short, folders.items(), strict=True)
    }
    chosen = dict(_wanted(bag, setup.cameras, names)) if setup.cameras else dict(sorted(names.items()))
    if not chosen:
        raise BagError(f"{bag.path} has no camera pictures; it has {bag.describe_topics()}")
    return tuple(_camera(bag, name, topic) for name, topic in chosen.items())


def _wanted(bag: Bag, cameras: Sequence[str], names: dict[str, str]):
    for entry in cameras:
        name, given, topic = entry.partition("=")
        topic = topic if given else names.get(name, "")
        if topic not in bag.topics or bag.topics[topic].type not in _IMAGES:
            raise BagError(
                f"{bag.path}: camera {entry!r} has no pictures here; its cameras are {sorted(names)}, its "
                f"topics {bag.describe_topics()}. Give names of these, or NAME=TOPIC"
            )
        yield name, topic


def _camera(bag: Bag, name: str, image: str) -> CameraTopics:
    base = image.removesuffix("/compressed").rpartition("/")[0]
    info, pose = f"{base}/camera_info", f"{base}/pose"
    if info not in bag.topics:
        raise BagError(
            f"{bag.path}: camera {name!r} ({image}) has no {info}, so its intrinsics are not known; record "
            "camera_info too, or leave the camera out with --cameras"
        )
    return CameraTopics(name, image, _IMAGES[bag.topics[image].type], info, pose if pose in bag.topics else None)
