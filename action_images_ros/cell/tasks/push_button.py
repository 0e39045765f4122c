"""Push button: press a button's cap 8 of its 12 mm down."""

import numpy as np

from ...gl import mujoco
from ..scene.decoys import DISTRACTORS, add_decoys, decoy_positions, park_decoys, show_decoy
from ..scene.palette import draw_colours, paint, shade
from ..scene.scene import HIDDEN
from .expert import FINGERTIP, Expert, funnel, tool_down
from .task import Task, scatter

CAP_RADIUS = 0.03
CAP_TOP = 0.045
"""Height of the unpressed button's cap."""
TRAVEL = 0.012


class PushExpert(Expert):
    """Closed fingers over the cap, then down until the button is at its stop."""

    press = 0.011

    def waypoint(self, cell):
        goal = cell.object_position + [0, 0, FINGERTIP - self.press]
        position = cell.tcp_pose[:3]
        offset = float(np.linalg.norm(position[:2] - goal[:2]))
        return np.concatenate([funnel(position, goal, max(0.0, offset - 0.01), 0.07, 2.5), tool_down(0.0)]), 0.0


class PushButton(Task):
    """Press a button's cap 8 of its 12 mm down."""

    shapes = ("sphere", "box", "cylinder")
    depth = 0.008

    def build(self, spec) -> None:
        base = spec.worldbody.add_body(name="button", pos=HIDDEN)
        cylinder = mujoco.mjtGeom.mjGEOM_CYLINDER
        base.add_geom(
            name="button_base", type=cylinder, size=[0.042, 0.0125, 0], pos=[0, 0, 0.0125], rgba=[0.3, 0.3, 0.3, 1]
        )
        cap = base.add_body(name="button_cap", gravcomp=1)
        half = 0.013
        cap.add_joint(
            name="button",
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[0, 0, -1],
            range=[0, TRAVEL],
            limited=True,
            stiffness=250,
            damping=8,
            armature=0.02,
        )
        cap.add_geom(
            name="button_cap",
            type=cylinder,
            size=[CAP_RADIUS, half, 0],
            pos=[0, 0, CAP_TOP - half],
            mass=0.05,
            rgba=[0.5, 0.4, 0.4, 1],
        )
        spec.add_exclude(bodyname1="button", bodyname2="button_cap")
        add_decoys(spec, self.shapes)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        position = self._draw(rng)
        count = int(rng.integers(2, DISTRACTORS + 1))
        colours = draw_colours(rng, count + 1)
        model.body_pos[model.body("button").id] = position
        paint(model, "button_cap", shade(rng, colours[0]))
        paint(model, "button_base", rng.uniform(0.15, 0.45) * np.ones(3))
        park_decoys(model)
        for index, spot in enumerate(scatter(rng, count, *self.region, [position], 0.12)):
            shape = str(rng.choice(self.shapes))
            show_decoy(model, rng, index, shape, spot + [0, 0, 0.02], colours[index + 1], self.shapes)
        return {"colour": colours[0]}

    def object_position(self, model, data) -> np.ndarray:
        return model.body_pos[model.body("button").id] + [0, 0, CAP_TOP]

    def in_goal(self, cell) -> bool:
        return float(cell.data.joint("button").qpos[0]) >= self.depth

    def at_wrong_object(self, cell) -> bool:
        fingertip = cell.tcp_pose[:3] - [0, 0, FINGERTIP]
        return any(
            np.linalg.norm(fingertip[:2] - place[:2]) < CAP_RADIUS and fingertip[2] < CAP_TOP
            for place in decoy_positions(cell.model)
        )

    def disturb(self, cell, rng) -> bool:
        if cell.tcp_pose[2] < CAP_TOP + 0.04:
            return False
        body = cell.model.body("button").id
        others = decoy_positions(cell.model)
        for _ in range(50):
            spot = self._shifted(rng, cell.model.body_pos[body].copy(), 0.04, 0.12)
            if all(np.linalg.norm(spot[:2] - other[:2]) > 0.1 for other in others):
                cell.model.body_pos[body] = spot
                return True
        return False
