"""Slide block: push a block over the table onto an area of the named colour.

Not one of the shipped tasks: no shipped model was trained on it; the example of fine-tuning.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from ...gl import mujoco
from ..scene.blocks import put
from ..scene.decoys import add_decoys, decoy_positions, park_decoys, show_decoy
from ..scene.palette import draw_colours, paint, shade
from ..scene.scene import HIDDEN
from .expert import FINGERTIP, Expert, funnel, tool_down
from .task import Task, scatter

BLOCK_HALF = 0.024
AREA_RADIUS = 0.055
REACHED = 0.03
"""Greatest distance in metres of the block's middle from the area's when the task is done."""
PUSH_DISTANCE = (0.1, 0.18)
PUSH_ANGLE = np.deg2rad(40)
"""Greatest angle between the way to the area and the world's x."""


class SlideExpert(Expert):
    """Closed fingers behind the block, as seen from the area, then straight on; off and up when it is there."""

    contact = BLOCK_HALF + 0.011
    """Distance of the TCP from the block's middle when the fingers touch it."""
    stop = 0.008
    """Distance from the area's middle at which the pushing ends."""
    height = FINGERTIP + 0.008
    behind = 0.025
    """How far behind the contact the fingers come down."""
    beside = 0.012
    """Offset from the line of the push at which it is begun anew."""
    away = 0.16

    def waypoint(self, cell):
        block, pose = cell.object_position, cell.tcp_pose
        way = cell.model.body("area").pos[:2] - block[:2]
        distance = float(np.linalg.norm(way))
        commanded = cell.commanded_pose
        if distance < self.stop:
            return np.concatenate([commanded[:2], [max(commanded[2], self.away)], commanded[3:]]), 0.0
        along = way / distance
        off = pose[:2] - block[:2]
        back, side = -float(off @ along), float(off @ [-along[1], along[0]])
        turned = tool_down(np.arctan2(along[1], along[0]))
        ready = self.contact - 0.01 < back < self.contact + self.behind + 0.015 and abs(side) < self.beside
        if ready and pose[2] < self.height + 0.01:
            # Ahead of the fingers by no more than is needed to keep them moving: the block never runs away.
            tool = cell.model.body("area").pos[:2] - along * (self.contact + self.stop / 2)
            return np.array([*tool, self.height, *turned]), 0.0
        start = np.array([*(block[:2] - along * (self.contact + self.behind)), self.height])
        offset = float(np.linalg.norm(pose[:2] - start[:2]))
        angle = (Rotation.from_quat(turned) * Rotation.from_quat(pose[3:]).inv()).magnitude()
        return np.concatenate(
            [funnel(pose[:3], start, max(0.0, offset + 0.05 * float(angle) - 0.01), 0.1, 2.5), turned]
        ), 0.0


class SlideBlock(Task):
    """Push a block onto an area of the named colour."""

    shapes = ("sphere", "cylinder")
    block = "slid_block"

    def build(self, spec) -> None:
        area = spec.worldbody.add_body(name="area", pos=HIDDEN)
        area.add_geom(
            name="area",
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=[AREA_RADIUS, 0.0005, 0],
            pos=[0, 0, 0.001],
            contype=0,
            conaffinity=0,
            rgba=[0.5, 0.4, 0.4, 1],
        )
        body = spec.worldbody.add_body(name=self.block, pos=HIDDEN)
        body.add_freejoint(name=self.block)
        body.add_geom(
            name=self.block,
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[BLOCK_HALF] * 3,
            mass=0.08,
            friction=[0.5, 0.01, 0.0005],
            condim=4,
            rgba=[0.5, 0.4, 0.4, 1],
            solref=[0.01, 1],
        )
        add_decoys(spec, self.shapes)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        start, goal = self._draw_way(rng)
        colours = draw_colours(rng, 4)
        way = goal - start
        # Somewhat turned from the push: the flat of the fingers turns it straight.
        put(data, self.block, start, np.arctan2(way[1], way[0]) + rng.uniform(-np.pi / 6, np.pi / 6))
        paint(model, self.block, shade(rng, colours[1]))
        model.body_pos[model.body("area").id] = [*goal[:2], 0.0]
        paint(model, "area", shade(rng, colours[0]))
        park_decoys(model)
        taken = [start + s * way for s in (-0.4, 0.0, 0.5, 1.0)]
        low, high = np.array(self.region[0]) - [0.03, 0.05, 0], np.array(self.region[1]) + [0.15, 0.05, 0]
        for index, spot in enumerate(scatter(rng, 2, low, high, taken, 0.11)):
            show_decoy(model, rng, index, str(rng.choice(self.shapes)), spot, colours[index + 2], self.shapes)
        return {"colour": colours[0], "other": colours[1]}

    def _draw_way(self, rng) -> tuple[np.ndarray, np.ndarray]:
        """Where the block is and where it is to go, each [3]; the arm reaches both, and behind the block."""
        start, angle = self._draw(rng), rng.uniform(-PUSH_ANGLE, PUSH_ANGLE)
        return start, start + rng.uniform(*PUSH_DISTANCE) * np.array([np.cos(angle), np.sin(angle), 0.0])

    def object_position(self, model, data) -> np.ndarray:
        return data.joint(self.block).qpos[:3].copy()

    def in_goal(self, cell) -> bool:
        return float(np.linalg.norm(cell.object_position[:2] - cell.model.body("area").pos[:2])) < REACHED

    def disturb(self, cell, rng) -> bool:
        """Moves the block a little to the side, and the area to where it can be pushed from there."""
        if cell.tcp_pose[2] < 2 * BLOCK_HALF + 0.04:
            return False
        others = decoy_positions(cell.model)
        for _ in range(50):
            start, goal = self._draw_way(rng)
            near = np.linalg.norm(start - cell.object_position) < 0.1
            if near and all(np.linalg.norm(p[:2] - o[:2]) > 0.09 for p in (start, goal) for o in others):
                way = goal - start
                put(cell.data, self.block, start, np.arctan2(way[1], way[0]) + rng.uniform(-np.pi / 6, np.pi / 6))
                cell.model.body_pos[cell.model.body("area").id] = [*goal[:2], 0.0]
                return True
        return False
