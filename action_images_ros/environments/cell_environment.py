"""The simulated cell as an environment: a fresh cell per seed behind one object."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..cell.cell import CONTROL_PERIOD, ROBOT_TOOL_FROM_MODEL_TOOL, Cell
from .protocol import Environment

__all__ = ["CellEnvironment"]


class CellEnvironment(Environment):
    """A task of the cell, reset to seeds; the expert computes its target at every tick.

    Raises ValueError for an unknown task and for sizes or camera counts out of range.
    """

    control_period = CONTROL_PERIOD
    robot_tool_from_model_tool = ROBOT_TOOL_FROM_MODEL_TOOL

    def __init__(self, task: str, seed: int = 0, *, image_size: tuple[int, int] = (96, 96), cameras: int = 2) -> None:
        self.task, self.image_size, self._cameras = task, image_size, cameras
        self._cell: Cell | None = None
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """The initial state of a seed, with cameras of its own."""
        self.close()
        self._cell = cell = Cell(self.task, seed, image_size=self.image_size, cameras=self._cameras)
        self._expert = cell.expert()
        self.seed, self.instruction, self.camera_names = cell.seed, cell.instruction, list(cell.camera_names)
        self.K, self.world_from_camera, self.calibration = cell.K, cell.world_from_camera, cell.calibration

    @property
    def cell(self) -> Cell:
        """The present cell; ValueError after `close`."""
        if self._cell is None:
            raise ValueError(f"environment of {self.task} is closed; reset it first")
        return self._cell

    @property
    def time_ns(self) -> int:
        """Simulated time since the reset, ns."""
        return self.cell.time_ns

    @property
    def tcp_pose(self) -> npt.NDArray[np.float64]:
        """Measured pose `[7]`."""
        return self.cell.tcp_pose

    @property
    def commanded_openness(self) -> float:
        """Openness being commanded."""
        return self.cell.commanded_openness

    finished = False
    """The cell has no step limit of its own."""

    def step(self, target_pose7: npt.ArrayLike, openness: float, seconds: float) -> None:
        """Move towards a pose for a time."""
        self.cell.step(target_pose7, openness, seconds)

    def expert_openness(self) -> float:
        """Openness that the expert would command now."""
        return float(self._expert.target(self.cell)[1])

    def step_expert(self, steps: int) -> None:
        """Let the expert act for so many control periods; the gripper's command changes at the first only."""
        pose, openness = self._expert.target(self.cell)
        for _ in range(steps):
            self.cell.step(pose, openness, self.control_period)
            pose = self._expert.target(self.cell)[0]

    def success(self) -> bool:
        """Whether the task has been done since the reset."""
        return self.cell.success()

    def took_wrong_object(self) -> bool:
        """Whether another object than the named one was manipulated before any success."""
        return self.cell.took_wrong_object()

    def render(self) -> npt.NDArray[np.uint8]:
        """RGB images `[V, H, W, 3]`."""
        return self.cell.render()

    def close(self) -> None:
        """Hand the compiled scene back."""
        if self._cell is not None:
            self._cell.close()
            self._cell = None
