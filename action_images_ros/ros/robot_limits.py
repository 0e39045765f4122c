"""The check of chunks against the arm's model inside a node: its parameters, `joint_states`, what it tells."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import JointState

from ..control.settings import RobotSettings
from ..robot_model.joints import JointPositions
from ..robot_model.load import load_check
from .graph_node import GraphNode

__all__ = ["RobotLimits"]


class RobotLimits:
    """Loads the check that the node's parameters ask for; `check` is the executor's."""

    def __init__(self, node: GraphNode, base: str) -> None:
        settings = node.parameters(RobotSettings)
        self._node = node
        self.check = load_check(settings, base)
        self._positions = JointPositions(self.check.joints, settings.joints_timeout)
        self._describe("not heard of: inverse kinematics begins at home")
        if not self.check.joints:
            node.get_logger().warning(
                "robot_description is empty: only the TCP is checked against workspace and keep-outs, neither joints "
                "nor links"
            )
            return
        node.get_logger().info(self.check.summary)
        node.listen("joint_states", self._on_joints)

    def _describe(self, joints: str) -> None:
        self._node.values["robot_model"] = self.check.summary
        if self.check.joints:
            self._node.values["robot_joints"] = joints

    def _on_joints(self, message: JointState) -> None:
        self._positions.take(message.name, message.position, time.monotonic())
        if self._positions.heard:
            self._describe("by joint_states")

    def joints(self) -> npt.NDArray[np.float64] | None:
        """The arm's joint positions now `[n]`; None when they never came; raises ChunkRejected when doubtful."""
        return self._positions.now(time.monotonic())
