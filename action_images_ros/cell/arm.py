"""Moves the Panda: Cartesian target in, position commands of Menagerie's actuators out.

Differential inverse kinematics (mink) runs on the commanded configuration, not on the measured one: it never
winds up against a contact. Menagerie's position servos have the same ratio kd / kp for every joint, so a servo
lags its command by kd / kp = 0.1 s; the command is led by just that much of the commanded velocity.
"""

import logging

import mink
import numpy as np

from ..gl import mujoco
from .scene.scene import ARM_JOINTS, JOINT_NAMES, compile_arm

TCP_SITE = "tcp"
HOME = np.array([0.0, -0.3, 0.0, -2.4, 0.0, 2.1, 0.785])
"""Posture (rad) that the redundant joint is drawn to."""
MAX_JOINT_SPEED = 2.0
"""rad/s; Franka's own limit is 2.175 for joints 1-4."""
GRIPPER_STROKE = 0.08
"""Opening in metres at openness 1."""

_SERVO_LAG = 0.1
_GRIPPER_CTRL = 255.0
_SOLVER = "daqp"

logging.getLogger("mink").setLevel(logging.ERROR)


class ArmController:
    """Inverse kinematics with its own model of the arm; one per compiled scene, `reset` before use."""

    def __init__(self):
        self._model = compile_arm()
        self._configuration = mink.Configuration(self._model)
        self._frame = mink.FrameTask(TCP_SITE, "site", position_cost=1.0, orientation_cost=0.4, lm_damping=1e-4)
        cost = np.full(self._model.nv, 3e-3)
        self._posture = mink.PostureTask(self._model, cost=cost, gain=0.05)
        rest = np.zeros(self._model.nq)
        rest[:7], rest[7:] = HOME, 0.04
        self._posture.set_target(rest)
        self._rest = rest
        self._limits = [mink.ConfigurationLimit(self._model)]

    def reset(self, pose7: np.ndarray, iterations: int = 80) -> np.ndarray:
        """Joint angles [7] rad that put the TCP at `pose7` (xyz m, quaternion xyzw), from the home posture."""
        self._configuration.update(self._rest.copy())
        for _ in range(iterations):
            self._iterate(pose7, 0.05)
        return self._configuration.q[:7].copy()

    def track(self, pose7: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
        """One tick: joint angles [7] rad to command and their velocities [7] rad/s."""
        velocity = self._iterate(pose7, period)
        return self._configuration.q[:7].copy(), velocity

    def commanded_pose(self) -> np.ndarray:
        """TCP pose7 of the commanded joint angles."""
        transform = self._configuration.get_transform_frame_to_world(TCP_SITE, "site")
        w, x, y, z = transform.rotation().wxyz
        return np.concatenate([transform.translation(), [x, y, z, w]])

    def _iterate(self, pose7: np.ndarray, period: float) -> np.ndarray:
        x, y, z, w = pose7[3:]
        self._frame.set_target(mink.SE3(np.array([w, x, y, z, *pose7[:3]])))
        velocity = mink.solve_ik(
            self._configuration, (self._frame, self._posture), period, _SOLVER, limits=self._limits
        )
        velocity[7:] = 0.0
        peak = np.abs(velocity).max()
        if peak > MAX_JOINT_SPEED:
            velocity *= MAX_JOINT_SPEED / peak
        self._configuration.integrate_inplace(velocity, period)
        return velocity[:7]


class ArmIndices:
    """Where the arm sits in the arrays of a compiled scene."""

    def __init__(self, model):
        self.qpos = np.array([model.joint(name).qposadr[0] for name in JOINT_NAMES])
        self.dof = np.array([model.joint(name).dofadr[0] for name in JOINT_NAMES])
        self.actuators = np.array([model.actuator(f"actuator{i}").id for i in range(1, len(ARM_JOINTS) + 1)])
        self.gripper = model.actuator("actuator8").id
        self.tcp = model.site(TCP_SITE).id

    def tcp_pose(self, data) -> np.ndarray:
        """Measured TCP pose7 in the world."""
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, data.site_xmat[self.tcp])
        w, x, y, z = quaternion
        return np.concatenate([data.site_xpos[self.tcp], [x, y, z, w]])

    def openness(self, data) -> float:
        """Measured opening over the full stroke, 0..1."""
        width = data.qpos[self.qpos[7:]].sum()
        return float(np.clip(width / GRIPPER_STROKE, 0.0, 1.0))

    def command(self, data, angles: np.ndarray, velocities: np.ndarray, openness: float) -> None:
        """Writes actuator commands for joint `angles` [7] reached with `velocities` [7] and the gripper."""
        data.ctrl[self.actuators] = angles + _SERVO_LAG * velocities
        data.ctrl[self.gripper] = _GRIPPER_CTRL * openness

    def place(self, data, angles: np.ndarray, openness: float) -> None:
        """Puts the arm at joint `angles` [7] at rest."""
        data.qpos[self.qpos[:7]] = angles
        data.qpos[self.qpos[7:]] = openness * GRIPPER_STROKE / 2
        data.qvel[self.dof] = 0.0
        self.command(data, angles, np.zeros(7), openness)
