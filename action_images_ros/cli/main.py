"""The command line `action-images`; each command imports its dependencies when called.

User errors (a wrong path, a value out of range) print one line to stderr and exit with 2.
"""

from __future__ import annotations

import sys

import typer

from . import archive, benchmark, benchmark_robot, calibration, codec, data, evaluation, graph, label, training, wan  # noqa: F401  (registers commands)
from .app import app


def main() -> None:
    """Run the command; user errors print one line to stderr and exit with 2."""
    try:
        app()
    except (ValueError, OSError, OverflowError, MemoryError, RecursionError) as error:
        text = str(error) or type(error).__name__
        typer.echo(f"action-images: {text if len(text) < 4000 else text[:4000] + '..'}", err=True)
        sys.exit(2)
