"""Publishes predicted chunks: per camera the action images, the video where there is one, intrinsics and pose."""

from __future__ import annotations

from collections.abc import Sequence

from ..control.chunk import Chunk
from ..geometry.pose import pose7_from_matrix
from ..interfaces.fields import optical_frame
from ..policy.prediction import Prediction
from .chunk_messages import confidence_message, gripper_message, poses_message, stack_frames
from .conversions import camera_info_from_intrinsics, pose_stamped, stamp_from_ns
from .graph_node import GraphNode
from .images import compressed_from_rgb, image_from_rgb

__all__ = ["ChunkPublisher", "PosePublisher"]


class PosePublisher:
    """Advertises poses, gripper and confidence of a chunk through `node`. base: frame of the poses."""

    def __init__(self, node: GraphNode, base: str) -> None:
        self._base = base
        self._poses = node.advertise("chunk/poses")
        self._gripper = node.advertise("chunk/gripper")
        self._confidence = node.advertise("chunk/confidence")

    def publish(self, chunk: Chunk) -> None:
        """The three messages of a chunk of robot tool poses, stamped with its id."""
        self._poses.publish(poses_message(chunk, self._base))
        self._gripper.publish(gripper_message(chunk, self._base))
        self._confidence.publish(confidence_message(chunk, self._base))


class ChunkPublisher:
    """Advertises the chunk's topics through `node`. encoding: raw or png. base: frame of the cameras' poses."""

    def __init__(self, node: GraphNode, cameras: Sequence[str], encoding: str, base: str, *, video: bool) -> None:
        self._encoding, self._base, self._outputs = encoding, base, {}
        suffix = "" if encoding == "raw" else "/compressed"
        for camera in cameras:
            self._outputs[camera] = {
                "action_images": node.advertise(f"chunk/<cam>/action_images{suffix}", camera),
                "camera_info": node.advertise("chunk/<cam>/camera_info", camera),
                "pose": node.advertise("chunk/<cam>/pose", camera),
            }
            if video:
                self._outputs[camera]["video"] = node.advertise(f"chunk/<cam>/predicted_video{suffix}", camera)

    def publish(self, prediction: Prediction) -> None:
        """All parts of a `Prediction`, with the chunk's id for a stamp."""
        images = prediction.images()
        size = images.shape[2:4]
        for view, camera in enumerate(prediction.camera_names):
            out = self._outputs[camera]
            out["camera_info"].publish(
                camera_info_from_intrinsics(prediction.K[view], size, prediction.stamp_ns, optical_frame(camera))
            )
            pose = pose7_from_matrix(prediction.world_from_camera[view])
            out["pose"].publish(pose_stamped(pose, prediction.stamp_ns, self._base))
        self._publish_frames("action_images", images, prediction)
        self.publish_video(prediction)

    def publish_video(self, prediction: Prediction) -> None:
        """The video, where there is one: by itself when it was made after the rest was published."""
        if prediction.video is not None:
            self._publish_frames("video", prediction.video, prediction)

    def _publish_frames(self, key: str, frames, prediction) -> None:
        for view, camera in enumerate(prediction.camera_names):
            if key not in self._outputs[camera]:
                continue
            stacked = stack_frames(frames[view])
            message = image_from_rgb(stacked) if self._encoding == "raw" else compressed_from_rgb(stacked, "png")
            message.header.stamp = stamp_from_ns(prediction.stamp_ns)
            message.header.frame_id = optical_frame(camera)
            self._outputs[camera][key].publish(message)
