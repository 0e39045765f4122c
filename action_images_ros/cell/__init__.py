"""The simulated work cell: MuJoCo scene, tasks with success tests, scripted experts, demonstrations."""

from action_images_ros.cell import gl  # first: it chooses the rendering backend before anything imports mujoco
from action_images_ros.cell.cell import CONTROL_PERIOD, ROBOT_TOOL_FROM_MODEL_TOOL, Cell, release_rigs
from action_images_ros.cell.experts import Expert
from action_images_ros.cell.task import Task
from action_images_ros.cell.tasks import TASKS

__all__ = ["CONTROL_PERIOD", "ROBOT_TOOL_FROM_MODEL_TOOL", "TASKS", "Cell", "Expert", "Task", "gl", "release_rigs"]
