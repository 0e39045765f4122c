"""What a user of a robot asks beside the success rate: how soon, how often, how long until it fails, how smoothly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CURVE_POINTS", "JERK_INTERVAL_S", "operation_figures", "rms_jerk", "success_curve"]

CURVE_POINTS = 50
"""Intervals of a time-to-success curve."""
JERK_INTERVAL_S = 0.05
"""Positions are taken at most this often before they are differenced: simulators' contact noise is no motion."""


def rms_jerk(positions: npt.ArrayLike, interval_s: float) -> float:
    """Root mean square of the third derivative of the path, m/s^3.

    positions: `[N, 3]` m of the tool, `interval_s` apart; taken every JERK_INTERVAL_S or, where they are further apart,
    as they are. NaN for fewer than four such positions.
    """
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions has shape {list(points.shape)}; give [N, 3] in metres")
    if not interval_s > 0:
        raise ValueError(f"interval_s is {interval_s}; give the seconds between two positions, more than 0")
    every = max(1, round(JERK_INTERVAL_S / interval_s))
    points, seconds = points[::every], every * interval_s
    if len(points) < 4:
        return float("nan")
    jerk = np.diff(points, n=3, axis=0) / seconds**3
    return float(np.sqrt((jerk**2).sum(axis=1).mean()))


def success_curve(rows: Sequence[dict[str, Any]], time_limit_s: float, points: int = CURVE_POINTS) -> list[list[float]]:
    """`[seconds, share of the episodes that had succeeded by then]` at points + 1 times from 0 to the limit."""
    done = np.array([row["seconds"] for row in rows if row["success"]])
    times = np.linspace(0.0, time_limit_s, points + 1)
    return [[round(float(t), 4), round(float((done <= t + 1e-9).sum() / len(rows)), 4)] for t in times]


def operation_figures(rows: Sequence[dict[str, Any]], time_limit_s: float) -> dict[str, Any]:
    """Figures of episodes run one after another without a pause for the reset.

    rows: `success`, `seconds` (simulated), `wrong_object` and, where it was measured, `jerk_rms_m_s3`.
    successes_per_hour: successes per simulated hour. mean_time_between_failures_s: simulated time per failed episode,
    None without a failure. median_seconds_to_success: None without a success. success_by: the time-to-success curve.
    """
    if not rows:
        raise ValueError("rows is empty; give at least one episode")
    seconds = float(sum(row["seconds"] for row in rows))
    wins = [row["seconds"] for row in rows if row["success"]]
    failures = len(rows) - len(wins)
    jerks = [row["jerk_rms_m_s3"] for row in rows if row.get("jerk_rms_m_s3") is not None]
    return {
        "episodes": len(rows),
        "simulated_seconds": round(seconds, 2),
        "successes_per_hour": round(3600 * len(wins) / seconds, 1) if seconds else None,
        "mean_time_between_failures_s": round(seconds / failures, 2) if failures else None,
        "median_seconds_to_success": round(float(np.median(wins)), 3) if wins else None,
        "wrong_object": sum(bool(row["wrong_object"]) for row in rows),
        "jerk_rms_m_s3": round(float(np.median(jerks)), 2) if jerks else None,
        "success_by": success_curve(rows, time_limit_s),
    }
