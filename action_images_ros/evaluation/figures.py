"""Figures of an evaluation's JSON: time to success, and success over injected latency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..metrics.intervals import wilson

__all__ = ["draw_figures"]


def draw_figures(folder: str | Path, results: Sequence[tuple[str, dict[str, Any]]]) -> list[Path]:
    """Write `time_to_success.svg` and, where a result has a sweep, `latency.svg`; returns the files.

    results: (label, result of `evaluate --json`). Raises ValueError for a result without operation figures and
    ImportError where matplotlib is missing.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "action_images_ros"  # the same file from the same figures
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [_time_to_success(folder / "time_to_success.svg", results)]
    swept = [(label, result) for label, result in results if result.get("latency_sweep")]
    if swept:
        files.append(_latency(folder / "latency.svg", swept))
    return files


def _time_to_success(path: Path, results: Sequence[tuple[str, dict[str, Any]]]) -> Path:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for label, result in results:
        curve = result.get("operation", {}).get("success_by")
        if not curve:
            plt.close(figure)
            raise ValueError(
                f"result {label} has no operation.success_by; give a file of evaluate --json in the closed loop"
            )
        axes.step([t for t, _ in curve], [100 * share for _, share in curve], where="post", label=label)
    axes.set(xlabel="simulated time, s", ylabel="episodes that have succeeded, %", ylim=(0, 100))
    return _finished(path, figure, axes, len(results))


def _latency(path: Path, results: Sequence[tuple[str, dict[str, Any]]]) -> Path:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for label, result in results:
        rows = sorted(result["latency_sweep"], key=lambda row: row["latency_seconds"])
        rates = [row["successes"] / row["episodes"] for row in rows]
        spans = [wilson(row["successes"], row["episodes"]) for row in rows]
        errors = [
            [100 * (r - low) for r, (low, _) in zip(rates, spans, strict=True)],
            [100 * (high - r) for r, (_, high) in zip(rates, spans, strict=True)],
        ]
        axes.errorbar(
            [row["latency_seconds"] for row in rows], [100 * r for r in rates], errors, capsize=3, label=label
        )
    axes.set(xlabel="injected latency from observation to chunk, s", ylabel="success, % (95 % interval)", ylim=(0, 100))
    return _finished(path, figure, axes, len(results))


def _finished(path: Path, figure: Any, axes: Any, lines: int) -> Path:
    from matplotlib import pyplot as plt

    axes.grid(alpha=0.3)
    if lines > 1:
        axes.legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
