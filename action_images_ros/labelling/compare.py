"""Errors of labels against the measured poses of the recording."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..codec.decode import DecodedActions
from ..geometry.pose import matrix_from_pose7, rotation_angle, to_model_tool
from ..metrics.actions import THRESHOLDS, jaccard, tracks
from .labeller import WindowLabels
from .merge import FrameLabel
from .planner import Unlabelled

__all__ = ["Comparison"]


class Comparison:
    """Takes labels as they come and counts; `figures` when all are there. turn: robot_tool_from_model_tool."""

    def __init__(self, turn: np.ndarray) -> None:
        self._turn = turn
        self._frames, self._labelled, self._told = 0, 0, 0
        self._reasons: Counter[str] = Counter()
        self._millimetres: list[float] = []
        self._degrees: list[float] = []
        self._sides: list[bool] = []
        self._tracks: list[dict[str, np.ndarray]] = []

    def frame(self, label: FrameLabel) -> None:
        """The label of a frame; a conditioning pose is not scored."""
        self._frames += 1
        if label.pose is None:
            self._reasons[label.reason] += 1
            return
        self._labelled += 1
        self._told += label.given
        if label.given:
            return
        if label.measured is not None:
            self._millimetres.append(float(np.linalg.norm(label.pose[:3] - label.measured[:3])) * 1e3)
            angle = rotation_angle(*matrix_from_pose7(np.stack([label.pose, label.measured]))[:, :3, :3])
            self._degrees.append(float(np.degrees(angle)))
        if label.measured_openness is not None:
            self._sides.append((label.openness > 0.5) == (label.measured_openness > 0.5))

    def unlabelled(self, frame: Unlabelled) -> None:
        """A frame in no window."""
        self._frames += 1
        self._reasons[frame.reason] += 1

    def window(self, labels: WindowLabels) -> None:
        """A window's points as tracks in its pictures."""
        chunk, prediction = labels.chunk, labels.prediction
        judged = np.isfinite(labels.measured).all(axis=1)
        judged[0] &= not labels.given
        if not judged.any():
            return
        valid = chunk.valid & judged
        poses = np.tile([0, 0, 0, 0, 0, 0, 1.0], (len(chunk), 1))
        if valid.any():
            poses[valid] = to_model_tool(chunk.poses[valid], self._turn)
        decoded = DecodedActions(poses[judged], chunk.openness[judged], chunk.covariance[judged], valid[judged])
        truth = matrix_from_pose7(to_model_tool(labels.measured[judged], self._turn))
        E = prediction.world_from_camera
        E = E[:, judged] if E.ndim == 4 else E
        self._tracks.append(tracks(decoded, truth, prediction.K, E, prediction.drawn.shape[2:4]))

    def figures(self) -> dict:
        """Counts; errors of the merged labels (mm, deg: median, p95; openness: share on the right side), None where
        the recording does not say; Jaccard at 4 px, its mean over THRESHOLDS, and the mean distance in px of a picture
        of 256 px, over all windows."""
        track = (
            {key: np.concatenate([part[key] for part in self._tracks]) for key in self._tracks[0]}
            if self._tracks
            else None
        )
        found = None if track is None else track["track_px"][track["seen"] & np.isfinite(track["track_px"])]
        return {
            "frames": self._frames,
            "labelled": self._labelled,
            "told": self._told,
            "without_label": dict(self._reasons.most_common()),
            "compared": len(self._millimetres),
            "position_mm_median": _quantile(self._millimetres, 0.5),
            "position_mm_p95": _quantile(self._millimetres, 0.95),
            "rotation_deg_median": _quantile(self._degrees, 0.5),
            "rotation_deg_p95": _quantile(self._degrees, 0.95),
            "openness_right": float(np.mean(self._sides)) if self._sides else None,
            "jaccard_4px": None if track is None else jaccard(track["track_px"], track["seen"], track["claimed"], 4.0),
            "average_jaccard": None
            if track is None
            else float(np.mean([jaccard(track["track_px"], track["seen"], track["claimed"], px) for px in THRESHOLDS])),
            "track_px": float(found.mean()) if found is not None and len(found) else None,
        }


def _quantile(values: list[float], q: float) -> float | None:
    return float(np.quantile(values, q)) if values else None
