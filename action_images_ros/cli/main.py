"""The command line `action-images`: a table of commands, each of which imports what it needs when it is called.

What a user can mend (a wrong path, a value out of range) ends with one line on stderr and exit code 2.
"""

from __future__ import annotations

import sys

import typer

from . import archive, benchmark, codec, data, evaluation, graph, label, training, wan  # noqa: F401  (registers commands)
from .app import app


def main() -> None:
    """Entry point: run the command; user errors become one line and exit code 2."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"action-images: {error}", err=True)
        sys.exit(2)
