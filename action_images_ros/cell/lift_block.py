"""Lift block: grasp the block of the named colour among others and hold it up."""

import numpy as np
from scipy.spatial.transform import Rotation

from action_images_ros.cell.arm import GRIPPER_STROKE
from action_images_ros.cell.experts import Expert, angle_between, funnel, tool_down
from action_images_ros.cell.gl import mujoco
from action_images_ros.cell.palette import draw_colours, paint, shade
from action_images_ros.cell.scene import HIDDEN
from action_images_ros.cell.task import Task, scatter

BLOCK_HALF = 0.018
_YAW_SLACK = np.deg2rad(8)


def square_yaw(rotation: np.ndarray, tool_yaw: float = 0.0) -> float:
    """Yaw in [-pi/4, pi/4] (rad) of a cube lying on any of its faces; `rotation` [3, 3] in the world.

    Within 8 degrees of the ends two yaws are as good as each other: there the one nearer to `tool_yaw` is taken, so
    that a small turn of the cube does not turn the tool by a quarter.
    """
    side = np.argmin(np.abs(rotation[2]))
    yaw = np.arctan2(rotation[1, side], rotation[0, side])
    yaw = float((yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    other = yaw - np.copysign(np.pi / 2, yaw)
    if abs(other) < np.pi / 4 + _YAW_SLACK and abs(other - tool_yaw) < abs(yaw - tool_yaw):
        return other
    return yaw


class LiftExpert(Expert):
    """Over the block, down, close, wait until the fingers stand still, up."""

    lift = 0.115
    body = "block_0"

    def waypoint(self, cell):
        block = cell.data.body(self.body)
        pose = cell.tcp_pose
        grasp = np.array([*block.xpos[:2], max(block.xpos[2], 0.012)])
        in_tool = Rotation.from_quat(pose[3:]).inv().apply(block.xpos - pose[:3])
        between = bool(np.all(np.abs(in_tool) < [0.02, 0.025, 0.02]))
        closing = cell.commanded_openness < 0.5
        width = cell.openness * GRIPPER_STROKE
        if closing and between and width > 0.02:
            settled = abs(cell.finger_speed) < 0.004 or block.xpos[2] > BLOCK_HALF + 0.003
            if width < 0.05 and settled:
                up = cell.commanded_pose
                top = BLOCK_HALF + self.lift
                up[2] = np.clip(up[2], top, top + 0.03) if up[2] < top + 0.03 else top
                return up, 0.0
            return cell.commanded_pose, 0.0
        forward = Rotation.from_quat(pose[3:]).apply([1.0, 0.0, 0.0])
        turned = tool_down(square_yaw(block.xmat.reshape(3, 3), np.arctan2(forward[1], forward[0])))
        offset = np.linalg.norm(pose[:2] - grasp[:2])
        angle = angle_between(pose[3:], turned)
        wide = width > 0.06
        ready = wide and offset < 0.005 and angle < 0.1 and abs(pose[2] - grasp[2]) < 0.006
        if ready and block.xpos[2] < 0.03:
            return np.concatenate([grasp, turned]), 0.0
        misalignment = max(0.0, offset + 0.06 * angle - 0.008) if wide else 0.05
        return np.concatenate([funnel(pose[:3], grasp, misalignment, 0.075, 2.5), turned]), 1.0


class LiftBlock(Task):
    """Grasp the block of the named colour and hold it up."""

    height = 0.08
    blocks = tuple(f"block_{index}" for index in range(3))

    def build(self, spec) -> None:
        for name in self.blocks:
            body = spec.worldbody.add_body(name=name, pos=HIDDEN)
            body.add_freejoint(name=name)
            body.add_geom(
                name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=[BLOCK_HALF] * 3, mass=0.04,
                friction=[1.0, 0.01, 0.0005], condim=4, rgba=[0.5, 0.4, 0.4, 1], solref=[0.01, 1],
            )

    def place(self, model, data, rng, tcp) -> dict[str, str]:
        spots = scatter(rng, len(self.blocks), *self.region, [], 0.115)
        colours = draw_colours(rng, len(self.blocks))
        for name, spot, colour in zip(self.blocks, spots, colours, strict=True):
            self._put(data, name, spot, rng.uniform(-np.pi / 4, np.pi / 4))
            paint(model, name, shade(rng, colour))
        return {"colour": colours[0]}

    def _put(self, data, name: str, position, yaw: float) -> None:
        joint = data.joint(name)
        joint.qpos[:] = [*position, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]
        joint.qvel[:] = 0

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
            clear_of_tool = cell.tcp_pose[2] > 0.09 or np.linalg.norm(spot[:2] - cell.tcp_pose[:2]) > 0.1
            if clear_of_tool and all(np.linalg.norm(spot[:2] - other[:2]) > 0.11 for other in others):
                self._put(cell.data, self.blocks[0], spot, rng.uniform(-np.pi / 4, np.pi / 4))
                return True
        return False
