"""Blocks and other free bodies: made, put on the table, moved about on it."""

import numpy as np

from ...gl import mujoco
from .scene import HIDDEN

GRIP = {"friction": [1.0, 0.01, 0.0005], "condim": 4, "solref": [0.01, 1]}
"""Contact of whatever the fingers are to hold."""


def add_block(spec, name: str, half: float) -> None:
    """A cube of half edge `half` metres on a free joint; body, joint and geom have the same name."""
    body = spec.worldbody.add_body(name=name, pos=HIDDEN)
    body.add_freejoint(name=name)
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[half] * 3,
        mass=0.04 * (half / 0.018) ** 3,
        rgba=[0.5, 0.4, 0.4, 1],
        **GRIP,
    )


def put(data, name: str, position, yaw: float) -> None:
    """Puts a free body at rest at `position` [3], upright."""
    joint = data.joint(name)
    joint.qpos[:] = [*position, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
    joint.qvel[:] = 0


def clear_of_tool(cell, spot: np.ndarray, height: float = 0.09) -> bool:
    """Whether a thing may be put at `spot` without being put into the hand; above `height` the hand is clear of it."""
    return bool(cell.tcp_pose[2] > height or np.linalg.norm(spot[:2] - cell.tcp_pose[:2]) > 0.1)
