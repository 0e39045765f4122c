"""Parameters of every node, as classes: the source of declarations, file checks and documentation.

Parameters of the controller are declared in `control/settings.py`. Importing this module needs no ROS.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..control.settings import AcceptanceRules, ExecutorSettings, GripperSettings, Limits, RobotSettings, WatchSettings
from ..drivers.table import GRIPPER_INTERFACES, POSE_INTERFACES, POSE_SOURCES
from ..interfaces.instruction import checked_instruction
from ..parameter import Parameters, parameter, refuse_unknown, specs
from ..safe_files import load_yaml

__all__ = [
    "NODE_PARAMETERS",
    "ArmCommandParameters",
    "CellParameters",
    "CommonParameters",
    "DecoderParameters",
    "LabelParameters",
    "PolicyParameters",
    "RobotBridgeParameters",
    "ViewParameters",
    "allowed_names",
    "check_parameter_file",
    "check_sections",
]

_RUNTIMES = ("torch", "torch-bf16", "onnx", "onnx-int8")
_CAMERAS = "names of the cameras used, 2 or more"
_TOOL = "constant rotation of the model's tool frame in the robot's, quaternion xyzw"
_MODEL = "directory of a model with model_card.json, or a name in models/"
_BASE = "frame of all poses: the robot's base"
_CALIBRATION = "camera poses, YAML; empty: none"


class CommonParameters(Parameters):
    """Parameters of every node."""

    autostart: bool = parameter(True, "configure and activate without a lifecycle manager")
    nice: int = parameter(0, "Unix nice of the process", "", 0, 19)


class _Chunks(Parameters):
    """Cameras and encoding of chunks."""

    cameras: tuple[str, ...] = parameter(("camera_0", "camera_1"), _CAMERAS)
    chunk_encoding: str = parameter("raw", "encoding of chunk images", choices=("raw", "png"))


class _Pictures(_Chunks):
    """Transport of camera images."""

    image_transport: str = parameter("raw", "transport of the camera images", choices=("raw", "compressed"))


class PolicyParameters(_Pictures):
    """Camera images to action images."""

    policy: str = parameter(
        "model", "model; oracle encodes the simulator's scripted expert (tests only)", choices=("model", "oracle")
    )
    model: str = parameter("nano", _MODEL)
    runtime: str = parameter("torch", "runtime of the model", choices=_RUNTIMES)
    onnx_providers: tuple[str, ...] = parameter((), "execution providers of onnxruntime, by preference; empty: the CPU")
    torch_threads: int = parameter(1, "threads of the model; 0: all cores", "", 0, 1024)
    rate: float = parameter(4.0, "maximum number of chunks per second", "Hz", 0.01, 100.0)
    seed: int = parameter(0, "seed of the sampler noise; incremented with every chunk", "", 0)
    video_every: int = parameter(3, "compute the predicted video for every n-th chunk; 0: never", "", 0)
    check_video: bool = parameter(
        False, "compare the arm in every predicted video with the action; takes as long as labelling a window"
    )
    hold_video_action: float = parameter(
        0.0,
        "withhold a chunk whose video shows the arm farther from the action (median of the frames); 0: publish any",
        "m",
        0.0,
        1.0,
    )
    base_frame: str = parameter("base", _BASE)
    robot_tool_from_model_tool: tuple[float, ...] = parameter((0.0, 0.0, 0.0, 1.0), _TOOL)
    slop: float = parameter(0.05, "maximum difference between the image stamps of one observation", "s", 0.0, 10.0)
    max_image_age: float = parameter(1.0, "maximum age of images; older ones give no chunk", "s", 0.01, 600.0)
    max_pose_age: float = parameter(
        0.1, "maximum time between an image and each of the poses around it", "s", 0.001, 600.0
    )
    rectified: str = parameter(
        "auto", "whether images are rectified; auto: by the topic name", choices=("auto", "yes", "no")
    )
    finger_joints: tuple[str, ...] = parameter((), "the gripper's joints in joint_states")
    finger_closed: float = parameter(0.0, "sum of their positions when closed", "m or rad")
    finger_open: float = parameter(0.08, "sum of their positions when open", "m or rad")
    extrinsics: str = parameter("auto", "source of camera poses", choices=("auto", "tf", "topic", "file"))
    calibration_file: str = parameter("", _CALIBRATION)
    self_calibration: str = parameter(
        "check",
        "compare camera poses with the arm's motion: check holds the arm for a wrong one, correct uses the estimate",
        choices=("off", "check", "correct"),
    )
    sensor_health: bool = parameter(True, "hold the arm while images or finger joints are doubtful")
    instruction: str = parameter("", "initial instruction, also published on the topic; empty: wait")

    def check(self) -> None:
        """Refuse an instruction that is no printable text, and holding on videos that are not computed."""
        if self.hold_video_action > 0 and self.video_every == 0:
            raise ValueError(
                f"hold_video_action is {self.hold_video_action} and video_every 0; set video_every to 1 or more"
            )
        checked_instruction(self.instruction)


class DecoderParameters(_Chunks):
    """Action images to poses."""

    model: str = parameter("nano", _MODEL)
    dt: float = parameter(0.0, "time between the frames of a chunk; 0: from the model card", "s", 0.0, 60.0)
    base_frame: str = parameter("base", _BASE)
    robot_tool_from_model_tool: tuple[float, ...] = parameter((0.0, 0.0, 0.0, 1.0), _TOOL)


class ArmCommandParameters(Parameters):
    """The command loop; limits and acceptance rules are in control/settings.py."""

    base_frame: str = parameter("base", _BASE)
    rate: float = parameter(100.0, "commands per second", "Hz", 10.0, 500.0)
    realtime_priority: int = parameter(10, "SCHED_FIFO priority of the command thread; 0: none", "", 0, 99)
    require_approval: bool = parameter(False, "each chunk waits for ~/approve")
    approval_timeout: float = parameter(20.0, "time after which an unanswered chunk expires", "s", 0.1, 3600.0)
    pose_timeout: float = parameter(0.3, "silence of current_pose (steady time) that is a fault", "s", 0.01, 60.0)


class RobotBridgeParameters(Parameters):
    """Interfaces of the robot's own drivers: commands, measured pose, gripper."""

    base_frame: str = parameter("base", _BASE)
    tool_frame: str = parameter(
        "", "link whose pose is current_pose and target_pose: the TCP; empty: not cross-checked"
    )
    robot_tool_from_model_tool: tuple[float, ...] = parameter((0.0, 0.0, 0.0, 1.0), _TOOL)
    finger_joints: tuple[str, ...] = parameter((), "the gripper's joints in joint_states")
    finger_closed: float = parameter(0.0, "sum of their positions when closed", "m or rad")
    finger_open: float = parameter(0.08, "sum of their positions when open", "m or rad")
    pose_interface: str = parameter("crisp", "the arm's driver", choices=tuple(POSE_INTERFACES))
    pose_target: str = parameter("", "its topic or service; empty: the usual one")
    pose_source: str = parameter("driver", "source of current_pose", choices=POSE_SOURCES)
    pose_rate: float = parameter(100.0, "rate of current_pose from TF", "Hz", 1.0, 500.0)
    xarm_states: str = parameter("xarm/robot_states", "topic of the arm's state with pose_source: xarm")
    joints: tuple[str, ...] = parameter((), "the controller's joints in its order; empty: the chain's")
    lookahead: float = parameter(0.1, "time to reach a joint target", "s", 0.01, 2.0)
    max_joint_step: float = parameter(0.1, "maximum step of a joint per command", "rad", 0.001, 1.0)
    driver_speed: float = parameter(0.1, "speed for drivers that plan themselves", "m/s", 0.001, 1.0)
    driver_acceleration: float = parameter(0.5, "acceleration for drivers that plan themselves", "m/s^2", 0.01, 10.0)
    gripper_interface: str = parameter("topic", "the gripper's driver", choices=tuple(GRIPPER_INTERFACES))
    gripper_target: str = parameter("", "its action, service or topic; empty: the usual one")
    gripper_range: tuple[float, ...] = parameter((0.0, 0.0), "the driver's command closed, open; equal: the usual one")
    gripper_joint: str = parameter("", "joint named in a ParallelGripperCommand; empty: the first finger joint")
    gripper_speed: float = parameter(0.1, "speed of the fingers", "m/s", 0.001, 1.0)
    gripper_force: float = parameter(20.0, "force of a grasp, N or the driver's own unit", "", 0.0, 235.0)

    def check(self) -> None:
        """Refuse a pose source without the frame it needs, and a range that is none."""
        if self.pose_source != "driver" and not self.tool_frame:
            raise ValueError(f"tool_frame is empty with pose_source {self.pose_source!r}; name the TCP's link")
        if len(self.gripper_range) != 2:
            raise ValueError(
                f"gripper_range is {list(self.gripper_range)}; give two numbers: the driver's command closed and open"
            )


