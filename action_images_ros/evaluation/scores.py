"""Scores of estimates: those of one window, and their summary per task with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..codec.decode import DecodedActions
from ..metrics.actions import THRESHOLDS, action_errors, jaccard, tracks
from ..metrics.features import FeatureDistance
from ..metrics.images import moving_psnr, psnr, seams, ssim
from ..metrics.intervals import bootstrap, wilson
from .baselines import Estimate
from .held_out import HeldOutWindow

__all__ = ["HEADLINES", "Scored", "score_actions", "score_video", "summarise"]

HEADLINES = {
    "psnr": "mean",
    "moving_psnr": "mean",
    "ssim": "mean",
    "features": "mean",
    "seams_16px": "mean",
    "seams_4px": "mean",
    "position_mm": "median",
    "rotation_deg": "median",
    "openness": "share",
    "valid": "share",
}
"""Which figure of each measure gets an interval; errors of poses have mean and 95th percentile besides."""


@dataclass
class Scored:
    """One method's scores in one window: per frame, per frame and view, or per point."""

    task: str
    seed: int
    start: int
    far: bool
    by: str
    values: dict[str, np.ndarray]

    def row(self) -> dict:
        """The window as plain numbers: the mean of each measure, of errors of poses the median."""
        row = {"task": self.task, "seed": self.seed, "start": self.start, "far": self.far, "by": self.by}
        for name, kind in HEADLINES.items():
            if name in self.values:
                row[name] = _plain(_centre(self.values[name], kind))
        return row


def score_video(window: HeldOutWindow, estimate: np.ndarray, truth_features: list, distance: FeatureDistance) -> dict:
    """Measures of the T - 1 frames after the first in every view. truth_features: of `true_frames(window)`."""
    truth, estimate = true_frames(window), _frames(estimate)
    first = np.repeat(window.images[:, 0], window.images.shape[1] - 1, axis=0)
    return {
        "psnr": psnr(truth, estimate),
        "moving_psnr": moving_psnr(truth, estimate, first),
        "ssim": ssim(truth, estimate),
        "features": distance(truth_features, distance.features(estimate)),
        "seams_16px": seams(truth, estimate, 16),
        "seams_4px": seams(truth, estimate, 4),
    }


def true_frames(window: HeldOutWindow) -> np.ndarray:
    """The frames a predicted video is judged on: uint8 [V * (T - 1), H, W, 3]."""
    return _frames(window.images)


def score_actions(window: HeldOutWindow, estimate: Estimate, first: int) -> dict:
    """Errors of the decoded actions in the frames from ``first`` on, and the tracks of their points."""
    part = slice(first, None)
    if estimate.actions is None:
        raise ValueError("estimate has no actions; score its video")
    fields: tuple[Any, ...] = tuple(field[part] for field in estimate.actions)
    actions = DecodedActions(*fields)
    truth = window.matrices[part]
    return action_errors(actions, truth, window.openness[part]) | tracks(
        actions, truth, window.K, window.world_from_camera, window.images.shape[2:4]
    )


def summarise(scored: Iterable[Scored], tasks: list[str]) -> list[dict]:
    """One entry per group and method. Groups: each task, "all", and "far", windows whose arm travels over 10 cm.

    Means and medians have 95 % bootstrap intervals over episodes (`NAME_low`, `NAME_high`), shares Wilson intervals
    that count every episode as a single trial, which is cautious.
    """
    scored = list(scored)
    groups = [(task, [s for s in scored if s.task == task]) for task in tasks]
    groups += [("all", scored), ("far", [s for s in scored if s.far])]
    return [
        _entry(group, by, [s for s in members if s.by == by])
        for group, members in groups
        for by in dict.fromkeys(s.by for s in members)
    ]


def _entry(group: str, by: str, scored: list[Scored]) -> dict:
    episodes = len({(s.task, s.seed) for s in scored})
    entry = {"group": group, "by": by, "windows": len(scored), "episodes": episodes}
    for name, kind in HEADLINES.items():
        parts = [(f"{s.task} {s.seed}", s.values[name]) for s in scored if name in s.values]
        if not parts:
            continue
        values = np.concatenate([part for _, part in parts])
        labels = np.concatenate([[label] * len(part) for label, part in parts])
        centre = _centre(values, kind)
        low, high = wilson(centre * episodes, episodes) if kind == "share" else bootstrap(values, labels, kind)
        entry |= {name: _plain(centre), f"{name}_low": _plain(low), f"{name}_high": _plain(high)}
        if kind == "median":
            known = values[~np.isnan(values)]
            entry |= {
                f"{name}_mean": _plain(known.mean() if len(known) else np.nan),
                f"{name}_p95": _plain(np.quantile(known, 0.95) if len(known) else np.nan),
            }
    with_tracks = [s.values for s in scored if "track_px" in s.values]
    if with_tracks:
        px, seen, claimed = (np.concatenate([v[name] for v in with_tracks]) for name in ("track_px", "seen", "claimed"))
        found = px[seen & np.isfinite(px)]
        entry["track_px"] = _plain(found.mean() if len(found) else np.nan)
        entry["jaccard_4px"] = _plain(jaccard(px, seen, claimed, 4))
        entry["average_jaccard"] = _plain(float(np.mean([jaccard(px, seen, claimed, t) for t in THRESHOLDS])))
    return entry


def _centre(values: np.ndarray, kind: str) -> float:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan")
    return float(np.median(known) if kind == "median" else np.mean(known))


def _frames(video: np.ndarray) -> np.ndarray:
    return video[:, 1:].reshape(-1, *video.shape[2:])


def _plain(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return round(float(value), 4) if np.isfinite(value) else None
