"""The table of a campaign as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .run import Outcome

__all__ = ["markdown"]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """One table: fault, what was expected and became of it, mm moved after it, seconds to the hold, what was told."""
    lines = ["| fault | expected | as expected | mm moved | s to hold | told |", "|---|---|---|---|---|---|"]
    for row in outcomes:
        hold = "–" if row.hold_s is None else f"{row.hold_s:.2f}"
        told = (row.problem or row.told).replace("|", "/").replace("\n", " ")
        told = told if len(told) <= 160 else told[:157] + "..."
        stop = "" if row.stop_ms is None else f" (~/stop answered in {row.stop_ms:.0f} ms)"
        good = "yes" if row.good else "**no**"
        lines.append(f"| {row.fault}{stop} | {row.expect} | {good} | {row.moved_mm:.0f} | {hold} | {told} |")
    return "\n".join(lines) + "\n"
