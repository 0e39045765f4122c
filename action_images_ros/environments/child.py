"""The benchmarks' own virtual environment (`make benchmarks`), in which each runs as a child process."""

from __future__ import annotations

from pathlib import Path

from ..child_process.child import Child, NotInstalledError, find_python

__all__ = ["INSTALL_LINE", "BenchmarkNotInstalledError", "Child", "benchmarks_python"]

INSTALL_LINE = "make benchmarks"
"""What installs the benchmarks' environment."""
BenchmarkNotInstalledError = NotInstalledError


def benchmarks_python(module: str) -> Path:
    """The interpreter of the benchmarks' environment, which can import `module`; see `find_python`.

    The environment variable ACTION_IMAGES_BENCHMARKS_PYTHON names it, else it is that of `.venv-benchmarks`.
    """
    return find_python(
        module, folder=".venv-benchmarks", variable="ACTION_IMAGES_BENCHMARKS_PYTHON", install=INSTALL_LINE
    )
