"""Close laptop: press the lid down until it is open 10 degrees at most."""

import numpy as np

from ...gl import mujoco
from ..scene.decoys import DISTRACTORS, add_decoys, park_decoys, show_decoy
from ..scene.palette import draw_colours, paint, shade
from ..scene.parts import Part, add_parts, finger_reach, put_body, resize_parts, within_reach
from ..scene.randomise import hsv
from ..scene.scene import HIDDEN
from .expert import FINGERTIP, Expert, funnel, tool_down
from .task import Task, scatter

WIDTH, DEPTH = (0.18, 0.22), (0.125, 0.145)
ANGLE = (np.deg2rad(60), np.deg2rad(110))
"""Of the open lid; closed is 0."""
MAX_YAW = np.deg2rad(90)
"""How far the laptop's front may be turned away from facing away from the robot."""
HINGE_HEIGHT = 0.016
LID = 0.008
"""Thickness."""
_CLEARANCE, _LEAD = 0.04, 0.35
_GRIP = 0.8
"""Where the fingers touch the lid, in lengths of the lid from the hinge."""


def base_parts(width: float, depth: float) -> list[Part]:
    """Frame: origin on the table below the middle, x towards the front edge, hinge at x = -depth / 2."""
    return [
        Part("laptop_base", (0, 0, 0.007), (depth / 2, width / 2, 0.007)),
        Part("laptop_keys", (-0.018, 0, 0.0143), (depth / 2 - 0.034, width / 2 - 0.012, 0.0007), solid=False),
        Part("laptop_pad", (depth / 2 - 0.026, 0, 0.0143), (0.017, 0.028, 0.0007), solid=False),
    ]


def lid_parts(width: float, depth: float) -> list[Part]:
    """Frame: origin in the hinge, x along the lid, z out of its outer face."""
    return [
        Part("laptop_lid", (depth / 2, 0, LID / 2), (depth / 2, width / 2, LID / 2)),
        Part("laptop_bezel", (depth / 2, 0, -0.0002), (depth / 2 - 0.003, width / 2 - 0.003, 0.0004), solid=False),
        Part("laptop_screen", (depth / 2, 0, -0.0006), (depth / 2 - 0.013, width / 2 - 0.012, 0.0006), solid=False),
    ]


def fingertip_on_lid(angle: float, length: float, reach: float) -> np.ndarray:
    """Where the closed fingers' tip touches the lid's outer face: [2] (m) forward of and above the hinge.

    angle: of the lid, rad. length: of the lid, m. reach: half the fingers' thickness along the way, m.
    """
    c, s = np.cos(angle), np.sin(angle)
    spot = _GRIP * length * np.array([c, s]) + (LID + reach * s) * np.array([-s, c])
    if c < 0:
        spot[0] = length * c - LID - reach  # the lid leans back: its edge touches the fingers first
    return spot


class CloseLaptopExpert(Expert):
    """Closed fingers down behind the lid, then round the hinge with it and down."""

    def waypoint(self, cell):
        laptop, hinge = cell.data.body("laptop"), cell.data.body("lid").xpos
        forward, side = laptop.xmat.reshape(3, 3)[:, 0], laptop.xmat.reshape(3, 3)[:, 1]
        length = 2 * float(cell.model.geom("laptop_lid").size[0])
        reach = finger_reach(forward)
        angle = float(cell.data.joint("lid").qpos[0])
        along, out = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])

        position = cell.tcp_pose[:3]
        offset = position - [0, 0, FINGERTIP] - hinge
        tip, beside = np.array([offset @ forward, offset[2]]), offset @ side
        contact = fingertip_on_lid(angle, length, reach)
        apart = (tip - contact) @ out
        if -0.015 < apart < 0.08 and 0.3 * length < tip @ along < 0.9 * length and abs(beside) < 0.05:
            goal = fingertip_on_lid(max(angle - _LEAD, 0.0), length, reach)
            point = hinge + goal[0] * forward + [0, 0, goal[1] + FINGERTIP]
        else:
            goal = contact + _CLEARANCE * out
            misalignment = max(0.0, np.hypot(tip[0] - goal[0], beside) - 0.012)
            behind = hinge + goal[0] * forward + [0, 0, goal[1] + FINGERTIP]
            point = funnel(position, behind, misalignment, 0.075, 2.5)
        return np.concatenate([point, tool_down(0.0)]), 0.0


