"""Reach target: bring the TCP to a floating ball of the named colour."""

import numpy as np

from ...gl import mujoco
from ..scene.decoys import DISTRACTORS, add_decoys, decoy_positions, park_decoys, show_decoy
from ..scene.palette import draw_colours, paint, shade
from ..scene.scene import HIDDEN
from .expert import Expert, tool_down
from .task import Task, scatter

BALL_RADIUS = 0.02


class ReachExpert(Expert):
    """Straight to the ball, tool turning down."""

    def waypoint(self, cell):
        return np.concatenate([cell.object_position, tool_down(0.0)]), 1.0


class ReachTarget(Task):
    """Bring the TCP to a floating ball."""

    shapes = ("sphere", "box")
    tolerance = 0.02

    def build(self, spec) -> None:
        body = spec.worldbody.add_body(name="target", pos=HIDDEN)
        body.add_geom(
            name="target",
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[BALL_RADIUS, 0, 0],
            contype=0,
            conaffinity=0,
            rgba=[0.5, 0.4, 0.4, 1],
        )
        add_decoys(spec, self.shapes)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        target = self._draw(rng)
        while np.linalg.norm(target - tcp) < 0.1:
            target = self._draw(rng)
        count = int(rng.integers(2, DISTRACTORS + 1))
        colours = draw_colours(rng, count + 1)
        model.body_pos[model.body("target").id] = target
        paint(model, "target", shade(rng, colours[0]))
        park_decoys(model)
        for index, position in enumerate(scatter(rng, count, *self.region, [target, tcp], 0.1)):
            shape = "sphere" if rng.random() < 0.5 else "box"
            if shape == "box":
                position = np.array([position[0], position[1], 0.02])
            show_decoy(model, rng, index, shape, position, colours[index + 1], self.shapes)
        return {"colour": colours[0]}

    def object_position(self, model, data) -> np.ndarray:
        return model.body_pos[model.body("target").id].copy()

    def in_goal(self, cell) -> bool:
        return bool(np.linalg.norm(cell.tcp_pose[:3] - cell.object_position) <= self.tolerance)

    def at_wrong_object(self, cell) -> bool:
        return any(np.linalg.norm(cell.tcp_pose[:3] - place) <= self.tolerance for place in decoy_positions(cell.model))

    def disturb(self, cell, rng) -> bool:
        body = cell.model.body("target").id
        cell.model.body_pos[body] = self._shifted(rng, cell.model.body_pos[body].copy(), 0.04, 0.15)
        return True
