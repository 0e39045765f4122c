"""Results of the closed loop: success rates with intervals, the result file, progress and the printed table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from ..cell.scene.conditions import NOMINAL
from ..metrics.intervals import wilson
from ..metrics.operation import operation_figures
from ..metrics.paired import ALL, against_nominal
from ..safe_files import write_text

__all__ = ["cell_result", "print_table", "success_bar", "summarise", "write_result"]


def cell_result(head: dict, rows: list[dict]) -> dict:
    """Settings, success per task and condition, comparison with nominal, operation figures and rows."""
    nominal = [row for row in rows if row["condition"] == NOMINAL.name]
    return {
        "settings": head,
        "summary": summarise(rows),
        "comparison": against_nominal(rows),
        "operation": operation_figures(nominal, head["time_limit"]) if nominal else None,
        "rows": rows,
    }


def summarise(rows: list[dict]) -> list[dict]:
    """One entry per task and condition: episodes, successes, rate with its 95 % Wilson interval, median seconds and
    chunk time."""
    summary = []
    for task, condition in dict.fromkeys((row["task"], row["condition"]) for row in rows):
        of_task = [row for row in rows if (row["task"], row["condition"]) == (task, condition)]
        successes = sum(row["success"] for row in of_task)
        low, high = wilson(successes, len(of_task))
        summary.append(
            {
                "task": task,
                "condition": condition,
                "episodes": len(of_task),
                "successes": successes,
                "rate": successes / len(of_task),
                "low": round(low, 4),
                "high": round(high, 4),
                "wrong_object": sum(row["wrong_object"] for row in of_task),
                "median_seconds": median(row["seconds"] for row in of_task),
                "median_chunk_seconds": median(row["chunk_seconds"] for row in of_task),
            }
        )
    return summary


def write_result(path: Path, result: dict) -> None:
    """Write a result as JSON; the file is whole at any moment."""
    write_text(path, json.dumps(result, indent=1) + "\n")


@contextmanager
def success_bar(what: str, total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Progress of episodes on stderr unless quiet: call what it gives with the successes so far, once per episode."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[so_far]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        bar = progress.add_task(what, total=total, so_far="")
        yield lambda so_far: progress.update(bar, advance=1, so_far=so_far)


def print_table(result: dict) -> None:
    """Print the summary; with several conditions the comparison with nominal."""
    from rich.console import Console
    from rich.table import Column, Table

    head = result["settings"]
    last = head["seed"] + head["episodes"] - 1
    title = " ".join(filter(None, (head["mode"], head["model"], f"seeds {head['seed']}..{last}")))
    if len(head["conditions"]) > 1:
        table = _condition_table(result, title)
    else:
        table = Table(
            Column("task", no_wrap=True),
            "success",
            "rate",
            "95 % interval",
            "wrong",
            "median s",
            "s per chunk",
            title=title,
        )
        for row in result["summary"]:
            table.add_row(
                row["task"],
                f"{row['successes']}/{row['episodes']}",
                f"{100 * row['rate']:.0f} %",
                f"{100 * row['low']:.0f}-{100 * row['high']:.0f} %",
                str(row["wrong_object"]),
                f"{row['median_seconds']:.1f}",
                f"{row['median_chunk_seconds']:.2f}",
            )
    Console().print(table)


def _condition_table(result: dict, title: str):
    """Success per task and condition and against nominal on the same seeds; fits 80 columns."""
    from rich.table import Table

    table = Table("task", "condition", "success (95 %)", "lost", "won", "p", title=title, show_edge=False)
    pairs = {(pair["task"], pair["condition"]): pair for pair in result["comparison"]}
    rows = [(row["task"], row["condition"], row["successes"], row["episodes"]) for row in result["summary"]]
    rows += [(*key, pair["after"], pair["episodes"]) for key, pair in pairs.items() if key[0] == ALL]
    for task, condition, successes, episodes in rows:
        low, high = wilson(successes, episodes)
        pair = pairs.get((task, condition))
        table.add_row(
            task,
            condition,
            f"{successes}/{episodes} {100 * successes / episodes:.0f} % ({100 * low:.0f}-{100 * high:.0f})",
            *([str(pair["lost"]), str(pair["won"]), f"{pair['p']:.2g}"] if pair else []),
        )
    return table
