"""Self-calibration in a node: feeds the camera check from the collector, publishes what it finds, holds the arm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped

from ..calibration.watch import CORRECT, OFF, CameraState
from ..geometry.pose import pose7_from_matrix
from ..labelling.camera_check import PERIOD_S, CameraCheck
from ..policy.observation import Observation
from ..policy.picture_health import MOVED
from ..policy.protocol import Labels
from .collector import ObservationCollector
from .conversions import pose_from_pose7, stamp_from_ns
from .graph_node import WARN, GraphNode
from .parameters import ParameterError
from .sensor_watch import SensorWatch

__all__ = ["CameraCalibrationWatch", "camera_watch"]


class CameraCalibrationWatch:
    """`step` runs the model and belongs to the thread that does; everything else is quick.

    sensors: where doubts go (None: they are reported only). Advertises `calibration/<cam>`.
    """

    def __init__(
        self, node: GraphNode, model: Any, collector: ObservationCollector, mode: str, sensors: SensorWatch
    ) -> None:
        self._node, self._collector, self._sensors = node, collector, sensors
        self.check = CameraCheck(model, collector.settings.cameras, mode)
        base = collector.settings.base_frame
        self._base = base
        self._told: dict[str, Any] = {}
        self._publishers = (
            {name: node.advertise("calibration/<cam>", name) for name in collector.settings.cameras}
            if mode == CORRECT
            else {}
        )
        if mode == CORRECT:
            sensors.health.correctable = frozenset({MOVED})
        node.values["self_calibration"] = mode
        node.every(PERIOD_S, self.look)

    def look(self) -> None:
        """Keep a frame of what the cameras show now."""
        stamp_ns = self._collector.newest_ns
        if not self._node.active or stamp_ns is None or not self.check.wants(stamp_ns):
            return
        if self._sensors.unreadable():
            return
        try:
            observation = self._collector.look(self._node.now_ns())
        except ValueError:
            return  # said by whoever observes
        if self.check.look(observation):
            self._release()

    def _release(self) -> None:
        """The cameras were given anew: what was said of them does not count."""
        for name in self._collector.settings.cameras:
            self._node.values.pop(f"calibration_{name}", None)
            self._node.solved(f"calibration {name}")
            if self._sensors is not None:
                self._sensors.doubt(f"calibration of {name}", "")

    def corrected(self, observation: Observation) -> Observation:
        """The observation with the cameras where they are believed to be."""
        return replace(
            observation, world_from_camera=self.check.world_from_camera(np.array(observation.world_from_camera))
        )

    def step(self) -> None:
        """Read and judge when it is time for it."""
        if not self.check.due:
            return
        try:
            states = self.check.judge()
        except Exception as error:  # the policy goes on without
            self._node.complain("self_calibration", f"the cameras cannot be checked: {error!r}", WARN)
            return
        self._node.solved("self_calibration")
        self._node.values["self_calibration_seconds"] = f"{self.check.seconds:.3f}"
        for name, state in states.items():
            self._tell(name, state)

    def _tell(self, name: str, state: CameraState) -> None:
        corrected = self.check.corrected(name)
        reason = self.check.hold(name)
        self._node.values[f"calibration_{name}"] = (
            f"{'corrected' if corrected else state.verdict}; shift {state.shift_px:.2f} px, "
            f"{1000 * state.workspace_m:.0f} mm at the workspace, {state.frames} frames"
        )
        self._sensors.doubt(f"calibration of {name}", reason, fault=state.moved)
        if corrected and not reason and self._sensors.kind(name) == MOVED:
            self._sensors.accept(name)
        if state.reason and not reason:
            self._node.complain(f"calibration {name}", state.reason, WARN)
        else:
            self._node.solved(f"calibration {name}")
        if name in self._publishers:
            self._publish(name, state)

    def _publish(self, name: str, state: CameraState) -> None:
        pose7 = pose7_from_matrix(state.world_from_camera)
        if name in self._told and np.array_equal(self._told[name], pose7):
            return
        self._told[name] = pose7
        message = PoseWithCovarianceStamped()
        message.header.stamp = stamp_from_ns(self._node.now_ns())
        message.header.frame_id = self._base
        message.pose.pose = pose_from_pose7(pose7)
        message.pose.covariance = np.asarray(state.covariance, np.float64).reshape(-1).tolist()
        self._publishers[name].publish(message)


def camera_watch(
    node: GraphNode, policy: Any, collector: ObservationCollector, mode: str, sensors: SensorWatch
) -> CameraCalibrationWatch | None:
    """Self-calibration by the policy's own label mode; None where it is off or the policy has none.

    Raises ParameterError for mode correct with a policy that cannot read pictures.
    """
    if mode == OFF:
        return None
    if isinstance(policy, Labels):
        return CameraCalibrationWatch(node, policy, collector, mode, sensors)
    if mode == CORRECT:
        raise ParameterError(
            f"self_calibration is {mode!r}; {policy.card.name} cannot read pictures (no ability Labels): use check or "
            "off, or a nano model with runtime torch"
        )
    node.values["self_calibration"] = "not available: the policy cannot read pictures"
    return None