class CloseLaptop(Task):
    """Close the lid until it is open 10 degrees at most."""

    shapes = ("sphere", "box", "cylinder")
    closed = np.deg2rad(10)

    def build(self, spec) -> None:
        laptop = spec.worldbody.add_body(name="laptop", pos=HIDDEN)
        add_parts(spec, laptop, base_parts(WIDTH[1], DEPTH[1]))
        lid = laptop.add_body(name="lid", pos=[-DEPTH[1] / 2, 0, HINGE_HEIGHT], gravcomp=1)
        lid.add_joint(
            name="lid",
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=[0, -1, 0],
            range=[0, 2.1],
            limited=True,
            damping=0.03,
            frictionloss=0.03,
            armature=0.001,
        )
        add_parts(spec, lid, lid_parts(WIDTH[1], DEPTH[1]))
        spec.add_exclude(bodyname1="laptop", bodyname2="lid")
        add_decoys(spec, self.shapes)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        width, depth = rng.uniform(*WIDTH), rng.uniform(*DEPTH)
        resize_parts(model, [*base_parts(width, depth), *lid_parts(width, depth)])
        model.body_pos[model.body("lid").id, 0] = -depth / 2
        colours = draw_colours(rng, DISTRACTORS + 1)
        colour = shade(rng, colours[0])
        paint(model, "laptop_base", colour)
        paint(model, "laptop_lid", colour)
        dark = rng.uniform(0.06, 0.2)
        for name, rgb in (
            ("laptop_keys", dark * np.ones(3)),
            ("laptop_pad", rng.uniform(0.35, 0.6) * np.ones(3)),
            ("laptop_bezel", dark * np.ones(3)),
            ("laptop_screen", hsv(rng.uniform(0.5, 0.6), rng.uniform(0.05, 0.3), rng.uniform(0.85, 1.0))),
        ):
            paint(model, name, rgb)
        spot, yaw, angle = self._draw_place(rng, depth)
        while not self._clear(tcp, spot, yaw, width, depth):
            spot, yaw, angle = self._draw_place(rng, depth)
        self._put(model, data, spot, yaw, angle)
        park_decoys(model)
        forward, side = np.array([np.cos(yaw), np.sin(yaw), 0.0]), np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        taken = [spot + s * side for s in (-0.07, 0.0, 0.07)] + [spot - (depth / 2 + 0.07) * forward]
        count = int(rng.integers(2, DISTRACTORS + 1))
        for index, place in enumerate(scatter(rng, count, (0.3, -0.3, 0.0), (0.7, 0.3, 0.0), taken, 0.14)):
            shape = str(rng.choice(self.shapes))
            show_decoy(model, rng, index, shape, place + [0, 0, 0.02], colours[index + 1], self.shapes)
        return {"colour": colours[0]}

    def _draw_place(self, rng, depth: float) -> tuple[np.ndarray, float, float]:
        """Middle of the laptop [3], yaw (rad) of its front, angle (rad) of its lid; the arm reaches behind the lid."""
        while True:
            spot, yaw, angle = self._draw(rng), rng.uniform(-MAX_YAW, MAX_YAW), rng.uniform(*ANGLE)
            forward = np.array([np.cos(yaw), np.sin(yaw)])
            lean = min(0.0, np.cos(angle)) * depth
            behind = spot[:2] + (lean - depth / 2 - _CLEARANCE - 0.025) * forward
            if within_reach(behind):
                return spot, yaw, angle

    def _clear(self, tcp, spot, yaw: float, width: float, depth: float) -> bool:
        """Whether the hand, TCP at `tcp`, keeps clear of everything the lid may sweep."""
        offset = tcp - spot
        ahead = offset[0] * np.cos(yaw) + offset[1] * np.sin(yaw)
        beside = -offset[0] * np.sin(yaw) + offset[1] * np.cos(yaw)
        margin = 0.04 if tcp[2] - FINGERTIP > depth - 0.02 else 0.12
        inside = abs(ahead + 0.025) < depth / 2 + 0.025 + margin and abs(beside) < width / 2 + margin
        return not inside or tcp[2] - FINGERTIP > HINGE_HEIGHT + depth + LID + 0.01

    def _put(self, model, data, spot, yaw: float, angle: float) -> None:
        put_body(model, "laptop", spot, yaw)
        data.joint("lid").qpos[0], data.joint("lid").qvel[0] = angle, 0.0

    def object_position(self, model, data) -> np.ndarray:
        """Middle of the laptop, on the table."""
        return model.body_pos[model.body("laptop").id].copy()

    def in_goal(self, cell) -> bool:
        return float(cell.data.joint("lid").qpos[0]) <= self.closed

    def disturb(self, cell, rng) -> bool:
        """Laptop elsewhere, lid open again; never through the hand."""
        here, tcp = cell.object_position, cell.tcp_pose[:3]
        half_depth, half_width = cell.model.geom("laptop_base").size[:2]
        for _ in range(200):
            spot, yaw, angle = self._draw_place(rng, 2 * half_depth)
            near = 0.03 < np.linalg.norm(spot - here) < 0.19
            if near and self._clear(tcp, spot, yaw, 2 * half_width, 2 * half_depth):
                self._put(cell.model, cell.data, spot, yaw, angle)
                return True
        return False
