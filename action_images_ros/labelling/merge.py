"""Merge the windows of each frame into one label."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..geometry.pose import matrix_from_pose7, pose7_from_matrix, rotation_from_vector, vector_from_rotation
from .labeller import WindowLabels

__all__ = ["FrameLabel", "Merger", "merge_poses"]

MAX_POSITION_SD = 0.05
MAX_ROTATION_SD = 0.6
"""A merged label less certain than this (m, rad; worst axis), as of windows that contradict each other, is not valid;
the limits of `codec.decode` for one window."""


@dataclass(frozen=True)
class FrameLabel:
    """The label of one frame. pose: [7] of the ROBOT tool in the base frame, None where there is none, and reason says
    why. openness: share of votes for open, 0 .. 1. covariance: [6, 6] as in `codec.decode`. windows: how many agreed on
    it. given: a conditioning pose, not a label. measured, measured_openness: of the recording, or
    None."""

    stamp_ns: int
    log_ns: int
    pose: np.ndarray | None
    openness: float
    covariance: np.ndarray
    windows: int
    given: bool
    reason: str
    measured: np.ndarray | None
    measured_openness: float | None


def merge_poses(poses: np.ndarray, covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rigid pose [7] nearest to poses [N, 7] in the metric of their covariances [N, 6, 6], and its covariance.

    Minimises the sum of squared Mahalanobis distances over positions and left rotation errors (Gauss-Newton). The
    windows share their pictures, so that their errors are not independent: the covariance is that of covariance
    intersection with equal weights (Julier and Uhlmann 1997), the inverse of the mean information, times the mean
    squared distance per degree of freedom where that is above 1 (the windows contradict each other).
    """
    information = np.linalg.inv(covariances)
    matrices = matrix_from_pose7(poses)
    total = information.sum(axis=0)
    mean = matrices[int(np.argmin(np.trace(covariances, axis1=1, axis2=2)))]
    for _ in range(10):
        error = _errors(matrices, mean)
        step = np.linalg.solve(total, np.einsum("nij,nj->i", information, error))
        mean = mean.copy()
        mean[:3, 3] += step[:3]
        mean[:3, :3] = rotation_from_vector(step[3:]) @ mean[:3, :3]
        if np.abs(step).max() < 1e-10:
            break
    error = _errors(matrices, mean)
    distance = np.einsum("ni,nij,nj->n", error, information, error).mean() / 6
    return pose7_from_matrix(mean), np.linalg.inv(total) * len(poses) * max(1.0, distance)


def _errors(matrices: np.ndarray, mean: np.ndarray) -> np.ndarray:
    turn = vector_from_rotation(matrices[:, :3, :3] @ mean[:3, :3].T)
    return np.concatenate([matrices[:, :3, 3] - mean[:3, 3], turn], axis=1)


@dataclass
class _Frame:
    log_ns: int
    measured: np.ndarray | None
    measured_openness: float | None
    estimates: list[tuple[np.ndarray, np.ndarray, float, bool]] = field(default_factory=list)
    asked: int = 0


class Merger:
    """Feed windows in the order of time; `add` and `finish` return the labels that no later window can change."""

    def __init__(self) -> None:
        self._frames: dict[int, _Frame] = {}

    def add(self, labels: WindowLabels) -> list[FrameLabel]:
        """Take a window's labels; frames up to its first one are final."""
        chunk = labels.chunk
        for i, stamp in enumerate(labels.stamps_ns.tolist()):
            frame = self._frames.setdefault(
                stamp, _Frame(int(labels.logs_ns[i]), _known(labels.measured[i]), _known(labels.measured_openness[i]))
            )
            frame.asked += 1
            if chunk.valid[i]:
                frame.estimates.append(
                    (chunk.poses[i], chunk.covariance[i], float(chunk.openness[i]), labels.given and i == 0)
                )
        return self._take(int(labels.stamps_ns[0]))

    def finish(self) -> list[FrameLabel]:
        """The labels that are left."""
        return self._take(max(self._frames, default=0))

    def _take(self, until_ns: int) -> list[FrameLabel]:
        ready = sorted(stamp for stamp in self._frames if stamp <= until_ns)
        return [_merged(stamp, self._frames.pop(stamp)) for stamp in ready]


def _known(value):
    return value if np.isfinite(value).all() else None


def _merged(stamp: int, frame: _Frame) -> FrameLabel:
    read = [estimate for estimate in frame.estimates if not estimate[3]]
    used = read or frame.estimates  # what was told counts only where nothing was read
    nothing = np.diag(np.full(6, np.inf))
    measured = (frame.measured, None if frame.measured_openness is None else float(frame.measured_openness))
    if not used:
        return FrameLabel(
            stamp,
            frame.log_ns,
            None,
            float("nan"),
            nothing,
            0,
            False,
            f"not to be read in any of {frame.asked} windows",
            *measured,
        )
    pose, covariance = merge_poses(np.stack([e[0] for e in used]), np.stack([e[1] for e in used]))
    openness = np.array([e[2] for e in used])
    share = float(np.mean(openness > 0.5))
    if share == 0.5:  # a tie: the more certain side
        share = float(np.clip(openness.mean(), 0.0, 1.0))
    spread = np.sqrt(np.diag(covariance))
    if spread[:3].max() > MAX_POSITION_SD or spread[3:].max() > MAX_ROTATION_SD:
        return FrameLabel(
            stamp,
            frame.log_ns,
            None,
            share,
            covariance,
            len(used),
            False,
            f"{len(used)} windows contradict each other",
            *measured,
        )
    return FrameLabel(stamp, frame.log_ns, pose, share, covariance, len(used), not read, "", *measured)
