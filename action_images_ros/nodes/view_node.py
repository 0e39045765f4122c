"""Plays what the model predicts as ordinary image streams, for rviz, rqt_image_view or a browser.

Per camera: the annotated strip (`view/<cam>`), and by themselves the predicted video, the action images, and the action
images laid over the picture they start from. Nothing is drawn that nobody looks at. A chunk that waits for approval is
played over and over, and no other; otherwise the one that moves the arm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus

from ..control.chunk import Chunk
from ..control.states import EXECUTING, PROPOSED, StateReport
from ..display.strip import Strip, StripContent
from ..geometry.arrays import Floats, Images
from ..geometry.camera import Camera
from ..geometry.pose import matrix_from_pose7
from ..interfaces.fields import optical_frame
from ..ros.chunk_messages import agreement_from_message
from ..ros.conversions import intrinsics_from_camera_info, pose7_from_pose_stamped, stamp_from_ns
from ..ros.graph_node import WARN, GraphNode, stamp_of
from ..ros.images import image_from_rgb, rgb_from_message
from ..ros.node_parameters import ViewParameters
from ..ros.parameters import rotation
from ..ros.plan_scene import PlanScene
from ..ros.plan_watch import PARTS, PlanWatch
from ..ros.playback import Playback, overlay
from ..ros.run_node import run_node
from ..ros.state_messages import state_report

_STREAMS = ("predicted_video", "action_images", "overlay")


class ViewNode(GraphNode):
    """Node `view`."""

    live_parameters = frozenset({"rate", "loop"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("view", **kwargs)

    def configure(self) -> None:
        """Read parameters, connect."""
        cv2.setNumThreads(1)  # the pictures are small; other threads would take time from the commands
        own = self.parameters(ViewParameters)
        cameras, self._base = own.cameras, own.base_frame
        self._watch = PlanWatch(own.base_frame, own.path_seconds)
        self._playback = {camera: Playback(own.loop) for camera in cameras}
        self._strips = {camera: Strip() for camera in cameras}
        self._report: StateReport | None = None
        self._agreement: dict[int, float] = {}
        self._pictures: dict[str, tuple[Any, Images]] = {}
        self._outputs = {
            (camera, stream): self.advertise(f"view/<cam>/{stream}", camera)
            for camera in cameras
            for stream in _STREAMS
        }
        self._strip_outputs = {camera: self.advertise("view/<cam>", camera) for camera in cameras}
        self._connect(own)
        turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        PlanScene(self, self._base, np.asarray(turn)[:3, 0], self._scene_now)
        self._timer = self.every(1.0 / own.rate, self._show)

    def parameters_changed(self, names: set[str]) -> None:
        """Another pace of the pictures; whether a chunk is repeated."""
        own = self.parameters(ViewParameters)
        self._timer.timer_period_ns = round(1e9 / own.rate)
        for playback in self._playback.values():
            playback.loop = own.loop

    def _connect(self, own: ViewParameters) -> None:
        suffix = "/compressed" if own.chunk_encoding == "png" else ""
        raw = "/compressed" if own.image_transport != "raw" else ""
        for camera in own.cameras:
            for stream in ("action_images", "predicted_video"):
                self.listen(f"chunk/<cam>/{stream}{suffix}", self._keeps(camera, stream), camera)
            self.listen("chunk/<cam>/camera_info", self._keeps(camera, "info"), camera)
            self.listen("chunk/<cam>/pose", self._keeps(camera, "pose"), camera)
            self.listen(f"<cam>/image_raw{raw}", partial(self._on_picture, camera), camera)
        for part in PARTS:
            self.listen(f"chunk/{part}", partial(self._on_part, part))
        self.listen("chunk/agreement", self._on_agreement)
        self.listen("current_pose", self._on_pose)
        self.listen("instruction", self._on_instruction)
        self.listen("arm_command/state", self._on_state)

    # Messages.
    def _keeps(self, camera: str, part: str) -> Callable[[Any], None]:
        def keep(message: Any) -> None:
            self._playback[camera].add(part, stamp_of(message), message)
            if part == "info":
                self._playback[camera].add("size", stamp_of(message), (message.height, message.width))

        return keep

    def _on_picture(self, camera: str, message: Any) -> None:
        self._playback[camera].picture = message

    def _on_part(self, part: str, message: Any) -> None:
        try:
            self._watch.add_part(part, message)
        except ValueError as error:
            self.complain("chunk", f"a chunk cannot be shown: {error}", WARN)
            return
        self.solved("chunk")

    def _on_agreement(self, message: Any) -> None:
        self._agreement = {stamp_of(message): agreement_from_message(message)}

    def _on_pose(self, message: Any) -> None:
        try:
            self._watch.add_pose(message)
        except ValueError as error:
            self.complain("pose", str(error), WARN)
            return
        self.solved("pose")

    def _on_state(self, message: DiagnosticStatus) -> None:
        self._report = report = state_report(message)
        for playback in self._playback.values():
            playback.pin(report.chunk_ns if report.state == PROPOSED else None)
            playback.run(report.chunk_ns if report.state == EXECUTING else None)

    def _on_instruction(self, message: Any) -> None:
        self._watch.instruction = message.data

    # Pictures.
    def _show(self) -> None:
        if not self.active:
            return
        for camera, playback in self._playback.items():
            frames: dict[str, Images] = {}
            try:
                frames = playback.advance()
                if frames and self._outputs[camera, "overlay"].get_subscription_count() and playback.picture:
                    frames["overlay"] = overlay(rgb_from_message(playback.picture), frames["action_images"])
                if self._strip_outputs[camera].get_subscription_count():
                    self._publish(self._strip_outputs[camera], self._strip(camera, frames), camera)
            except ValueError as error:
                self.complain(camera, f"chunk/{camera} cannot be shown: {error}", WARN)
                continue
            self.solved(camera)
            for stream, frame in frames.items():
                self._publish(self._outputs[camera, stream], frame, camera)

    def _camera(self, camera: str) -> Camera | None:
        """Intrinsics, pose and size of the images of the chunk that is played; None where they have not come."""
        info, pose = self._playback[camera].part("info"), self._playback[camera].part("pose")
        if info is None or pose is None:
            return None
        K, size = intrinsics_from_camera_info(info)
        return Camera(K, matrix_from_pose7(pose7_from_pose_stamped(pose, self._base, "pose")), size)

    def _scene_now(self) -> tuple[Chunk | None, Floats, dict[str, Camera], StateReport | None]:
        """What the markers show: of the first camera's chunk."""
        played = next(iter(self._playback.values())).playing
        cameras = {name: camera for name in self._playback if (camera := self._camera(name)) is not None}
        chunk = None if played is None else self._watch.chunk(played)
        return chunk, self._watch.measured[:, :3], cameras, self._report

    def _strip(self, camera: str, frames: dict[str, Images]) -> Images:
        """The strip of one camera at this moment."""
        playback, watch = self._playback[camera], self._watch
        played = playback.playing
        chunk = None if played is None else watch.chunk(played)
        seen = self._camera(camera)
        content = StripContent(
            camera=camera,
            state=self._arm_state(),
            reason=self._report.reason if self._report is not None else "",
            observation=self._picture(camera),
            video=frames.get("predicted_video"),
            action_image=frames.get("action_images"),
            K=None if seen is None else seen.K,
            world_from_camera=None if seen is None else seen.world_from_camera,
            size=playback.part("size"),
            chunk=chunk,
            frame=min(playback.frame, len(chunk) - 1) if chunk is not None else 0,
            measured=watch.measured[:, :3],
            instruction=watch.instruction,
            agreement_m=None if played is None else self._agreement.get(played),
            age_s=None if played is None else max(0.0, (self.now_ns() - played) * 1e-9),
            hint=self._hint,
        )
        return self._strips[camera].draw(content)

    def _arm_state(self) -> str:
        """Of the arm; where nobody says it, whether recordings are labelled."""
        if self._report is not None:
            return self._report.state
        return "labelling" if self.count_publishers(self.resolve_topic_name("label/path")) else ""

    @property
    def _hint(self) -> str:
        if self._report is None:
            return ""
        space = self.get_namespace().strip("/")
        return "stop: action-images tell stop" + ("" if space == "cell" else f' --namespace "{space}"')

    def _picture(self, camera: str) -> Images | None:
        """The newest picture of a camera, converted once."""
        message = self._playback[camera].picture
        if message is None:
            return None
        kept = self._pictures.get(camera)
        if kept is None or kept[0] is not message:
            kept = self._pictures[camera] = (message, rgb_from_message(message))
        return kept[1]

    def _publish(self, output: Any, picture: Images, camera: str) -> None:
        message = image_from_rgb(picture)
        message.header.stamp = stamp_from_ns(self.now_ns())
        message.header.frame_id = optical_frame(camera)
        output.publish(message)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(ViewNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
