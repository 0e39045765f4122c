"""The check of chunks against the arm's model inside a node: parameters, `joint_states`, diagnostics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from ..control.acceptance import ChunkRejected
from ..control.chunk import Chunk
from ..control.chunk_check import ChunkCheck
from ..control.settings import RobotSettings
from ..robot_model.joints import JointPositions
from ..robot_model.load import check_of_text, load_check
from .graph_node import WARN, GraphNode

__all__ = ["RobotLimits"]

Array = npt.NDArray[np.float64]
_JOINTS_BYTES, _DESCRIPTION_BYTES = 65_536, 4_000_000
_COMPARED_S = 0.05  # between two comparisons of joint_states with current_pose
_LASTS_S = 0.2  # they come apart: one may be heard before the other


class RobotLimits:
    """Loads the check that the node's parameters, or the topic, ask for, and is itself the executor's. `pose` gives the
    measured tool pose `[7]`; `doubted` gets the reason when the joints have contradicted it for a while."""

    def __init__(
        self,
        node: GraphNode,
        base: str,
        pose: Callable[[], Array | None] = lambda: None,
        doubted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings = node.parameters(RobotSettings)
        self._node, self._base, self._pose, self._doubted = node, base, pose, doubted
        self._compared_s, self._agreed_s = -np.inf, np.inf
        self._heard_text: str | None = None
        self._use(load_check(settings, base))
        if not self.joint_names:
            node.get_logger().warning(
                "robot_description is empty: only the TCP is checked against workspace and keep-outs, neither joints "
                "nor links, until a URDF comes on the topic robot_description"
            )
        node.listen("robot_description", self._on_description, max_bytes=_DESCRIPTION_BYTES)
        node.listen("joint_states", self._on_joints, max_bytes=_JOINTS_BYTES)

    def _use(self, check: ChunkCheck) -> None:
        self._check, self.joint_names = check, tuple(check.joints)
        self._positions = JointPositions(self.joint_names, self._settings.joints_timeout)
        self._describe("not heard of: inverse kinematics begins at home")
        if self.joint_names:
            self._node.get_logger().info(check.summary)

    def _describe(self, joints: str) -> None:
        self._node.values["robot_model"] = self._check.summary
        if self.joint_names:
            self._node.values["robot_joints"] = joints

    # The executor's check.
    @property
    def joints(self) -> Sequence[str]:
        """The arm's joints; empty while there is no description."""
        return self.joint_names

    @property
    def summary(self) -> str:
        """What is checked, one line."""
        return self._check.summary

    def checked(self, chunk: Chunk, positions: Array | None, pose: Array | None) -> Chunk:
        """As the check in use."""
        return self._check.checked(chunk, positions, pose)

    def compare(self, positions: Array | None, pose: Array | None) -> None:
        """As the check in use."""
        self._check.compare(positions, pose)

    # What is heard.
    def _on_description(self, message: String) -> None:
        """The URDF of the topic, where the parameter names none; read in a thread of its own, it takes seconds."""
        if self._settings.robot_description or message.data == self._heard_text or not message.data:
            return
        if self.joint_names:
            self._node.complain(
                "description", "robot_description has changed; restart arm_command to check chunks by it", WARN
            )
            return
        self._heard_text = message.data
        threading.Thread(target=self._read, args=(message.data,), name="description", daemon=True).start()

    def _read(self, text: str) -> None:
        try:
            check = check_of_text(text, self._settings, self._base)
        except Exception as error:  # whatever a description of somebody holds
            reason = str(error) if isinstance(error, ValueError) else repr(error)
            self._node.complain("description", f"{reason}; until then only the TCP is checked", WARN)
            return
        with self._node.lock:
            self._use(check)
        self._node.solved("description")

    def _on_joints(self, message: JointState) -> None:
        now_s = time.monotonic()
        if not self.joint_names:
            return
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
            self.compare(self.positions(), self._pose())
        except ChunkRejected as refusal:
            return str(refusal)
        return ""

    def positions(self) -> Array | None:
        """The arm's joint positions now `[n]`; None when they never came; raises ChunkRejected when doubtful."""
        return self._positions.now(time.monotonic())
