"""The predicted video of a chunk: published after the chunk, so that no motion waits for it, and compared with it."""

from __future__ import annotations

from ..policy.agreement import video_agreement
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.protocol import Labels, PaintsVideo, Policy, require
from .chunk_messages import agreement_message
from .chunk_publisher import ChunkPublisher
from .graph_node import WARN, GraphNode

__all__ = ["ChunkVideo"]


class ChunkVideo:
    """Publisher of the predicted video of a node's chunks, where the policy can paint one.

    compares: read the arm off each video and publish its distance to the action on `chunk/agreement`; the policy must
    then be able to label.
    """

    def __init__(
        self, node: GraphNode, policy: Policy, chunks: ChunkPublisher, base_frame: str, *, compares: bool
    ) -> None:
        self._node, self._policy, self._chunks = node, policy, chunks
        self._base_frame, self._compares = base_frame, compares
        self._agreement = node.advertise("chunk/agreement")

    def publish(self, prediction: Prediction, observation: Observation, seed: int) -> None:
        """Paint, publish and compare the video of a chunk; what fails is a problem of the node, never an exception."""
        if not isinstance(self._policy, PaintsVideo):
            return
        try:
            filmed = self._policy.paint_video(prediction)
            self._chunks.publish_video(filmed)
            if self._compares:
                self._compare(filmed, observation, seed)
            self._node.solved("video")
        except Exception as error:  # the policy's thread must not die silently
            self._node.complain("video", f"the video of a chunk could not be painted: {error!r}", WARN)

    def _compare(self, filmed: Prediction, observation: Observation, seed: int) -> None:
        reader = require(self._policy, Labels, "read the arm off its video (check_video)")
        agreement = video_agreement(reader, filmed, observation, seed=seed)
        self._node.values["video_action_mm"] = f"{1000 * agreement.median_m:.1f}"
        self._agreement.publish(agreement_message(agreement.distances_m, filmed.dt, filmed.stamp_ns, self._base_frame))
