"""Consistency of predicted video and predicted action: tool poses labelled in the video against the action images.

The model's label mode estimates the tool poses from the video alone. The distance measures the consistency of the two
halves of a prediction, not the quality of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..codec.decode import decode
from ..geometry.arrays import Floats
from .clips import Clips
from .observation import Observation
from .prediction import Prediction
from .protocol import Labels

__all__ = ["Agreement", "video_agreement"]


@dataclass(frozen=True)
class Agreement:
    """distances_m: `[T]`, between the tool of the video and of the action images; NaN where either is not decoded."""

    distances_m: Floats

    @property
    def median_m(self) -> float:
        """Of the frames that can be compared; NaN where there is none."""
        known = self.distances_m[np.isfinite(self.distances_m)]
        return float(np.median(known)) if len(known) else float("nan")


def video_agreement(reader: Labels, prediction: Prediction, observation: Observation, *, seed: int = 0) -> Agreement:
    """Read the arm off the prediction's video and compare it frame by frame with the prediction's action images.

    reader: labels clips of T frames. The pose at the observation is given to it, as to the prediction: frame 0 is left
    out (NaN). Raises ValueError where the prediction has no video or no action images, or T is not the reader's.
    """
    if prediction.video is None:
        raise ValueError("video is None; paint the video of the prediction first")
    if prediction.frames != reader.card.frames:
        raise ValueError(
            f"the prediction has {prediction.frames} frames; {reader.card.name} reads {reader.card.frames}"
        )
    clips = Clips(
        images=prediction.video[None],
        K=prediction.K[None],
        world_from_camera=prediction.world_from_camera[None],
        instructions=[observation.instruction],
        poses=np.asarray(observation.tool_pose, dtype=np.float64)[None, None],
        openness=np.array([[float(observation.openness)]]),
    )
    read = decode(reader.label(clips, seed=seed)[0], prediction.K, prediction.world_from_camera)
    planned = decode(prediction.images(), prediction.K, prediction.world_from_camera)
    apart = np.linalg.norm(read.poses[:, :3] - planned.poses[:, :3], axis=1)
    usable = np.asarray(read.valid, dtype=bool) & np.asarray(planned.valid, dtype=bool)
    distances = np.where(usable, apart, np.nan)
    distances[0] = np.nan
    return Agreement(distances)
