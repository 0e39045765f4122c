"""Action images in, poses with confidence out: decodes each chunk once the images of all cameras are there.

A thread of its own decodes the newest one, so that the node's heartbeat does not wait for it.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np

from ..geometry.pose import matrix_from_pose7
from ..interfaces.pairing import Pairing
from ..policy.decoding import chunk_from_prediction
from ..policy.prediction import Prediction
from ..policy.registry import policy_card
from ..ros.chunk_messages import split_frames
from ..ros.chunk_publisher import PosePublisher
from ..ros.conversions import intrinsics_from_camera_info, pose7_from_pose_stamped
from ..ros.graph_node import WARN, GraphNode, stamp_of
from ..ros.images import rgb_from_message
from ..ros.newest import Newest
from ..ros.node_parameters import DecoderParameters
from ..ros.parameters import rotation
from ..ros.run_node import run_node

_PARTS = ("action_images", "camera_info", "pose")


class DecoderNode(GraphNode):
    """Node `decoder`."""

    live_parameters = frozenset({"dt"})

    _pairing: Pairing  # set by `configure`

    def __init__(self, **kwargs) -> None:
        super().__init__("decoder", **kwargs)
        self._waiting = Newest()
        self._thread: threading.Thread | None = None

    def configure(self) -> None:
        """Read parameters, connect."""
        own = self.parameters(DecoderParameters)
        self._cameras, self._base = own.cameras, own.base_frame
        self._turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        self._dt = own.dt or policy_card(own.model).dt
        self._pairing = Pairing([f"{camera} {part}" for camera in self._cameras for part in _PARTS])
        self._poses = PosePublisher(self, self._base)
        for camera in self._cameras:
            for part in _PARTS:
                suffix = "/compressed" if part == "action_images" and own.chunk_encoding == "png" else ""
                self.listen(f"chunk/<cam>/{part}{suffix}", functools.partial(self._on_part, f"{camera} {part}"), camera)

    def parameters_changed(self, names: set[str]) -> None:
        """Another time between frames from the next chunk on."""
        own = self.parameters(DecoderParameters)
        self._dt = own.dt or policy_card(own.model).dt

    def _on_part(self, key: str, message: Any) -> None:
        if not self.active:
            return
        parts = self._pairing.add(key, stamp_of(message), message)
        if parts is not None:
            self._waiting.put("chunk", (stamp_of(message), parts))

    def activate(self) -> None:
        """Start the thread that decodes."""
        self._waiting.open()
        self._thread = threading.Thread(target=self._work, name="decoder", daemon=True)
        self._thread.start()

    def deactivate(self) -> None:
        """Finish the chunk being decoded, publish it no more."""
        self._waiting.close()
        if self._thread is not None:
            self._thread.join(timeout=30.0)
        self._thread = None

    def _work(self) -> None:
        decode = self.guarded("decoding a chunk", self._decode)
        while (waiting := self._waiting.take()) is not None:
            decode(*waiting[1])

    def _decode(self, stamp_ns: int, parts: dict[str, Any]) -> None:
        try:
            chunk = chunk_from_prediction(self._prediction(stamp_ns, parts), self._turn)
        except ValueError as error:
            self.complain("chunk", f"chunk {stamp_ns} is not decoded: {error}")
            return
        if not self.active:
            return  # deactivated meanwhile
        self.solved("chunk")
        self._poses.publish(chunk)
        valid = int(chunk.valid.sum())
        self.values.update(
            valid_frames=f"{valid} of {len(chunk)}",
            sigma_position_mm=f"{1000 * np.nanmedian(chunk.sigma_position):.1f}" if valid else "none",
        )
        if valid < len(chunk):
            self.complain("valid", f"{len(chunk) - valid} of {len(chunk)} frames could not be decoded", WARN)
        else:
            self.solved("valid")

    def _prediction(self, stamp_ns: int, parts: dict[str, Any]) -> Prediction:
        images, intrinsics, extrinsics = [], [], []
        for camera in self._cameras:
            try:
                K, size = intrinsics_from_camera_info(parts[f"{camera} camera_info"])
                images.append(split_frames(rgb_from_message(parts[f"{camera} action_images"]), size))
            except ValueError as error:
                raise ValueError(f"chunk/{camera}: {error}") from None
            intrinsics.append(K)
            pose = pose7_from_pose_stamped(parts[f"{camera} pose"], self._base, f"chunk/{camera}/pose")
            extrinsics.append(matrix_from_pose7(pose))
        if len({stack.shape for stack in images}) > 1:
            raise ValueError(f"the cameras' action images differ in size: {[list(s.shape) for s in images]}")
        return Prediction(
            stamp_ns=stamp_ns,
            dt=self._dt,
            camera_names=tuple(self._cameras),
            K=np.stack(intrinsics),
            world_from_camera=np.stack(extrinsics),
            action_images=np.stack(images),
        )


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(DecoderNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
