"""The simulated work cell: MuJoCo scene, tasks with success tests, scripted experts, demonstrations."""

from .. import gl  # first: it chooses the rendering backend before anything imports mujoco
from .cell import CONTROL_PERIOD, ROBOT_TOOL_FROM_MODEL_TOOL, Cell, release_rigs
from .tasks.expert import Expert
from .tasks.registry import TASKS
from .tasks.task import Task

__all__ = ["CONTROL_PERIOD", "ROBOT_TOOL_FROM_MODEL_TOOL", "TASKS", "Cell", "Expert", "Task", "gl", "release_rigs"]