class ViewParameters(_Pictures):
    """Display of the predicted chunks."""

    rate: float = parameter(5.0, "frames shown per second; 1 / dt of the model plays in real time", "Hz", 0.1, 100.0)
    loop: bool = parameter(True, "repeat a chunk until a new one arrives")
    base_frame: str = parameter("base", _BASE)
    robot_tool_from_model_tool: tuple[float, ...] = parameter((0.0, 0.0, 0.0, 1.0), _TOOL)
    path_seconds: float = parameter(10.0, "duration of the measured path that is shown", "s", 0.1, 600.0)


class CellParameters(Parameters):
    """The simulated cell."""

    base_frame: str = parameter("base", _BASE)
    task: str = parameter("reach_target", "a task of docs/tasks.md")
    seed: int = parameter(0, "seed of the scene: appearance, cameras, objects, instruction", "", 0)
    camera_count: int = parameter(2, "cameras rendered", "", 2, 4)
    image_size: tuple[int, ...] = parameter((192, 192), "height and width of the images", "px")
    camera_rate: float = parameter(10.0, "images per simulated second", "Hz", 0.1, 50.0)
    real_time_factor: float = parameter(1.0, "maximum ratio of simulated to real time", "", 0.01, 100.0)
    command_timeout: float = parameter(
        0.5, "silence of target_pose (steady time) after which the arm holds", "s", 0.05, 60.0
    )
    publish_expert: bool = parameter(False, "publish the expert's plan, for policy: oracle")


