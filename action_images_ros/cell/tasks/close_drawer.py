"""Close drawer: push an open drawer into its cabinet until it is open 2 cm at most."""

import numpy as np

from ...gl import mujoco
from ..scene.decoys import DISTRACTORS, add_decoys, park_decoys, show_decoy
from ..scene.palette import draw_colours, paint, shade
from ..scene.parts import Part, add_parts, finger_reach, put_body, resize_parts, within_reach
from ..scene.randomise import hsv
from ..scene.scene import HIDDEN
from .expert import Expert, funnel, tool_down
from .task import Task, scatter

HEIGHT = 0.115
"""Of the cabinet."""
WIDTH, DEPTH = (0.15, 0.20), (0.165, 0.19)
OPENING = (0.08, 0.16)
MAX_YAW = np.deg2rad(90)
"""How far the drawer's front may be turned away from facing the robot."""
PUSH_HEIGHT = 0.09
"""Of the TCP: over the handle, and the hand passes over the cabinet."""
_CLEARANCE = 0.045
_WALL = 0.004


def cabinet_parts(width: float, depth: float) -> list[Part]:
    """Frame: x out of the front, origin on the floor below the front of the closed drawer."""
    middle, half, side = -depth / 2, depth / 2, width / 2 - _WALL
    upper, reach = (HEIGHT + 0.05) / 2, (HEIGHT - 0.05) / 2
    return [
        Part("cabinet_lower", (middle, 0, 0.025), (half, width / 2, 0.025)),
        Part("cabinet_left", (middle, side, upper), (half, _WALL, reach)),
        Part("cabinet_right", (middle, -side, upper), (half, _WALL, reach)),
        Part("cabinet_back", (-depth + _WALL, 0, upper), (_WALL, width / 2, reach)),
        Part("cabinet_top", (middle, 0, HEIGHT - _WALL), (half, width / 2, _WALL)),
    ]


def drawer_parts(width: float, depth: float) -> tuple[list[Part], list[Part]]:
    """Drawer and handle, in the cabinet's frame when the drawer is closed; the front's outer face is at x = 0."""
    inner, back = width / 2 - 2 * _WALL - 0.002, depth - 0.012
    half, low, high = back / 2, 0.056, 0.098
    middle = (low + high) / 2
    drawer = [
        Part("drawer_front", (-0.005, 0, 0.081), (0.005, width / 2, 0.027)),
        Part("drawer_floor", (-half, 0, low), (half, inner, 0.003)),
        Part("drawer_left", (-half, inner - 0.003, middle), (half, 0.003, (high - low) / 2)),
        Part("drawer_right", (-half, -inner + 0.003, middle), (half, 0.003, (high - low) / 2)),
        Part("drawer_back", (-back, 0, middle), (0.003, inner, (high - low) / 2)),
    ]
    handle = [
        Part("handle_bar", (0.02, 0, 0.067), (0.004, 0.04, 0.006)),
        Part("handle_left", (0.009, 0.034, 0.067), (0.009, 0.004, 0.004)),
        Part("handle_right", (0.009, -0.034, 0.067), (0.009, 0.004, 0.004)),
    ]
    return drawer, handle


class CloseDrawerExpert(Expert):
    """Closed fingers down in front of the drawer, then straight at it until it is shut."""

    def waypoint(self, cell):
        front = cell.data.body("drawer")
        out, side = front.xmat.reshape(3, 3)[:, 0], front.xmat.reshape(3, 3)[:, 1]
        reach = finger_reach(out)
        position = cell.tcp_pose[:3]
        ahead, beside = (position - front.xpos) @ out, (position - front.xpos) @ side
        level = np.array([0.0, 0.0, PUSH_HEIGHT])
        if ahead > reach - 0.008 and abs(beside) < 0.03 and abs(position[2] - PUSH_HEIGHT) < 0.015:
            shut = cell.data.body("cabinet").xpos + (reach - 0.003) * out + level
            return np.concatenate([shut, tool_down(0.0)]), 0.0
        goal = front.xpos + (reach + _CLEARANCE) * out + level
        misalignment = max(0.0, np.hypot(ahead - reach - _CLEARANCE, beside) - 0.015)
        return np.concatenate([funnel(position, goal, misalignment, 0.075, 2.5), tool_down(0.0)]), 0.0


