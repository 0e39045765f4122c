"""Target poses to an xArm by the services of xarm_ros2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rclpy.node import Node

from ..drivers.commands import Throttle, xarm_pose
from ..drivers.message_types import interface_type
from .arm_settings import ArmSettings
from .service_call import ServiceCall

__all__ = ["XARM_MODES", "XarmDriver"]

Array = npt.NDArray[np.float64]
XARM_MODES = {"xarm_servo": 1, "xarm_position": 7}
_RETRY_S = 1.0  # between two attempts to prepare the driver


class XarmDriver:
    """xarm_ros2's services, in mm and rad. Mode 1 takes every command at once, mode 7 plans from sparse ones."""

    def __init__(self, node: Node, settings: ArmSettings) -> None:
        self.settings = settings
        self._type = interface_type(settings.interface.type)
        self._int16 = interface_type("xarm_msgs/srv/SetInt16")
        self._mode = XARM_MODES[settings.interface.name]
        prefix = settings.target.rsplit("/", 1)[0] + "/" if "/" in settings.target else ""
        self._move = ServiceCall(node, self._type, settings.target)
        self._steps = [
            (ServiceCall(node, self._int16, f"{prefix}set_mode"), self._mode),
            (ServiceCall(node, self._int16, f"{prefix}set_state"), 0),
        ]
        self._throttle = Throttle(settings.interface.rate_hz[1])
        self._prepared, self._refusal = 0, ""

    def prepare(self, steady_s: float) -> None:
        """Set the mode, then the state, until both are answered with 0."""
        if not self._move.present:
            self._prepared = 0
        if self._prepared == len(self._steps) or not self._move.present:
            return
        call, value = self._steps[self._prepared]
        answer = call.answer()
        if answer is not None and answer.ret == 0:
            self._prepared += 1
            return
        if answer is not None:
            self._refusal = f"{call.name} {value} returned {answer.ret} {answer.message}".rstrip()
        call.ask(self._int16.Request(data=value), steady_s, _RETRY_S)

    def send(self, pose7: Array, stamp_ns: int, steady_s: float) -> None:
        """Call the service; while the last call waits for its answer, a target is passed over."""
        if not self._throttle.ready(steady_s):
            return
        problem = self.problem(steady_s)
        if problem:
            raise ValueError(problem)
        request = self._type.Request(pose=xarm_pose(pose7), wait=False)
        if self._mode == 7:
            request.speed = 1000.0 * self.settings.linear_speed
            request.acc = 1000.0 * self.settings.linear_acceleration
        answer = self._move.answer()
        if answer is not None and answer.ret != 0:
            self._prepared = 0  # an error of the arm takes it out of its mode
            self._refusal = f"{self._move.name} returned {answer.ret} {answer.message}".rstrip()
            raise ValueError(f"{self._refusal}; clear the arm's error and look at its state")
        self._move.ask(request, steady_s, 0.0)

    def problem(self, steady_s: float) -> str:
        """The service is not there, or the arm is not in its mode."""
        if not self._move.present:
            service = self._move.name.rsplit("/", 1)[1]
            return (
                f"the service {self._move.name} is not there; start xarm_api with services.{service}: true in "
                "xarm_user_params.yaml, or set pose_target"
            )
        if self._prepared < len(self._steps):
            return f"the arm is not in mode {self._mode}: {self._refusal or 'set_mode and set_state have not answered'}"
        return ""

    def close(self) -> None:
        """Destroy the clients."""
        for call in (self._move, *(call for call, _ in self._steps)):
            call.close()
