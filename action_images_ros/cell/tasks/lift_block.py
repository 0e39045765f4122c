"""Lift block: grasp the block of the named colour among others and hold it up."""

import numpy as np

from ..scene.blocks import add_block, clear_of_tool, put
from ..scene.palette import draw_colours, paint, shade
from .grasp import LiftingExpert
from .task import Task, scatter

BLOCK_HALF = 0.018


class LiftExpert(LiftingExpert):
    """Over the block, down, close, wait until the fingers stand still, up."""

    rest = BLOCK_HALF


class LiftBlock(Task):
    """Grasp the block of the named colour and hold it up."""

    grasps = True
    height = 0.08
    blocks = tuple(f"block_{index}" for index in range(3))

    def build(self, spec) -> None:
        for name in self.blocks:
            add_block(spec, name, BLOCK_HALF)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        spots = scatter(rng, len(self.blocks), *self.region, [], 0.115)
        colours = draw_colours(rng, len(self.blocks))
        for name, spot, colour in zip(self.blocks, spots, colours, strict=True):
            put(data, name, spot, rng.uniform(-np.pi / 4, np.pi / 4))
            paint(model, name, shade(rng, colour))
        return {"colour": colours[0]}

    def object_position(self, model, data) -> np.ndarray:
        return data.joint(self.blocks[0]).qpos[:3].copy()

    def in_goal(self, cell) -> bool:
        return cell.object_position[2] - BLOCK_HALF >= self.height

    def at_wrong_object(self, cell) -> bool:
        return any(cell.data.body(name).xpos[2] - BLOCK_HALF >= self.height for name in self.blocks[1:])

    def disturb(self, cell, rng) -> bool:
        here = cell.object_position
        if here[2] > BLOCK_HALF + 0.01:
            return False
        others = [cell.data.joint(name).qpos[:3] for name in self.blocks[1:]]
        for _ in range(50):
            spot = self._shifted(rng, here, 0.03, 0.1)
            if clear_of_tool(cell, spot) and all(np.linalg.norm(spot[:2] - other[:2]) > 0.11 for other in others):
                put(cell.data, self.blocks[0], spot, rng.uniform(-np.pi / 4, np.pi / 4))
                return True
        return False
