"""Options and output shared by several commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[Path | None, typer.Option("--json", help="Write the results to this JSON file.")]
Report = Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")]
CORES = os.cpu_count() or 1
Seed = Annotated[int, typer.Option(help="First seed.")]
Workers = Annotated[int, typer.Option(help="Processes.")]
Model = Annotated[str, typer.Option(help="Name in models/ or folder.")]
Tasks = Annotated[str, typer.Option(help="all, or names separated by commas.")]
ModelThreads = Annotated[int | None, typer.Option(help="CPU threads of the model.")]
Env = Annotated[str, typer.Option(help="cell, or a benchmark in its own environment (docs/benchmarks.md): metaworld.")]


def _refuse_others(options: dict[str, tuple[Any, Any]], what: str) -> None:
    """Raise ValueError for the first option (value, default) that was given though `what` does not use it."""
    for name, (value, default) in options.items():
        if value != default:
            raise ValueError(f"--{name} is {value}, which {what} does not use; leave it out")


def _seconds(name: str, text: str) -> list[float]:
    try:
        return [float(number) for number in _names(text)]
    except ValueError:
        raise ValueError(f"{name} is {text!r}; give seconds separated by commas, such as 0,0.2,0.4") from None


def _height_and_width(text: str, example: str) -> tuple[int, int]:
    height, times, width = text.partition("x")
    if not (times and height.isdigit() and width.isdigit()):
        raise ValueError(f"size is {text!r}; give HxW, for example {example}")
    return int(height), int(width)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(name: str, text: str) -> list[int]:
    try:
        numbers = [int(number) for number in _names(text)]
    except ValueError:
        numbers = []
    if not numbers:
        raise ValueError(f"{name} is {text!r}; give whole numbers separated by commas, such as 2,3")
    return numbers


def _tasks(text: str) -> list[str]:
    from ..cell.tasks.registry import TASKS, find_task

    names = list(TASKS) if text == "all" else _names(text)
    for name in names:
        find_task(name)
    if not names:
        raise ValueError(f"tasks is {text!r}; give all or some of {', '.join(TASKS)}")
    return names


def _conditions(text: str) -> list[str]:
    from ..cell.scene.conditions import CONDITIONS, find_condition

    return list(CONDITIONS) if text == "all" else [find_condition(name).name for name in _names(text)]


def _show(rows: list[dict[str, Any]]) -> None:
    """Rows as a table: the columns of all rows in order of appearance, floats with three digits."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(
            *(
                f"{value:.3g}" if isinstance(value, float) else str(value)
                for value in (row.get(column, "") for column in columns)
            )
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)  # a file has room for every column


def _write(path: Path | None, content: Any) -> None:
    if path is not None:
        from json import dumps

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dumps(content, indent=1) + "\n")


def _lines(rows: list[dict[str, Any]]) -> None:
    """Print rows as aligned columns without truncation."""
    columns = list(rows[0])
    widths = [max(len(name), *(len(str(row[name])) for row in rows)) for name in columns]
    for cells in (columns, *([str(row[name]) for name in columns] for row in rows)):
        typer.echo("  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _scaled(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else f"{scale * value:.3g}"


def _pair(report: dict, name: str) -> str:
    """Median and 95th percentile."""
    if report[f"{name}_median"] is None:
        return "-"
    return f"{report[f'{name}_median']:.1f} ({report[f'{name}_p95']:.1f})"


def _settings(pairs: list[str]) -> dict:
    """Parse setting=value pairs; values are JSON if valid, else text."""
    from json import JSONDecodeError, loads

    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set {pair}: give setting=value, for example steps=8")
        try:
            found[name] = loads(value)
        except JSONDecodeError:
            found[name] = value
    return found
