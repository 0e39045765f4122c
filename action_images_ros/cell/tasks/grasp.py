"""Shared parts of the grasping tasks: the grasping expert, and the test of a release."""

import numpy as np
from scipy.spatial.transform import Rotation

from ..arm import GRIPPER_STROKE
from .expert import Expert, angle_between, funnel, tool_down

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


def yaw_of_tool(pose: np.ndarray) -> float:
    """The yaw (rad) of a robot tool that points roughly down, by its x axis."""
    forward = Rotation.from_quat(pose[3:]).apply([1.0, 0.0, 0.0])
    return float(np.arctan2(forward[1], forward[0]))


def touched_by_arm(cell, body: str) -> bool:
    """Whether any part of the arm touches the body."""
    model, pairs = cell.model, cell.model.geom_bodyid[cell.data.contact.geom]
    with_it = (pairs == model.body(body).id).any(axis=1)
    return bool((model.body_rootid[pairs[with_it]] == model.body("link0").id).any())


def speed(cell, body: str) -> float:
    """Speed in m/s of a body on a free joint."""
    return float(np.linalg.norm(cell.data.joint(body).qvel[:3]))


class GraspExpert(Expert):
    """Over the object, down, close, wait until the fingers stand still, then `carry`. Lengths in metres."""

    body = "block_0"
    rest = 0.018
    """Height of the body's origin when it stands on the table."""
    held_width = (0.02, 0.05)
    """Opening of the fingers that tells that they hold the object."""
    between = (0.02, 0.025, 0.02)
    """How far from the TCP the object's origin may be, along the tool's axes, and still be between the fingers."""
    wide = 0.06
    """Opening of the fingers that lets the object in."""
    reach, level, turn = 0.005, 0.006, 0.1
    """Offset across, offset in height and angle (rad) to the grasp at which the fingers close."""
    highest = 0.03
    """The object is grasped up to this height; above, it is waited for to come to rest."""
    hover, slack = 0.075, 0.008
    """The funnel above the grasp, see `funnel`: its height, and the misalignment that counts as none."""

    def waypoint(self, cell):
        body, pose = cell.data.body(self.body), cell.tcp_pose
        width = cell.openness * GRIPPER_STROKE
        if self.grips(cell):
            settled = abs(cell.finger_speed) < 0.004 or body.xpos[2] > self.rest + 0.003
            if width < self.held_width[1] and settled:
                return self.carry(cell)
            return cell.commanded_pose, 0.0
        grasp = self.grasp_point(body)
        turned = tool_down(self.grasp_yaw(body, yaw_of_tool(pose)))
        offset = np.linalg.norm(pose[:2] - grasp[:2])
        angle = angle_between(pose[3:], turned)
        wide = width > self.wide
        level = abs(pose[2] - grasp[2]) < self.level
        if wide and offset < self.reach and angle < self.turn and level and body.xpos[2] < self.highest:
            return np.concatenate([grasp, turned]), 0.0
        misalignment = max(0.0, float(offset + 0.06 * angle - self.slack)) if wide else 0.05
        return np.concatenate([funnel(pose[:3], grasp, misalignment, self.hover, 2.5), turned]), 1.0

    def grips(self, cell) -> bool:
        """Whether the fingers are closing, or closed, on the object."""
        body, pose = cell.data.body(self.body), cell.tcp_pose
        in_tool = Rotation.from_quat(pose[3:]).inv().apply(body.xpos - pose[:3])
        between = bool(np.all(np.abs(in_tool) < self.between))
        return cell.commanded_openness < 0.5 and between and cell.openness * GRIPPER_STROKE > self.held_width[0]

    def grasp_point(self, body) -> np.ndarray:
        """Where the TCP is to be when the fingers close, [3]; `body`: its entry in the simulator's data."""
        return np.array([*body.xpos[:2], max(body.xpos[2], 0.012)])

    def grasp_yaw(self, body, tool_yaw: float) -> float:
        """Yaw of the tool (rad) when the fingers close."""
        return square_yaw(body.xmat.reshape(3, 3), tool_yaw)

    def carry(self, cell) -> tuple[np.ndarray, float]:
        """Where to go with the object held: pose7, openness."""
        raise NotImplementedError


class LiftingExpert(GraspExpert):
    """Grasps and goes straight up."""

    lift = 0.115

    def carry(self, cell):
        up = cell.commanded_pose
        top = self.rest + self.lift
        up[2] = np.clip(up[2], top, top + 0.03) if up[2] < top + 0.03 else top
        return up, 0.0


class PlacingExpert(GraspExpert):
    """Grasps, carries over the goal at a safe height, comes down, opens, goes straight up and waits there."""

    travel = 0.07
    """How far above the goal the object is carried."""
    goal_slack = 0.01
    """Offset from the goal that counts as none on the way down."""
    below = 0.012
    """How far below the goal the object may still be let go."""
    away = 0.2
    """Height at which the tool waits when all is done."""

    def waypoint(self, cell):
        if not self.let_go(cell):
            return super().waypoint(cell)
        pose = cell.commanded_pose
        pose[3:] = tool_down(yaw_of_tool(pose))
        low = pose[2] < self.goal(cell)[2] - self.below  # something beside the goal may keep the fingers from opening
        if low or cell.openness * GRIPPER_STROKE > self.wide:
            pose[2] = max(pose[2], self.away)
        return pose, 1.0

    def carry(self, cell):
        goal, pose = self._tool_goal(cell), cell.tcp_pose
        offset = float(np.linalg.norm(pose[:2] - goal[:2]))
        waypoint = funnel(pose[:3], goal, max(0.0, offset - self.goal_slack), self.travel, 2.5)
        return np.concatenate([waypoint, tool_down(yaw_of_tool(pose))]), 0.0

    def brought(self, cell, offset: float, height: float) -> bool:
        """Whether the object is held within `offset` across, `height` above and `below` under where it is let go."""
        off = cell.tcp_pose[:3] - self._tool_goal(cell)
        return self.grips(cell) and bool(np.linalg.norm(off[:2]) < offset and -self.below < off[2] < height)

    def _tool_goal(self, cell) -> np.ndarray:
        """Where the TCP brings the object to its goal: the object need not sit in the middle of the fingers.

        An object that is held by its lower edge is let go from a little higher, or the fingertips would be in the way.
        """
        in_hand = cell.tcp_pose[:3] - cell.data.body(self.body).xpos
        return self.goal(cell) + [*in_hand[:2], max(in_hand[2], -0.01)]

    def goal(self, cell) -> np.ndarray:
        """Where the object is to be when the fingers open, [3]."""
        raise NotImplementedError

    def let_go(self, cell) -> bool:
        """Whether the object is where the fingers are to open, or are to stay open."""
        raise NotImplementedError
