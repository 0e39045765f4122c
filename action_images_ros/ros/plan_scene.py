"""Markers and buttons of the node `view`: gathers what they show, asks arm_command for its boxes, passes presses on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nav_msgs.msg import Path
from rcl_interfaces.srv import GetParameters
from std_msgs.msg import UInt64
from std_srvs.srv import Trigger

from ..control.chunk import Chunk
from ..control.states import PROPOSED, StateReport
from ..geometry.arrays import Floats
from ..geometry.camera import Camera
from .controls import Controls
from .graph_node import WARN, GraphNode
from .markers import Box, Scene, scene_markers

__all__ = ["PlanScene"]

_PERIOD_S, _ASK_EVERY = 0.5, 10  # markers twice a second, parameters every 5 s
_DEFAULT_PLACE = (0.5, 0.0, 0.85)


class PlanScene:
    """Publishes `view/markers` and serves `view/controls` through `node`.

    opening_axis `[3]`: along which the fingers open, in the robot's tool frame. now(): chunk that is shown, measured
    path `[N, 3]` m, cameras by name, and the arm's report or None.
    """

    def __init__(
        self,
        node: GraphNode,
        base_frame: str,
        opening_axis: Floats,
        now: Callable[[], tuple[Chunk | None, Floats, dict[str, Camera], StateReport | None]],
    ) -> None:
        self._node, self._base, self._axis, self._now = node, base_frame, opening_axis, now
        self._commanded: Floats = np.zeros((0, 3))
        self._boxes: dict[str, tuple[Box, ...]] = {}
        self._report: StateReport | None = None
        self._shown: int | None = None
        self._ticks = 0
        self._markers = node.advertise("view/markers")
        self._approve = node.advertise("arm_command/approve_id")
        node.listen("executed", self._on_executed)
        self._asks = {name: node.ask(GetParameters, "arm_command/get_parameters") for name in ("workspace", "keep_out")}
        self._calls = {name: node.ask(Trigger, f"arm_command/{name}") for name in ("reject", "stop")}
        self._controls = Controls(node, "view/controls", base_frame, self._pressed)
        node.every(_PERIOD_S, self._tick)

    def _on_executed(self, message: Path) -> None:
        self._commanded = np.array([[p.pose.position.x, p.pose.position.y, p.pose.position.z] for p in message.poses])

    def _tick(self) -> None:
        if not self._node.active:
            return
        if self._ticks % _ASK_EVERY == 0:
            self._ask_for_boxes()
        self._ticks += 1
        chunk, measured, cameras, self._report = self._now()
        self._shown = None if chunk is None else chunk.stamp_ns
        waiting = self._waiting()
        boxes = tuple(box for group in self._boxes.values() for box in group)
        self._controls.show(self._place(boxes), "" if waiting is None else f"#{waiting % 10**10 / 1e9:.1f}")
        if self._markers.get_subscription_count():
            report = self._report or StateReport()
            scene = Scene(
                base_frame=self._base,
                opening_axis=self._axis,
                chunk=chunk,
                measured=measured,
                commanded=self._commanded.reshape(-1, 3),
                boxes=boxes,
                cameras={name: (c.K, c.world_from_camera, c.size) for name, c in cameras.items()},
                state="" if self._report is None else report.state,
                reason=report.reason,
            )
            self._markers.publish(scene_markers(scene))

    def _waiting(self) -> int | None:
        """The chunk that waits for approval, where it is the one shown."""
        report = self._report
        return report.chunk_ns if report and report.state == PROPOSED and report.chunk_ns == self._shown else None

    def _place(self, boxes: tuple[Box, ...]) -> tuple[float, float, float]:
        inside = [box for box in boxes if not box.keep_out]
        if not inside:
            return _DEFAULT_PLACE
        low, high = np.array(inside[0].low), np.array(inside[0].high)
        return float((low + high)[0] / 2), float((low + high)[1] / 2), float(high[2] + 0.2)

    def _ask_for_boxes(self) -> None:
        for name, names in (("workspace", ["workspace_min", "workspace_max"]), ("keep_out", ["keep_out_boxes"])):
            client = self._asks[name]
            if client.service_is_ready():
                future = client.call_async(GetParameters.Request(names=names))
                future.add_done_callback(lambda done, name=name: self._on_boxes(name, done.result()))

    def _on_boxes(self, name: str, answer: Any) -> None:
        lists = [list(value.double_array_value) for value in answer.values]
        flat = np.array([number for values in lists for number in values])
        if flat.size and flat.size % 6 == 0 and np.isfinite(flat).all():
            corners = flat.reshape(-1, 2, 3).tolist()
            self._boxes[name] = tuple(Box(tuple(low), tuple(high), name == "keep_out") for low, high in corners)
        elif name in self._boxes:
            del self._boxes[name]

    def _pressed(self, button: str) -> None:
        """A click on a button: approval names the chunk that is shown, so that no other can be meant."""
        if button == "approve":
            waiting = self._waiting()
            if waiting is not None:
                self._approve.publish(UInt64(data=waiting))
            return
        client = self._calls[button]
        if not client.service_is_ready():
            self._node.complain("controls", f"arm_command/{button} is not there; is arm_command running?", WARN)
            return
        self._node.solved("controls")
        future = client.call_async(Trigger.Request())
        future.add_done_callback(lambda done: self._node.get_logger().info(f"{button}: {done.result().message}"))
