"""Stack blocks: put the block of one named colour on the block of another."""

import numpy as np

from ..scene.blocks import add_block, clear_of_tool, put
from ..scene.palette import draw_colours, paint_body, shade
from .grasp import PlacingExpert, speed, touched_by_arm
from .task import Task, scatter

BLOCK_HALF = 0.021
ON_TOP = 0.006
"""How far (m) the height over the block below may be from a block's edge."""


def is_on(data, upper: str, lower: str, height: float = ON_TOP) -> bool:
    """Whether one block is on top of the other: its middle over the other's, an edge higher to within `height` (m)."""
    between = data.body(upper).xpos - data.body(lower).xpos
    return bool(np.linalg.norm(between[:2]) < BLOCK_HALF and abs(between[2] - 2 * BLOCK_HALF) < height)


class StackBlocksExpert(PlacingExpert):
    """The block is let go a few millimetres above the other one, in any rotation."""

    base = "block_1"
    rest = BLOCK_HALF
    held_width = (0.02, 0.055)
    wide = 0.065
    reach, level = 0.007, 0.01
    highest = 0.08
    goal_slack = 0.006
    gap = 0.002

    def goal(self, cell):
        return cell.data.body(self.base).xpos + [0, 0, 2 * BLOCK_HALF + self.gap]

    def let_go(self, cell):
        if self.grips(cell):
            return self.brought(cell, 0.009, 0.005)
        return is_on(cell.data, self.body, self.base, height=0.008)


class StackBlocks(Task):
    """Put one named block on another: on top, released and still."""

    grasps = True
    blocks = tuple(f"block_{index}" for index in range(3))
    """The one to put, the one to put it on, one to leave alone."""
    still = 0.01
    """m/s below which a block counts as still."""
    lifted = 0.03
    """Another block so far above the table counts as the wrong one."""

    def build(self, spec) -> None:
        for name in self.blocks:
            add_block(spec, name, BLOCK_HALF)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        spots = scatter(rng, len(self.blocks), *self.region, [], 0.125)
        colours = draw_colours(rng, len(self.blocks))
        for name, spot, colour in zip(self.blocks, spots, colours, strict=True):
            put(data, name, spot, rng.uniform(-np.pi / 4, np.pi / 4))
            paint_body(model, name, shade(rng, colour))
        return {"colour": colours[0], "other": colours[1]}

    def object_position(self, model, data) -> np.ndarray:
        return data.joint(self.blocks[0]).qpos[:3].copy()

    def in_goal(self, cell) -> bool:
        upper, lower, _ = self.blocks
        return self._stands(cell, upper, lower)

    def _stands(self, cell, upper: str, lower: str) -> bool:
        return is_on(cell.data, upper, lower) and speed(cell, upper) < self.still and not touched_by_arm(cell, upper)

    def at_wrong_object(self, cell) -> bool:
        upper, *others = self.blocks
        lifted = any(cell.data.body(name).xpos[2] - BLOCK_HALF >= self.lifted for name in others)
        return lifted or self._stands(cell, upper, others[1])

    def disturb(self, cell, rng) -> bool:
        """Moves the block, or the one below once the block is off the table."""
        upper, lower, third = self.blocks
        moved, other = (upper, lower) if cell.object_position[2] < BLOCK_HALF + 0.01 else (lower, upper)
        here = cell.data.joint(moved).qpos[:3].copy()
        if here[2] > BLOCK_HALF + 0.01 or is_on(cell.data, upper, lower):
            return False
        for _ in range(50):
            spot = self._shifted(rng, here, 0.03, 0.1)
            others = (cell.data.joint(name).qpos[:2] for name in (other, third))
            far = all(np.linalg.norm(spot[:2] - place) > 0.12 for place in others)
            if far and clear_of_tool(cell, spot):
                put(cell.data, moved, spot, rng.uniform(-np.pi / 4, np.pi / 4))
                return True
        return False
