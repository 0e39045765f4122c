"""Progress of long computations: one kind of callback, called with a line of text for the user."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str], object]


def silent(line: str) -> None:
    """Report nothing: the default."""
