"""The process that serves Rerun's viewer to browsers of this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from ..display.rerun_log import viewer_command

__all__ = ["Viewer", "free_port"]

_GRPC_PORT, _WEB_PORT, _TRIES = 9876, 9090, 20
_START_S = 60.0  # a busy machine reads the 170 MB of the program slowly


def free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on at 127.0.0.1. Raises OSError when none is free."""
    for port in range(first, first + _TRIES):
        if not _listens(port):
            return port
    raise OSError(f"the ports {first} to {first + _TRIES - 1} are taken; end other pages")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Viewer:
    """Rerun's server from construction to `close`; use as a context manager.

    address: what `RerunLog.connect` takes; url: the viewer's page. Raises ValueError without rerun, OSError where no
    port is free or the program ends at once.
    """

    def __init__(self) -> None:
        grpc_port, web_port = free_port(_GRPC_PORT), free_port(_WEB_PORT)
        command, self.address, self.url = viewer_command(grpc_port, web_port)
        end_with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []  # also after kill -9
        self._process = subprocess.Popen(
            [*end_with_us, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._wait(Path(command[0]).name, grpc_port, web_port)
        except BaseException:
            self.close()
            raise

    def _wait(self, name: str, *ports: int) -> None:
        deadline = time.monotonic() + _START_S
        while not all(_listens(port) for port in ports):
            if self._process.poll() is not None:
                raise OSError(f"{name} ended with exit code {self._process.returncode}; run it by hand: {name} --version")
            if time.monotonic() > deadline:
                raise OSError(f"{name} does not listen after {_START_S:.0f} s; end other programs and try again")
            time.sleep(0.05)

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait()

    @property
    def running(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
