"""Bridge to a robot's own drivers: target poses and openness in the driver's type and units, measured pose back.

Started for robots whose parameter file has a section `robot_bridge`. It changes no pose: limits, holds and stops are
arm_command's. A command that it cannot convert is dropped, with the reason. The measured pose is continuously compared
with the joints and the robot's description; a wrong TCP or base is published on `robot_check`, and arm_command then
refuses to be enabled.
"""

from __future__ import annotations

import time
from collections import deque

import numpy as np
import numpy.typing as npt
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import Float64, String

from ..drivers.commands import pose7_from_xarm
from ..drivers.description import Chain, RobotDescription
from ..drivers.inverse_kinematics import InverseKinematics
from ..drivers.message_types import interface_type
from ..drivers.pose_checks import OK, WRONG, Finding, GripperJoints, Sample, check_measured_pose, check_tool_rotation
from ..drivers.table import GRIPPER_INTERFACES, POSE_INTERFACES
from ..geometry.pose import pose7_from_matrix
from ..ros import qos
from ..ros.arm_drivers import ArmSettings, JointDriver, JointState, make_arm_driver
from ..ros.conversions import pose7_from_pose_stamped, pose_stamped
from ..ros.graph_node import ERROR, WARN, GraphNode, stamp_of
from ..ros.gripper_drivers import GripperSettings, make_gripper_driver
from ..ros.node_parameters import RobotBridgeParameters
from ..ros.parameters import rotation
from ..ros.run_node import run_node
from ..ros.transforms import NoTransform, TransformSource

_SAMPLES = 6  # pairs of joints and pose that the cross-check keeps, at different places
_APART_RAD = 0.05  # joints that moved less make no new place
_PAIR_NS = 20_000_000  # a pose this near to joint states belongs to them


