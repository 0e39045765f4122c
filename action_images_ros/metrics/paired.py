"""Paired comparison of success on the same seeds: a condition against nominal, a model against another.

Both sides have the same scene, start and object per seed, so only discordant seeds carry information: McNemar's exact
test (the two-sided binomial test of `lost` against `won` at one half).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

__all__ = ["ALL", "against_nominal", "compare_files", "paired"]

ALL = "all"
NOMINAL = "nominal"
Row = dict[str, Any]


def paired(before: Iterable[Row], after: Iterable[Row]) -> list[Row]:
    """One entry per task, and one for "all" where there are several, from rows with task, seed and success.

    episodes: seeds that both have; before, after: successes among them; lost: succeeded before only; won: after only;
    p: probability of discordant counts this uneven or more so if there were no difference.
    """
    first = {(row["task"], row["seed"]): bool(row["success"]) for row in before}
    pairs = [
        (row["task"], first[row["task"], row["seed"]], bool(row["success"]))
        for row in after
        if (row["task"], row["seed"]) in first
    ]
    tasks = list(dict.fromkeys(task for task, _, _ in pairs))
    entries = []
    for task in tasks + [ALL] * (len(tasks) > 1):
        outcomes = [(old, new) for name, old, new in pairs if task in (name, ALL)]
        lost, won = outcomes.count((True, False)), outcomes.count((False, True))
        entries.append(
            {
                "task": task,
                "episodes": len(outcomes),
                "before": sum(old for old, _ in outcomes),
                "after": sum(new for _, new in outcomes),
                "lost": lost,
                "won": won,
                "p": binomtest(lost, lost + won, 0.5).pvalue if lost + won else 1.0,
            }
        )
    return entries


def against_nominal(rows: list[Row]) -> list[Row]:
    """Every other condition among the rows against the nominal one: the entries of `paired` with "condition"."""
    by_condition = _by_condition(rows)
    nominal = by_condition.pop(NOMINAL, [])
    return [{"condition": name} | entry for name, of_name in by_condition.items() for entry in paired(nominal, of_name)]


def compare_files(first: str | Path, second: str | Path) -> list[Row]:
    """Two files of `evaluate --json` against each other, condition by condition, on the seeds that both hold.

    The entries of `paired` with "condition"; before is the first file. Raises FileNotFoundError and ValueError.
    """
    before, after = (_by_condition(_read_rows(Path(path))) for path in (first, second))
    entries = [
        {"condition": name} | entry for name in before if name in after for entry in paired(before[name], after[name])
    ]
    if not entries:
        raise ValueError(
            f"{first} and {second} have no seed of a task and condition in common: evaluate both with the "
            "same --seed, --tasks and --condition"
        )
    return entries


def _by_condition(rows: list[Row]) -> dict[str, list[Row]]:
    result: dict[str, list[Row]] = {}
    for row in rows:
        result.setdefault(row.get("condition", NOMINAL), []).append(row)
    return result


def _read_rows(path: Path) -> list[Row]:
    try:
        rows: list[Row] = json.loads(path.read_text())["rows"]
        for row in rows:
            row["task"], row["seed"], row["success"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no result of `action-images evaluate --json` ({error!r})") from error
    return rows
