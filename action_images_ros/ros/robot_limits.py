"""The check of chunks against the arm's model inside a node: parameters, `joint_states`, diagnostics."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import JointState

from ..control.acceptance import ChunkRejected
from ..control.chunk_check import ChunkCheck
from ..control.settings import RobotSettings
from ..robot_model.joints import JointPositions
from ..robot_model.load import load_check
from .graph_node import GraphNode

__all__ = ["RobotLimits"]

Array = npt.NDArray[np.float64]
_JOINTS_BYTES = 65_536
_COMPARED_S = 0.05  # between two comparisons of joint_states with current_pose
_LASTS_S = 0.2  # they come apart: one may be heard before the other


class RobotLimits:
    """Loads the check that the node's parameters ask for; `check` is the executor's. `pose` gives the measured tool
    pose `[7]`; `doubted` gets the reason when the joints have contradicted it for a while."""

    def __init__(
        self,
        node: GraphNode,
        base: str,
        pose: Callable[[], Array | None] = lambda: None,
        doubted: Callable[[str], None] = lambda _: None,
    ) -> None:
        settings = node.parameters(RobotSettings)
        self._node, self._pose, self._doubted = node, pose, doubted
        self.check: ChunkCheck = load_check(settings, base)
        self._positions = JointPositions(self.check.joints, settings.joints_timeout)
        self._compared_s, self._agreed_s = -np.inf, np.inf
        self._describe("not heard of: inverse kinematics begins at home")
        if not self.check.joints:
            node.get_logger().warning(
                "robot_description is empty: only the TCP is checked against workspace and keep-outs, neither joints "
                "nor links"
            )
            return
        node.get_logger().info(self.check.summary)
        node.listen("joint_states", self._on_joints, max_bytes=_JOINTS_BYTES)

    def _describe(self, joints: str) -> None:
        self._node.values["robot_model"] = self.check.summary
        if self.check.joints:
            self._node.values["robot_joints"] = joints

    def _on_joints(self, message: JointState) -> None:
        now_s = time.monotonic()
        self._positions.take(message.name, message.position, now_s)
        if not self._positions.heard:
            return
        self._describe("by joint_states")
        if now_s - self._compared_s < _COMPARED_S:
            return
        self._compared_s = now_s
        doubt = self.doubt()
        if not doubt:
            self._agreed_s = now_s
        elif now_s - self._agreed_s > _LASTS_S:
            self._doubted(doubt)

    def doubt(self) -> str:
        """Why the arm is not where `current_pose` says, by its joints and its description; empty: it is, as far as
        is known."""
        try:
            self.check.compare(self.joints(), self._pose())
        except ChunkRejected as refusal:
            return str(refusal)
        return ""

    def joints(self) -> Array | None:
        """The arm's joint positions now `[n]`; None where none was received; raises ChunkRejected when doubtful."""
        return self._positions.now(time.monotonic())