class RobotBridgeNode(GraphNode):
    """Node `robot_bridge`."""

    live_parameters = frozenset(
        {"pose_rate", "lookahead", "max_joint_step", "driver_speed", "driver_acceleration"}
        | {"gripper_speed", "gripper_force"}
    )

    def __init__(self, **kwargs) -> None:
        super().__init__("robot_bridge", **kwargs)
        self._transforms: TransformSource | None = None

    def configure(self) -> None:
        """Read parameters, find the drivers' types, connect."""
        own = self.parameters(RobotBridgeParameters)
        self._base, self._tool = own.base_frame, own.tool_frame
        self._fingers = GripperJoints(own.finger_joints, own.finger_closed, own.finger_open)
        self._turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        self._joints = JointState()
        self._joint_stamp_ns = 0
        self._description: RobotDescription | None = None
        self._chain: Chain | None = None
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._verdict: tuple[str, str] = ("", "")
        self._connect_pose_source(own)
        self._connect_drivers(own)
        self._check_status = self.advertise("robot_check")
        self.listen("target_pose", self._on_target)
        self.listen("gripper_command", self._on_gripper)
        self.listen("joint_states", self._on_joints)
        self.listen("robot_description", self._on_description)
        if self._source == "driver":
            self.listen("current_pose", self._on_current_pose)
        self.every(0.2, lambda: self._arm.prepare(time.monotonic()))

    def _connect_pose_source(self, own: RobotBridgeParameters) -> None:
        self._source = own.pose_source
        self._current_pose = self.advertise("current_pose") if self._source != "driver" else None
        self._sent_ns = 0
        if self._source == "tf":
            self._transforms = TransformSource(self)
            self._pose_timer = self.every(1.0 / own.pose_rate, self._pose_from_tf)
        elif self._source == "xarm":
            subscription = self.create_subscription(
                interface_type("xarm_msgs/msg/RobotMsg"), own.xarm_states, self._on_xarm_state, qos.STATE
            )
            self._mine.append((self.destroy_subscription, subscription))

    def _connect_drivers(self, own: RobotBridgeParameters) -> None:
        self._arm = make_arm_driver(self, _arm_settings(own), self._joints)
        self._hand = make_gripper_driver(self, _gripper_settings(own))
        self._mine += [(lambda driver: driver.close(), self._arm), (lambda driver: driver.close(), self._hand)]
        self.values.update(pose_interface=own.pose_interface, gripper_interface=own.gripper_interface)

    def parameters_changed(self, names: set[str]) -> None:
        """Other speeds, forces and rates from the next command on."""
        own = self.parameters(RobotBridgeParameters)
        self._arm.settings, self._hand.settings = _arm_settings(own), _gripper_settings(own)
        if self._source == "tf":
            self._pose_timer.timer_period_ns = round(1e9 / own.pose_rate)

    def cleanup(self) -> None:
        """Give the subscriptions to TF back."""
        if self._transforms is not None:
            self._transforms.close()
        self._transforms = None

    # From the graph.
    def _on_target(self, message: PoseStamped) -> None:
        if not self.active:
            return
        now_s = time.monotonic()
        try:
            pose = pose7_from_pose_stamped(message, self._base, "target_pose")
            problem = self._arm.problem(now_s)
            if problem:
                raise ValueError(problem)
            self._arm.send(pose, stamp_of(message), now_s)
        except ValueError as error:
            self.complain("arm", f"target_pose is not passed on: {error}")
            return
        self.solved("arm")

    def _on_gripper(self, message: Float64) -> None:
        if not self.active:
            return
        try:
            self._hand.send(message.data)
        except ValueError as error:
            self.complain("gripper", f"gripper_command is not passed on: {error}")
            return
        self.solved("gripper")

    # From the robot.
    def _on_description(self, message: String) -> None:
        try:
            self._description = RobotDescription(message.data)
            self._chain = self._description.chain(self._base, self._tool) if self._tool else None
        except ValueError as error:
            self._chain = None
            self.complain("description", f"robot_description: {error}")
            return
        if self._chain is not None and isinstance(self._arm, JointDriver):
            self._arm.solver = InverseKinematics(self._chain)
        self._samples.clear()
        self.solved("description")

    def _on_joints(self, message: JointStateMessage) -> None:
        if len(message.name) != len(message.position):
            return  # velocities or efforts alone
        positions = dict(zip(message.name, message.position, strict=True))
        if not np.isfinite(list(positions.values())).all():
            self.complain("joints", f"joint_states are not finite: {positions}; check the joint state broadcaster")
            return
        self.solved("joints")
        self._joints.positions.update(positions)
        if self._chain is None or not set(self._chain.moving) <= set(positions):
            return
        self._joints.at_s, self._joint_stamp_ns = time.monotonic(), stamp_of(message)
        if self._source == "joint_states":
            self._publish_pose(self._chain_pose(), self._joint_stamp_ns)

    def _chain_pose(self) -> npt.NDArray[np.float64]:
        assert self._chain is not None
        return np.asarray(pose7_from_matrix(self._chain.base_from_tip(self._joints.positions)))

    def _pose_from_tf(self) -> None:
        if not self.active or self._transforms is None:
            return
        try:
            pose, stamp_ns = self._transforms.lookup(self._base, self._tool)
        except (NoTransform, ValueError) as error:
            self.complain("tf", f"current_pose cannot be read: {error}; start robot_state_publisher", self.missing)
            return
        self.solved("tf")
        self._publish_pose(pose, stamp_ns)

    def _on_xarm_state(self, message) -> None:
        if message.err:
            self.complain("xarm", f"the arm reports error {message.err}; clear it (clean_error) and look at the arm")
        else:
            self.solved("xarm")
        try:
            pose = pose7_from_xarm(message.pose)
        except ValueError as error:
            self.complain("xarm_pose", str(error))
            return
        self.solved("xarm_pose")
        self._publish_pose(pose, stamp_of(message))
        self._sample(pose, stamp_of(message))

    def _publish_pose(self, pose: npt.NDArray[np.float64], stamp_ns: int) -> None:
        """A pose that is not newer than the last is not news: its silence is what arm_command must see."""
        if stamp_ns > self._sent_ns or stamp_ns < self._sent_ns - 10_000_000_000:
            self._sent_ns = stamp_ns
            assert self._current_pose is not None
            self._current_pose.publish(pose_stamped(pose, stamp_ns, self._base))

    def _on_current_pose(self, message: PoseStamped) -> None:
        try:
            self._sample(pose7_from_pose_stamped(message, self._base, "current_pose"), stamp_of(message))
        except ValueError as error:
            self._judge(Finding("current_pose", WRONG, str(error)))

    # The cross-check.
    def _sample(self, pose: npt.NDArray[np.float64], stamp_ns: int) -> None:
        if self._chain is None or abs(stamp_ns - self._joint_stamp_ns) > _PAIR_NS:
            return
        positions = {name: self._joints.positions[name] for name in self._chain.moving}
        apart = [
            max((abs(positions[n] - sample.positions[n]) for n in positions), default=0.0) for sample in self._samples
        ]
        if apart and min(apart) < _APART_RAD:  # the newest at every place: a fault that was mended is forgotten
            del self._samples[int(np.argmin(apart))]
        self._samples.append(Sample(positions, pose))

    def _judge(self, *findings: Finding) -> None:
        wrong = [finding for finding in findings if finding.state == WRONG]
        text = "; ".join(finding.message for finding in wrong) or "; ".join(f.message for f in findings)
        state = WRONG if wrong else (OK if findings and all(f.state == OK for f in findings) else "unchecked")
        if wrong:
            self.complain("setup", text)
        else:
            self.solved("setup")
        self.values["setup"] = text
        if (state, text) != self._verdict:
            self._verdict = (state, text)
            level = {WRONG: ERROR, OK: DiagnosticStatus.OK}.get(state, WARN)
            self._check_status.publish(DiagnosticStatus(level=level, name="robot_check", message=text))

    def check(self) -> None:
        """Say what the drivers lack, and compare the measured pose with the description."""
        problems = {"arm_driver": self._arm.problem(time.monotonic()), "gripper_driver": self._hand.problem()}
        for key, problem in problems.items():
            if problem:
                self.complain(key, problem, self.missing)
            else:
                self.solved(key)
        if self._description is None or not self._tool:
            self._judge(
                Finding(
                    "current_pose",
                    "unchecked",
                    "robot_description or tool_frame is missing: TCP and base are not cross-checked",
                )
            )
            return
        findings = [check_tool_rotation(self._description, self._tool, self._fingers, self._turn)]
        if self._source in ("driver", "xarm"):
            findings.append(check_measured_pose(self._description, self._base, self._tool, list(self._samples)))
        self._judge(*findings)


def _arm_settings(own: RobotBridgeParameters) -> ArmSettings:
    arm = POSE_INTERFACES[own.pose_interface]
    return ArmSettings(
        arm,
        own.pose_target or arm.target,
        own.base_frame,
        joints=own.joints,
        lookahead_s=own.lookahead,
        max_joint_step=own.max_joint_step,
        linear_speed=own.driver_speed,
        linear_acceleration=own.driver_acceleration,
    )


def _gripper_settings(own: RobotBridgeParameters) -> GripperSettings:
    hand = GRIPPER_INTERFACES[own.gripper_interface]
    closed, opened = own.gripper_range
    if closed == opened:
        closed, opened = hand.closed, hand.opened
    return GripperSettings(
        hand,
        own.gripper_target or hand.target,
        closed,
        opened,
        joint=own.gripper_joint or (own.finger_joints or ("",))[0],
        speed=own.gripper_speed,
        force=own.gripper_force,
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(RobotBridgeNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
