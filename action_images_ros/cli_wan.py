"""Commands about the 5 B model that are more than a line: its benchmark, its small decoder, its fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


def register(app: typer.Typer, benchmark: typer.Typer, show, write) -> None:
    """Add the commands. show(rows) prints a table, write(path, content) a JSON file."""

    @benchmark.command("pipeline")
    def benchmark_pipeline(
        model: Annotated[str, typer.Option(help="Model folder of the wan backend; empty: random weights.")] = "",
        random: Annotated[str, typer.Option(help="Their configuration: auto (5b with a GPU), 5b or tiny.")] = "auto",
        rungs: Annotated[bool, typer.Option("--rungs", help="A row for every lever, not only first and last.")] = False,
        repeats: Annotated[int, typer.Option(help="Chunks measured per row.")] = 3,
        change: Annotated[list[str] | None, typer.Option("--set", help="setting=value, as in settings.json.")] = None,
        json: Json = None) -> None:
        """The 5 B model's published protocol and the fast path, stage by stage, in one process."""
        from .evaluation.pipeline import STAGES, pipeline_table

        result = pipeline_table(model or None, size=random, all_rungs=rungs, repeats=repeats,
                                changes=_settings(change or []),
                                progress=lambda line: typer.echo(f"  {line}", err=True))
        typer.echo(f"{result['what']}; {result['device']}")
        shown = ("name", "frames", "steps", *STAGES, "step", "first", "all", "first_ratio", "all_ratio")
        show([{key: row[key] for key in shown} for row in result["rows"]])
        write(json, result)


def _settings(pairs: list[str]) -> dict:
    """setting=value pairs; values are JSON where they can be read as such."""
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
