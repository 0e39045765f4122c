"""Perturbed starts: the expert runs for a while, then the arm or the object is displaced.

The motion before the push and the push itself are unpredictable and therefore not recorded: an episode starts just
after the push.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry.pose import interpolate

LONGEST_RUN = 4.0
"""Seconds the expert runs at most before the push."""
PUSH_SECONDS = 0.5
PUSH_DISTANCE = (0.03, 0.12)
PUSH_ANGLE = np.deg2rad(25)
REACH = ((0.28, -0.3, 0.03), (0.68, 0.3, 0.42))
"""Box the arm is pushed within."""
_OBJECT_SHARE = 0.4
_GRIPPER_SHARE = 0.25


def perturb(cell, task, rng: np.random.Generator) -> None:
    """Runs the task's expert in `cell` for a random while, then pushes the object, the arm or both."""
    expert = cell.expert()
    ticks = int(rng.uniform(0.2, LONGEST_RUN) / cell.control_period)
    for _ in range(ticks):
        cell.step(*expert.target(cell), cell.control_period)
        if cell.success():
            break
    moved = rng.random() < _OBJECT_SHARE and task.disturb(cell, rng)
    if moved and rng.random() < 0.6:
        return
    openness = cell.commanded_openness
    if task.grasps and rng.random() < _GRIPPER_SHARE:
        openness = 1.0 - openness
    push_arm(cell, rng, openness)
    if task.in_goal(cell):
        task.disturb(cell, rng)  # what a push has finished would leave nothing to show


def push_arm(cell, rng: np.random.Generator, openness: float) -> None:
    """Displaces the arm smoothly by a few centimetres and degrees in a random direction."""
    start = cell.commanded_pose
    direction = rng.normal(size=3)
    offset = direction / np.linalg.norm(direction) * rng.uniform(*PUSH_DISTANCE)
    axis = rng.normal(size=3) * [0.3, 0.3, 1.0]
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * rng.uniform(0, PUSH_ANGLE))
    end = np.concatenate([np.clip(start[:3] + offset, *REACH), (turn * Rotation.from_quat(start[3:])).as_quat()])
    ticks = round(PUSH_SECONDS / cell.control_period)
    for tick in range(1, ticks + 1):
        cell.step(interpolate(start, end, tick / ticks), openness, cell.control_period)