class LabelParameters(_Pictures):
    """Replayed camera images to labels."""

    model: str = parameter("nano", _MODEL)
    robot: str = parameter("cell", "name or file of config/robots, for the gripper")
    base_frame: str = parameter("base", _BASE)
    robot_tool_from_model_tool: tuple[float, ...] = parameter((0.0, 0.0, 0.0, 1.0), _TOOL)
    known_pose: str = parameter(
        "auto", "condition each window on the measured first pose", choices=("auto", "yes", "no")
    )
    stride: int = parameter(0, "frames between the starts of windows; 0: half a window", "", 0)
    max_gap: int = parameter(2, "maximum number of consecutive frames without an image to bridge", "", 0)
    idle: float = parameter(3.0, "silence after which the received frames are labelled to their end", "s", 0.1, 3600.0)
    pace: float = parameter(0.1, "minimum time between two chunks", "s", 0.0, 3600.0)
    image_tolerance: float = parameter(
        0.05, "maximum time between a frame and the images of other cameras", "s", 0.0, 60.0
    )
    pose_tolerance: float = parameter(0.1, "maximum time between a frame and the poses around it", "s", 0.0, 60.0)
    torch_threads: int = parameter(0, "threads of the model; 0: all cores", "", 0, 1024)
    steps: int = parameter(1, "sampling steps", "", 1)
    seed: int = parameter(0, "seed of the sampler noise", "", 0)
    instruction: str = parameter("", "instruction if none is published")
    extrinsics: str = parameter("auto", "source of camera poses", choices=("auto", "topic", "file"))
    calibration_file: str = parameter("", _CALIBRATION)

    def check(self) -> None:
        """Refuse an instruction that is no printable text."""
        checked_instruction(self.instruction)