class CloseDrawer(Task):
    """Push the drawer in until it is open 2 cm at most."""

    shapes = ("sphere", "box", "cylinder")
    gap = 0.02

    def build(self, spec) -> None:
        cabinet = spec.worldbody.add_body(name="cabinet", pos=HIDDEN)
        add_parts(spec, cabinet, cabinet_parts(WIDTH[1], DEPTH[1]))
        drawer = cabinet.add_body(name="drawer")
        drawer.add_joint(
            name="drawer",
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[1, 0, 0],
            range=[0, OPENING[1]],
            limited=True,
            damping=4,
            frictionloss=0.3,
        )
        for parts in drawer_parts(WIDTH[1], DEPTH[1]):
            add_parts(spec, drawer, parts)
        spec.add_exclude(bodyname1="cabinet", bodyname2="drawer")
        add_decoys(spec, self.shapes)

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        width, depth = rng.uniform(*WIDTH), rng.uniform(*DEPTH)
        drawer, handle = drawer_parts(width, depth)
        resize_parts(model, [*cabinet_parts(width, depth), *drawer, *handle])
        colours = draw_colours(rng, DISTRACTORS + 1)
        colour = shade(rng, colours[0])
        wood = hsv(rng.uniform(0.05, 0.11), rng.uniform(0, 0.45), rng.uniform(0.35, 0.95))
        for part in cabinet_parts(width, depth):
            paint(model, part.name, wood)
        for part in drawer:
            paint(model, part.name, colour * (0.6 if part.name == "drawer_floor" else 1.0))
        for part in handle:
            paint(model, part.name, rng.uniform(0.1, 0.25) * np.ones(3))
        foot, yaw, opening = self._draw_place(rng)
        self._put(model, data, foot, yaw, opening)
        park_decoys(model)
        out = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        taken = [foot + distance * out for distance in (-depth, -depth / 2, 0.0, opening / 2, opening, opening + 0.06)]
        count = int(rng.integers(2, DISTRACTORS + 1))
        for index, spot in enumerate(scatter(rng, count, (0.3, -0.3, 0.0), (0.7, 0.3, 0.0), taken, 0.14)):
            shape = str(rng.choice(self.shapes))
            show_decoy(model, rng, index, shape, spot + [0, 0, 0.02], colours[index + 1], self.shapes)
        return {"colour": colours[0]}

    def _draw_place(self, rng) -> tuple[np.ndarray, float, float]:
        """Foot of the closed drawer's front [3], yaw (rad) in which it opens, opening (m): all within reach."""
        _, high = np.array(self.region)
        while True:
            handle, yaw = self._draw(rng), np.pi + rng.uniform(-MAX_YAW, MAX_YAW)
            opening = rng.uniform(*OPENING)
            out = np.array([np.cos(yaw), np.sin(yaw), 0.0])
            foot, approach = handle - opening * out, handle + (_CLEARANCE + 0.02) * out
            if foot[0] < high[0] + 0.03 and abs(foot[1]) < high[1] + 0.03 and within_reach(approach):
                return foot, yaw, opening

    def _put(self, model, data, foot, yaw: float, opening: float) -> None:
        put_body(model, "cabinet", foot, yaw)
        data.joint("drawer").qpos[0], data.joint("drawer").qvel[0] = opening, 0.0

    def object_position(self, model, data) -> np.ndarray:
        """Foot of the drawer's front where it is now."""
        body = model.body("cabinet").id
        w, _, _, z = model.body_quat[body]
        out = np.array([w * w - z * z, 2 * w * z, 0.0])
        return model.body_pos[body] + data.joint("drawer").qpos[0] * out

    def in_goal(self, cell) -> bool:
        return float(cell.data.joint("drawer").qpos[0]) <= self.gap

    def disturb(self, cell, rng) -> bool:
        """Cabinet elsewhere, drawer open again; never through the fingers."""
        here, tcp = cell.object_position, cell.tcp_pose[:3]
        depth = 2 * cell.model.geom("cabinet_top").size[0]
        width = 2 * cell.model.geom("cabinet_top").size[1]
        margin = 0.04 if tcp[2] > PUSH_HEIGHT - 0.008 else 0.12
        for _ in range(100):
            foot, yaw, opening = self._draw_place(rng)
            out = np.array([np.cos(yaw), np.sin(yaw), 0.0])
            if not 0.03 < np.linalg.norm(foot + opening * out - here) < 0.18:
                continue
            ahead, beside = (tcp - foot) @ out, (tcp - foot) @ [-out[1], out[0], 0.0]
            inside = -depth - margin < ahead < opening + margin and abs(beside) < width / 2 + margin
            if tcp[2] > HEIGHT + 0.03 or not inside:
                self._put(cell.model, cell.data, foot, yaw, opening)
                return True
        return False
