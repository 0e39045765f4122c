"""Place in box: put the block of the named colour into an open box."""

import numpy as np
from scipy.spatial.transform import Rotation

from ...gl import mujoco
from ..scene.blocks import add_block, clear_of_tool, put
from ..scene.palette import draw_colours, paint_body, shade
from ..scene.scene import HIDDEN
from .grasp import PlacingExpert, touched_by_arm
from .task import Task, scatter

BLOCK_HALF = 0.018
INNER_HALF = 0.065
"""Half the width inside the box's walls."""
WALL_HALF = 0.004
WALL_HEIGHT = 0.04
FLOOR = 0.004
"""Height of the box's floor."""
_OUTER_HALF = INNER_HALF + 2 * WALL_HALF
_FROM_BOX = 0.07
"""Least distance of a block's middle from the walls: open fingers around it clear them."""


def in_box(data, name: str) -> bool:
    """Whether the body's middle is within the walls of the box."""
    box = data.body("box")
    place = box.xmat.reshape(3, 3).T @ (data.body(name).xpos - box.xpos)
    return bool(np.abs(place[:2]).max() < INNER_HALF and place[2] < WALL_HEIGHT)


def from_box(model, spot: np.ndarray) -> float:
    """Distance in metres, seen from above, between a spot on the table and the outside of the box; 0 within it."""
    box = model.body("box")
    place = Rotation.from_quat(model.body_quat[box.id], scalar_first=True).inv().apply(spot - model.body_pos[box.id])
    return float(np.linalg.norm(np.maximum(np.abs(place[:2]) - _OUTER_HALF, 0.0)))


class PlaceInBoxExpert(PlacingExpert):
    """The block is let go a little above the walls: nothing of the hand goes into the box."""

    rest = BLOCK_HALF
    highest = 0.08
    reach, level = 0.008, 0.01
    goal_slack = 0.02
    release = 0.058
    """Height of the block when the fingers open."""

    def goal(self, cell):
        return np.array([*cell.data.body("box").xpos[:2], self.release])

    def let_go(self, cell):
        if self.grips(cell):
            return self.brought(cell, 0.03, 0.01)
        return in_box(cell.data, self.body)


class PlaceInBox(Task):
    """Put the block of the named colour into the box: inside and released."""

    grasps = True
    blocks = tuple(f"block_{index}" for index in range(3))
    box_region = ((0.42, -0.15, 0.0), (0.6, 0.15, 0.0))
    lifted = 0.04
    """Another block so far above the table counts as the wrong one."""

    def build(self, spec) -> None:
        for name in self.blocks:
            add_block(spec, name, BLOCK_HALF)
        body = spec.worldbody.add_body(name="box", pos=HIDDEN)
        box, outer = mujoco.mjtGeom.mjGEOM_BOX, _OUTER_HALF
        body.add_geom(name="box_floor", type=box, size=[outer, outer, FLOOR / 2], pos=[0, 0, FLOOR / 2])
        middle = INNER_HALF + WALL_HALF
        for index, (x, y) in enumerate(((middle, 0), (-middle, 0), (0, middle), (0, -middle))):
            size = [WALL_HALF, outer, WALL_HEIGHT / 2] if x else [outer, WALL_HALF, WALL_HEIGHT / 2]
            body.add_geom(name=f"box_wall_{index}", type=box, size=size, pos=[x, y, WALL_HEIGHT / 2])

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        while True:
            body = model.body("box").id
            model.body_pos[body] = rng.uniform(*np.array(self.box_region))
            yaw = rng.uniform(-np.pi / 4, np.pi / 4)
            model.body_quat[body] = [np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
            spots = scatter(rng, len(self.blocks), *self.region, [], 0.1)
            if all(from_box(model, spot) >= _FROM_BOX for spot in spots):
                break
        *colours, other = draw_colours(rng, len(self.blocks) + 1)
        for name, spot, colour in zip(self.blocks, spots, colours, strict=True):
            put(data, name, spot, rng.uniform(-np.pi / 4, np.pi / 4))
            paint_body(model, name, shade(rng, colour))
        paint_body(model, "box", shade(rng, other))
        return {"colour": colours[0], "other": other}

    def object_position(self, model, data) -> np.ndarray:
        return data.joint(self.blocks[0]).qpos[:3].copy()

    def in_goal(self, cell) -> bool:
        return in_box(cell.data, self.blocks[0]) and not touched_by_arm(cell, self.blocks[0])

    def at_wrong_object(self, cell) -> bool:
        return any(
            in_box(cell.data, name) or cell.data.body(name).xpos[2] - BLOCK_HALF >= self.lifted
            for name in self.blocks[1:]
        )

    def disturb(self, cell, rng) -> bool:
        """Moves the block, or the box once the block is off the table."""
        model, here = cell.model, cell.object_position
        others = [cell.data.joint(name).qpos[:3] for name in self.blocks[1:]]
        if here[2] > BLOCK_HALF + 0.01:
            return cell.tcp_pose[2] > 0.1 and self._shift_box(model, rng, others)
        for _ in range(200):
            spot = self._shifted(rng, here, 0.03, 0.19)
            far = all(np.linalg.norm(spot[:2] - other[:2]) > 0.095 for other in others)
            if far and clear_of_tool(cell, spot) and from_box(model, spot) > _FROM_BOX:
                put(cell.data, self.blocks[0], spot, rng.uniform(-np.pi / 4, np.pi / 4))
                return True
        return False

    def _shift_box(self, model, rng, others) -> bool:
        body = model.body("box").id
        before = model.body_pos[body].copy()
        for _ in range(20):
            model.body_pos[body] = rng.uniform(*np.array(self.box_region))
            if all(from_box(model, other) > _FROM_BOX for other in others):
                return True
        model.body_pos[body] = before
        return False
