"""Approve, reject and stop as buttons in rviz: the protocol of interactive markers by plain topics and one service.

`<name>/update` and `<name>/feedback` are topics, `<name>/get_interactive_markers` a service, as rviz expects them; the
package interactive_markers, which has no wheel, is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import (
    InteractiveMarker,
    InteractiveMarkerControl,
    InteractiveMarkerFeedback,
    InteractiveMarkerUpdate,
    Marker,
)
from visualization_msgs.srv import GetInteractiveMarkers

from ..display.colours import BLOCKED, QUIET, Colour, certainty_colour
from .graph_node import GraphNode

__all__ = ["BUTTONS", "Controls"]

BUTTONS: Mapping[str, Colour] = {"approve": certainty_colour(0.0), "reject": (245, 170, 50), "stop": BLOCKED}
"""Name and colour of every button, left to right."""
_WIDTH_M, _HEIGHT_M, _GAP_M = 0.12, 0.045, 0.03


@dataclass(frozen=True)
class _Look:
    place: tuple[float, float, float]
    live: bool
    words: str


class Controls:
    """Shows the buttons through `node` and calls `pressed(name)` for each click on one, in the executor's thread.

    name: below which the topics lie. base_frame: of the place.
    """

    def __init__(self, node: GraphNode, name: str, base_frame: str, pressed: Callable[[str], None]) -> None:
        self._node, self._base, self._pressed = node, base_frame, pressed
        self._server_id = f"{node.get_fully_qualified_name()}/controls"
        self._sequence = 0
        self._looks: dict[str, _Look] = {}
        self._update = node.advertise(f"{name}/update")
        node.listen(f"{name}/feedback", self._on_feedback)
        node.serve(GetInteractiveMarkers, f"{name}/get_interactive_markers", self._on_request)

    def show(self, place: tuple[float, float, float], waiting: str) -> None:
        """Put the buttons at `place` (m); waiting: the chunk that approve and reject mean, empty: none waits."""
        looks = {}
        for index, button in enumerate(BUTTONS):
            at = (place[0], place[1] + (1 - index) * (_WIDTH_M + _GAP_M), place[2])
            words = f"{button.upper()} {waiting}".strip() if button == "approve" else button.upper()
            looks[button] = _Look(at, button == "stop" or bool(waiting), words)
        if looks == self._looks:
            return
        self._looks = looks
        self._sequence += 1
        self._update.publish(
            InteractiveMarkerUpdate(
                server_id=self._server_id,
                seq_num=self._sequence,
                type=InteractiveMarkerUpdate.UPDATE,
                markers=self._markers(),
            )
        )

    def _markers(self) -> list[InteractiveMarker]:
        return [_button(self._base, name, look, BUTTONS[name]) for name, look in self._looks.items()]

    def _on_request(self, _: Any, response: Any) -> Any:
        response.sequence_number, response.markers = self._sequence, self._markers()
        return response

    def _on_feedback(self, message: InteractiveMarkerFeedback) -> None:
        look = self._looks.get(message.marker_name)
        if message.event_type == InteractiveMarkerFeedback.BUTTON_CLICK and look is not None and look.live:
            self._pressed(message.marker_name)


def _button(base_frame: str, name: str, look: _Look, colour: Colour) -> InteractiveMarker:
    shown = colour if look.live else QUIET
    red, green, blue = (value / 255.0 for value in shown)
    body = Marker(type=Marker.CUBE, scale=Vector3(x=0.01, y=_WIDTH_M, z=_HEIGHT_M))
    body.color = ColorRGBA(r=red, g=green, b=blue, a=0.9 if look.live else 0.25)
    body.pose.orientation.w = 1.0
    words = Marker(type=Marker.TEXT_VIEW_FACING, text=look.words, scale=Vector3(z=0.025))
    words.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0 if look.live else 0.5)
    words.pose.position.z, words.pose.orientation.w = _HEIGHT_M, 1.0
    control = InteractiveMarkerControl(
        name="press",
        interaction_mode=InteractiveMarkerControl.BUTTON,
        always_visible=True,
        markers=[body, words],
    )
    control.orientation.w = 1.0
    marker = InteractiveMarker(name=name, description="", scale=_WIDTH_M, controls=[control])
    marker.header.frame_id = base_frame
    marker.pose.position.x, marker.pose.position.y, marker.pose.position.z = look.place
    marker.pose.orientation.w = 1.0
    return marker