NODE_PARAMETERS: Mapping[str, tuple[type[Parameters], ...]] = {
    "policy": (CommonParameters, PolicyParameters),
    "decoder": (CommonParameters, DecoderParameters),
    "arm_command": (
        CommonParameters,
        ArmCommandParameters,
        Limits,
        ExecutorSettings,
        AcceptanceRules,
        GripperSettings,
        RobotSettings,
        WatchSettings,
    ),
    "view": (CommonParameters, ViewParameters),
    "cell": (CommonParameters, CellParameters),
    "label": (CommonParameters, LabelParameters),
    "robot_bridge": (CommonParameters, RobotBridgeParameters),
}
"""The parameter classes of every node, by its name."""
_ROS_OWN = ("use_sim_time", "start_type_description_service")
_ROS_PREFIXES = ("qos_overrides.", "diagnostic_updater.")


def allowed_names(node: str | None = None) -> set[str]:
    """Names of the parameters of one node, or of all (what a `/**` section may hold)."""
    kinds = NODE_PARAMETERS[node] if node is not None else [kind for row in NODE_PARAMETERS.values() for kind in row]
    return {spec.name for kind in kinds for spec in specs(kind)} | set(_ROS_OWN)


def check_sections(content: Any, where: str) -> None:
    """Refuse, with a ValueError, a key in a section of our nodes that none of them declares, and a value that it
    refuses; a section whose name is nearly one of ours, too. Sections of other nodes are left alone."""
    if not isinstance(content, Mapping):
        raise ValueError(f"{where} holds no sections; give NODE: {{ros__parameters: {{NAME: VALUE}}}}")
    for section, body in content.items():
        name = str(section).rsplit("/", 1)[-1]
        if any("*" in part and part not in ("*", "**") for part in str(section).split("/")):
            raise ValueError(f"{where}: section is {str(section)!r}; ROS knows the wildcards * and ** as whole parts")
        if isinstance(body, Mapping) and "ros__parameters" not in body and _is_namespace(body):
            check_sections(body, where)
            continue
        if name in NODE_PARAMETERS or name in ("*", "**"):
            _check_section(str(section), name, body, where)
        else:
            _refuse_misspelt(str(section), name, body, where)


def _is_namespace(body: Mapping[Any, Any]) -> bool:
    """Whether there are sections below, at any depth."""
    parts = [part for part in body.values() if isinstance(part, Mapping)]
    return any("ros__parameters" in part or _is_namespace(part) for part in parts)


def _check_section(section: str, name: str, body: Any, where: str) -> None:
    """The keys and values of a section of one node, or of a wildcard: every node that has the parameter takes it."""
    own = (body or {}).get("ros__parameters") if isinstance(body or {}, Mapping) else None
    if not isinstance(own, Mapping):
        raise ValueError(f"{where}: section {section} holds no ros__parameters; put the parameters below it")
    node = name if name in NODE_PARAMETERS else None
    given = [str(key) for key in own if not str(key).startswith(_ROS_PREFIXES)]
    refuse_unknown(given, allowed_names(node), f"{node or 'any node'} ({where})")
    for kind in NODE_PARAMETERS[node] if node else [kind for row in NODE_PARAMETERS.values() for kind in row]:
        for spec in specs(kind):
            if spec.name in own:
                try:
                    spec.checked(own[spec.name])
                except ValueError as error:
                    raise ValueError(f"{where}: {error}") from None


def _refuse_misspelt(section: str, name: str, body: Any, where: str) -> None:
    """Refuse a section nearly named as one of our nodes that holds parameters of it: ROS would ignore it in silence."""
    near = difflib.get_close_matches(name, NODE_PARAMETERS, n=1, cutoff=0.88)
    own = body.get("ros__parameters") if isinstance(body, Mapping) else None
    if near and isinstance(own, Mapping) and allowed_names(near[0]) & {str(key) for key in own}:
        raise ValueError(f"{where}: section is {section!r}, no node of the graph; did you mean {near[0]}?")


def check_parameter_file(path: str | Path) -> None:
    """Refuse a parameter file with a ValueError that names file, key and remedy; see `check_sections`."""
    content = load_yaml(path)
    if content is not None:
        check_sections(content, str(path))
