"""What an environment is: a task, a tool to command, calibrated cameras, an instruction and a success test."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Environment"]


@runtime_checkable
class Environment(Protocol):
    """One task of a simulator. All poses are of the ROBOT tool in the robot's base frame.

    task, seed, instruction. camera_names: V names. K: `[V, 3, 3]` px (integer pixel centres).
    world_from_camera: `[V, 4, 4]` of the OpenCV optical frames in the base frame; calibration: the poses that the
    robot assumes. control_period: seconds of one tick. robot_tool_from_model_tool: `[3, 3]`. image_size: (height,
    width) of `render`.
    """

    task: str
    seed: int
    instruction: str
    camera_names: list[str]
    K: npt.NDArray[np.float64]
    world_from_camera: npt.NDArray[np.float64]
    calibration: npt.NDArray[np.float64]
    control_period: float
    robot_tool_from_model_tool: npt.NDArray[np.float64]
    image_size: tuple[int, int]

    def reset(self, seed: int) -> None:
        """The initial state of a seed: the same scene every time."""

    @property
    def time_ns(self) -> int:
        """Simulated time since the reset, ns."""

    @property
    def tcp_pose(self) -> npt.NDArray[np.float64]:
        """Measured pose `[7]`: xyz (m) and quaternion xyzw."""

    @property
    def commanded_openness(self) -> float:
        """Openness being commanded, 0 closed to 1 open."""

    @property
    def finished(self) -> bool:
        """Whether the environment's own step limit is reached."""

    def step(self, target_pose7: npt.ArrayLike, openness: float, seconds: float) -> None:
        """Move towards a pose for a time, the gripper at an openness."""

    def expert_openness(self) -> float:
        """Openness that the scripted expert would command now."""

    def step_expert(self, steps: int) -> None:
        """Let the scripted expert act for so many control periods."""

    def success(self) -> bool:
        """Whether the task was done at any time since the reset."""

    def took_wrong_object(self) -> bool:
        """Whether, before any success, another object than the named one was manipulated; False where not judged."""

    def render(self) -> npt.NDArray[np.uint8]:
        """RGB images `[V, H, W, 3]` of this moment."""

    def close(self) -> None:
        """Free the simulator."""
