"""Plays what the model predicts as ordinary image streams, for rviz, rqt_image_view or a browser.

Per camera: the predicted video, the action images, and the action images laid over the picture they start from.
A chunk that waits for approval is played over and over, and no other.
"""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from ..control.states import PROPOSED
from ..ros.conversions import stamp_from_ns
from ..ros.graph_node import WARN, GraphNode, run_node, stamp_of
from ..ros.images import image_from_rgb, rgb_from_message
from ..ros.node_parameters import ViewParameters
from ..ros.playback import Playback, overlay
from ..ros.state_messages import state_report

_STREAMS = ("predicted_video", "action_images", "overlay")


class ViewNode(GraphNode):
    """Node `view`."""

    def __init__(self, **kwargs) -> None:
        super().__init__("view", **kwargs)

    def configure(self) -> None:
        """Read parameters, connect."""
        own = self.parameters(ViewParameters)
        cameras, self._loop = own.cameras, own.loop
        suffix = "/compressed" if own.chunk_encoding == "png" else ""
        raw = "/compressed" if own.image_transport != "raw" else ""
        self._playback = {camera: Playback(self._loop) for camera in cameras}
        self._outputs = {
            (camera, stream): self.advertise(f"view/<cam>/{stream}", camera)
            for camera in cameras
            for stream in _STREAMS
        }
        for camera in cameras:
            self.listen(
                f"chunk/<cam>/action_images{suffix}", lambda m, c=camera: self._on_frames(c, "action_images", m), camera
            )
            self.listen(
                f"chunk/<cam>/predicted_video{suffix}",
                lambda m, c=camera: self._on_frames(c, "predicted_video", m),
                camera,
            )
            self.listen("chunk/<cam>/camera_info", lambda m, c=camera: self._on_info(c, m), camera)
            self.listen(f"<cam>/image_raw{raw}", lambda m, c=camera: self._on_picture(c, m), camera)
        self.listen("arm_command/state", self._on_state)
        self.every(1.0 / own.rate, self._show)

    def _on_state(self, message: DiagnosticStatus) -> None:
        report = state_report(message)
        for playback in self._playback.values():
            playback.pin(report.chunk_ns if report.state == PROPOSED else None)

    def _on_frames(self, camera: str, stream: str, message: Any) -> None:
        self._playback[camera].add(stream, stamp_of(message), message)

    def _on_info(self, camera: str, message: Any) -> None:
        self._playback[camera].add("size", stamp_of(message), (message.height, message.width))

    def _on_picture(self, camera: str, message: Any) -> None:
        self._playback[camera].picture = message

    def _show(self) -> None:
        if not self.active:
            return
        for camera, playback in self._playback.items():
            try:
                frames = playback.advance()
                if frames and self._outputs[camera, "overlay"].get_subscription_count() and playback.picture:
                    frames["overlay"] = overlay(rgb_from_message(playback.picture), frames["action_images"])
            except ValueError as error:
                self.complain(camera, f"chunk/{camera} cannot be shown: {error}", WARN)
                continue
            self.solved(camera)
            for stream, frame in frames.items():
                message = image_from_rgb(frame)
                message.header.stamp = stamp_from_ns(self.now_ns())
                message.header.frame_id = f"{camera}_optical_frame"
                self._outputs[camera, stream].publish(message)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(ViewNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
