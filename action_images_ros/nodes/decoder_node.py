"""Action images in, poses with confidence out: decodes each chunk once all its cameras have come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..geometry.pose import matrix_from_pose7
from ..interfaces.pairing import Pairing
from ..paths import models_path
from ..policy.card import ModelCard
from ..policy.decoding import chunk_from_prediction
from ..ros.chunk_messages import confidence_message, gripper_message, poses_message, split_frames
from ..ros.conversions import intrinsics_from_camera_info, pose7_from_pose_stamped
from ..ros.graph_node import WARN, GraphNode, run_node, stamp_of
from ..ros.images import rgb_from_message
from ..ros.node_parameters import DecoderParameters
from ..ros.parameters import rotation

_PARTS = ("action_images", "camera_info", "pose")


@dataclass
class _Stacked:
    """What the codec wants of a prediction."""

    stamp_ns: int
    action_images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    dt: float


class DecoderNode(GraphNode):
    """Node `decoder`."""

    def __init__(self, **kwargs) -> None:
        super().__init__("decoder", **kwargs)
        self._pairing: Pairing | None = None

    def configure(self) -> None:
        """Read parameters, connect."""
        own = self.parameters(DecoderParameters)
        self._cameras, self._base = own.cameras, own.base_frame
        self._turn = rotation("robot_tool_from_model_tool", own.robot_tool_from_model_tool)
        self._dt = own.dt or ModelCard.load(models_path(own.model)).dt
        self._pairing = Pairing([f"{camera} {part}" for camera in self._cameras for part in _PARTS])
        self._poses = self.advertise("chunk/poses")
        self._gripper = self.advertise("chunk/gripper")
        self._confidence = self.advertise("chunk/confidence")
        for camera in self._cameras:
            for part in _PARTS:
                suffix = "/compressed" if part == "action_images" and own.chunk_encoding == "png" else ""
                self.listen(
                    f"chunk/<cam>/{part}{suffix}", lambda m, key=f"{camera} {part}": self._on_part(key, m), camera
                )

    def _on_part(self, key: str, message: Any) -> None:
        if not self.active:
            return
        parts = self._pairing.add(key, stamp_of(message), message)
        if parts is None:
            return
        try:
            chunk = chunk_from_prediction(self._stacked(stamp_of(message), parts), self._turn)
        except ValueError as error:
            self.complain("chunk", f"chunk {stamp_of(message)} is not decoded: {error}")
            return
        self.solved("chunk")
        self._poses.publish(poses_message(chunk, self._base))
        self._gripper.publish(gripper_message(chunk, self._base))
        self._confidence.publish(confidence_message(chunk, self._base))
        valid = int(chunk.valid.sum())
        self.values.update(
            valid_frames=f"{valid} of {len(chunk)}",
            sigma_position_mm=f"{1000 * np.nanmedian(chunk.sigma_position):.1f}" if valid else "none",
        )
        if valid < len(chunk):
            self.complain("valid", f"{len(chunk) - valid} of {len(chunk)} frames could not be decoded", WARN)
        else:
            self.solved("valid")

    def _stacked(self, stamp_ns: int, parts: dict[str, Any]) -> _Stacked:
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
        return _Stacked(stamp_ns, np.stack(images), np.stack(intrinsics), np.stack(extrinsics), self._dt)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the node."""
    return run_node(DecoderNode, argv)


if __name__ == "__main__":
    raise SystemExit(main())
