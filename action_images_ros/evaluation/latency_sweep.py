"""Success over injected latency: the same episodes with the chunk so much later than its observation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .rollout import RolloutSettings

__all__ = ["sweep_latency"]


def sweep_latency(
    run: Callable[[RolloutSettings], dict[str, Any]], settings: RolloutSettings, latencies_s: Sequence[float]
) -> dict[str, Any]:
    """The result of `run` at the settings' own latency, with `latency_sweep` added: a row per latency, in order.

    run: an evaluation, called with the settings of each latency; its result has `summary` and `operation`. Raises
    ValueError for no latencies and for negative or repeated ones.
    """
    values = [float(value) for value in latencies_s]
    if not values or not all(np.isfinite(value) and value >= 0 for value in values) or len(set(values)) < len(values):
        raise ValueError(f"latencies are {values}; give different seconds of 0 or more, such as 0,0.2,0.4")
    result = run(settings)
    rows = []
    for latency in values:
        own = abs(latency - settings.latency_seconds) < 1e-9
        swept = result if own else run(replace(settings, latency_seconds=latency))
        totals = swept["rows"]
        rows.append(
            {
                "latency_seconds": latency,
                "episodes": len(totals),
                "successes": sum(row["success"] for row in totals),
                "summary": swept["summary"],
                "operation": {k: v for k, v in swept["operation"].items() if k != "success_by"},
            }
        )
    return result | {"latency_sweep": rows}
