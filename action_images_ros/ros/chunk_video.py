"""The predicted videos of the policy node: which chunks get one, and whether it shows what the action says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..control.states import PROPOSED
from ..policy.agreement import Agreement, video_agreement
from ..policy.observation import Observation
from ..policy.prediction import Prediction
from ..policy.protocol import Labels, PaintsVideo, Policy, require
from .chunk_messages import agreement_message
from .graph_node import WARN, GraphNode
from .node_parameters import PolicyParameters
from .state_messages import state_report

__all__ = ["ChunkVideo", "VideoSettings"]

_KEPT = 8  # chunks without a video that may still be asked for: one that waits for approval is none of the oldest


@dataclass(frozen=True)
class VideoSettings:
    """every: how many chunks; 0: never. checked: compare with the action. hold_m: largest median distance (m) of video
    and action with which a chunk is published; 0: any."""

    every: int
    checked: bool
    hold_m: float

    @classmethod
    def of(cls, parameters: PolicyParameters) -> VideoSettings:
        """What the node's parameters say."""
        return cls(parameters.video_every, parameters.check_video, parameters.hold_video_action)


class ChunkVideo:
    """Paints videos in the thread that computes chunks, and hands them to `publish`.

    Without `hold_m` a chunk is published before its video is painted, so that no motion waits for it; the chunk that
    waits for approval gets one whatever its number. Nothing raises: problems are complained of through `node`.
    """

    def __init__(
        self,
        node: GraphNode,
        policy: Policy,
        settings: VideoSettings,
        publish: Callable[[Prediction], None],
        base_frame: str,
    ) -> None:
        """Raises ValueError where chunks are to be held on videos that the policy cannot paint or read."""
        self.settings = settings
        self._node, self._policy, self._publish, self._base = node, policy, publish, base_frame
        self._unfilmed: dict[int, tuple[Prediction, Observation, int]] = {}
        self._waiting: int | None = None
        self._held: Prediction | None = None
        if settings.hold_m > 0:
            require(policy, PaintsVideo, "paint the video to hold on (hold_video_action)")
            require(policy, Labels, "read the arm off its video (hold_video_action)")
        self._agreement = node.advertise("chunk/agreement")
        node.listen("arm_command/state", self._on_arm_state)

    def _on_arm_state(self, message: Any) -> None:
        report = state_report(message)
        self._waiting = report.chunk_ns if report.state == PROPOSED else None

    def withholds(self, prediction: Prediction, observation: Observation, seed: int) -> bool:
        """Whether a chunk is not to be published, because its video shows another motion or cannot be compared."""
        self._held, limit = None, self.settings.hold_m
        if limit <= 0:
            return False
        try:
            filmed = require(self._policy, PaintsVideo, "paint a video").paint_video(prediction)
            median = self._compare(filmed, observation, seed).median_m
            reason = "" if median <= limit else f"is {1000 * median:.0f} mm from the action"
        except Exception as error:  # doubtful: the arm is not to move by it
            reason = f"could not be compared with the action: {error!r}"
        if reason:
            limit_mm = f"hold_video_action is {1000 * limit:.0f} mm"
            self._node.complain("agreement", f"a chunk is withheld: the arm in its video {reason} ({limit_mm})", WARN)
            return True
        self._held = filmed
        self._node.solved("agreement")
        return False

    def follow(self, prediction: Prediction, observation: Observation, seed: int, count: int) -> None:
        """The video of a chunk that is on its way, the count-th from 1, where it is due."""
        if not self.settings.every or not isinstance(self._policy, PaintsVideo):
            return
        if self._held is not None:
            self._film(self._held, observation, seed)
        elif (count - 1) % self.settings.every == 0:
            self._film(prediction, observation, seed)
        else:
            self._unfilmed[prediction.stamp_ns] = prediction, observation, seed
            while len(self._unfilmed) > _KEPT:
                del self._unfilmed[next(iter(self._unfilmed))]
        self.catch_up()

    def catch_up(self) -> None:
        """The video of the chunk that waits for approval, where it has none."""
        wanted = self._unfilmed.pop(self._waiting, None) if self._waiting is not None else None
        if wanted is not None:
            self._film(*wanted)

    def _film(self, prediction: Prediction, observation: Observation, seed: int) -> None:
        try:
            filmed = self._held or require(self._policy, PaintsVideo, "paint a video").paint_video(prediction)
            self._publish(filmed)
            if self.settings.checked and self._held is None:
                self._compare(filmed, observation, seed)
            self._node.solved("video")
        except Exception as error:  # the thread must not die silently
            self._node.complain("video", f"the video of a chunk could not be painted: {error!r}", WARN)

    def _compare(self, filmed: Prediction, observation: Observation, seed: int) -> Agreement:
        reader = require(self._policy, Labels, "read the arm off its video (check_video)")
        agreement = video_agreement(reader, filmed, observation, seed=seed)
        self._node.values["video_action_mm"] = f"{1000 * agreement.median_m:.1f}"
        self._agreement.publish(agreement_message(agreement.distances_m, filmed.dt, filmed.stamp_ns, self._base))
        return agreement
