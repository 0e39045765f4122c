"""Pick up cup: grasp the cup of the named colour around its body and hold it up."""

import numpy as np

from ...gl import mujoco
from ..scene.blocks import GRIP, add_block, clear_of_tool, put
from ..scene.palette import draw_colours, paint_body, shade
from ..scene.scene import HIDDEN
from .grasp import LiftingExpert
from .task import Task, scatter

CUP_RADIUS = 0.028
CUP_HALF = 0.035
"""Half the cup's height; its origin is its middle."""
BLOCK_HALF = 0.018
_WALL_HALF = 0.002
_SIDES = 12
_HANDLE_REACH = 0.026
_CLEAR_OF_HANDLE = np.deg2rad(55)
"""Least angle between the line through the fingers and the handle."""


def cup_yaw(rotation: np.ndarray, tool_yaw: float = 0.0) -> float:
    """Yaw (rad) of a tool whose fingers close on a cup beside its handle; `rotation` [3, 3] of the cup in the world.

    The handle points along the cup's x axis. The cup is round otherwise: the fingers close along the
    world's y unless the handle is near, then they are turned away by as little as needed, at most 55 degrees.
    """
    handle = np.arctan2(rotation[1, 0], rotation[0, 0])
    beside = float(handle % np.pi - np.pi / 2)  # of the handle, from the world's y
    if abs(beside) >= _CLEAR_OF_HANDLE:
        return 0.0
    ways = (beside - _CLEAR_OF_HANDLE, beside + _CLEAR_OF_HANDLE)
    if abs(beside) < np.deg2rad(8):
        return min(ways, key=lambda yaw: abs(yaw - tool_yaw))
    return min(ways, key=abs)


def add_cup(spec, name: str) -> None:
    """A hollow cup with a handle on a free joint; body and joint have the same name."""
    body = spec.worldbody.add_body(name=name, pos=HIDDEN)
    body.add_freejoint(name=name)
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    middle = CUP_RADIUS - _WALL_HALF
    half_side = CUP_RADIUS * np.tan(np.pi / _SIDES)
    for side in range(_SIDES):
        angle = 2 * np.pi * side / _SIDES
        body.add_geom(
            name=f"{name}_side_{side}",
            type=box,
            size=[_WALL_HALF, half_side, CUP_HALF],
            mass=0.05 / _SIDES,
            pos=[middle * np.cos(angle), middle * np.sin(angle), 0],
            quat=[np.cos(angle / 2), 0, 0, np.sin(angle / 2)],
            **GRIP,
        )
    thick = 0.003
    body.add_geom(
        name=f"{name}_bottom",
        type=cylinder,
        size=[CUP_RADIUS, thick, 0],
        pos=[0, 0, thick - CUP_HALF],
        mass=0.03,
        **GRIP,
    )
    half = _HANDLE_REACH / 2
    for part, (x, z, along, up) in enumerate(
        (
            (CUP_RADIUS + half, 0.018, half, 0.004),
            (CUP_RADIUS + half, -0.018, half, 0.004),
            (CUP_RADIUS + _HANDLE_REACH - 0.004, 0.0, 0.004, 0.018),
        )
    ):
        body.add_geom(
            name=f"{name}_handle_{part}", type=box, size=[along, 0.005, up], pos=[x, 0, z], mass=0.002, **GRIP
        )


class PickUpCupExpert(LiftingExpert):
    """Fingers around the cup a little above its middle, close, up. A toppled cup is not picked up."""

    body = "cup_0"
    rest = CUP_HALF
    held_width = (0.04, 0.065)
    between = (0.02, 0.03, 0.025)
    wide = 0.074
    reach, level, turn = 0.007, 0.01, 0.15
    highest = 0.06
    hover, slack = 0.08, 0.006
    above_middle = 0.01

    def grasp_point(self, body):
        return body.xpos + [0, 0, self.above_middle]

    def grasp_yaw(self, body, tool_yaw):
        return cup_yaw(body.xmat.reshape(3, 3), tool_yaw)


class PickUpCup(Task):
    """Grasp the cup of the named colour and hold it up; beside it stand another cup and a block."""

    grasps = True
    height = 0.08
    cups = ("cup_0", "cup_1")
    block = "block_0"
    lifted = 0.04
    """Another thing so far above the table counts as the wrong one."""

    def build(self, spec) -> None:
        for name in self.cups:
            add_cup(spec, name)
        add_block(spec, self.block, BLOCK_HALF)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        *spots, spot = scatter(rng, 3, *self.region, [], 0.15)
        *colours, other = draw_colours(rng, 3)
        for name, place, colour in zip(self.cups, spots, colours, strict=True):
            put(data, name, place, rng.uniform(-np.pi, np.pi))
            paint_body(model, name, shade(rng, colour))
        put(data, self.block, [*spot[:2], BLOCK_HALF], rng.uniform(-np.pi / 4, np.pi / 4))
        paint_body(model, self.block, shade(rng, other))
        return {"colour": colours[0]}

    def object_position(self, model, data) -> np.ndarray:
        return data.joint(self.cups[0]).qpos[:3].copy()

    def in_goal(self, cell) -> bool:
        return cell.object_position[2] - CUP_HALF >= self.height

    def at_wrong_object(self, cell) -> bool:
        heights = {self.cups[1]: CUP_HALF, self.block: BLOCK_HALF}
        return any(cell.data.body(name).xpos[2] - rest >= self.lifted for name, rest in heights.items())

    def disturb(self, cell, rng) -> bool:
        here = cell.object_position
        if here[2] > CUP_HALF + 0.01:
            return False
        others = [cell.data.joint(name).qpos[:3] for name in (self.cups[1], self.block)]
        for _ in range(50):
            spot = self._shifted(rng, here, 0.03, 0.1)
            far = all(np.linalg.norm(spot[:2] - other[:2]) > 0.13 for other in others)
            if far and clear_of_tool(cell, spot, 0.14):
                put(cell.data, self.cups[0], [*spot[:2], CUP_HALF], rng.uniform(-np.pi, np.pi))
                return True
        return False
