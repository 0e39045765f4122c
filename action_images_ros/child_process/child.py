"""An object in a child process with its own Python environment.

Benchmarks and LeRobot pin versions of MuJoCo, NumPy, PyTorch or OpenCV that this package cannot share. Each has a
virtual environment of its own and is called over a socket pair: the norm for evaluation servers elsewhere, too.
"""

from __future__ import annotations

import os
import socket
import subprocess
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

__all__ = ["Child", "NotInstalledError", "find_python"]


class NotInstalledError(FileNotFoundError):
    """The other environment is missing or does not hold the module."""


def find_python(module: str, *, folder: str, variable: str, install: str) -> Path:
    """The interpreter of another virtual environment, which can import `module`.

    The environment variable `variable` names it, else `FOLDER/bin/python` in the working folder, a folder above it, or
    beside this package. Raises NotInstalledError with the line that installs it.
    """
    named = os.environ.get(variable)
    if named:
        found = [Path(named)]
    else:
        places = [Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents]
        found = [place / folder / "bin/python" for place in places]
    for python in found:
        if python.is_file():
            if any(python.parent.parent.glob(f"lib/python3*/site-packages/{module}")):
                return python
            raise NotInstalledError(f"{python} has no {module}; install it with `{install}`")
    where = f"{variable} is {named}" if named else f"there is no {folder}"
    raise NotInstalledError(f"{module} is not installed ({where}); install it with `{install}`")


class Child:
    """A server script under another interpreter; `call` runs one of its methods.

    Raises RuntimeError when the method raises there or the process ends; its standard error goes to this one's.
    """

    def __init__(self, python: Path, script: Path, environment: dict[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
            self._process = subprocess.Popen(
                [str(python), str(script), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=variables | (environment or {}),
            )
        self._link = Connection(ours.detach())
        self._name = script.stem

    def call(self, method: str, **arguments: Any) -> Any:
        """The result of `method(**arguments)` in the child."""
        try:
            self._link.send((method, arguments))
            kind, *content = self._link.recv()
        except (EOFError, OSError) as error:
            code = self._process.poll()
            raise RuntimeError(f"{self._name} ended (exit code {code}); its own message stands above") from error
        if kind == "error":
            raise RuntimeError(f"{self._name}.{method}: {content[0]}: {content[1]}")
        return content[0]

    def close(self, timeout_s: float = 5.0) -> None:
        """Hang up and wait; the child is killed after `timeout_s`."""
        self._link.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
