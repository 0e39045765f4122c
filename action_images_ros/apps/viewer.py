"""Rerun's viewer for browsers of this machine: the program that holds the data, and its page, kept off the network.

The page as the program serves it asks three hosts of the internet for fonts, news and statistics. It is passed on
with a content security policy that allows this machine only.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..display.rerun_log import viewer_command

__all__ = ["Viewer", "free_port"]

_GRPC_PORT, _WEB_PORT, _PAGE_PORT, _TRIES = 9876, 9090, 8190, 20
_START_S = 60.0  # a busy machine reads the 170 MB of the program slowly
_PASSED = ("Content-Type", "Content-Encoding", "Content-Length", "rerun-final-length")


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

    address: what `RerunLog.connect` takes; url: the viewer's page; ports: that a
    browser elsewhere needs. Raises ValueError without rerun, OSError where no
    port is free or the program ends at once.
    """

    def __init__(self) -> None:
        grpc_port, web_port = free_port(_GRPC_PORT), free_port(_WEB_PORT)
        command, self.address = viewer_command(grpc_port, web_port)
        end_with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []  # also after kill -9
        self._process = subprocess.Popen(
            [*end_with_us, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._page: ThreadingHTTPServer | None = None
        try:
            self._wait(Path(command[0]).name, grpc_port, web_port)
            self._page = ThreadingHTTPServer(("127.0.0.1", free_port(_PAGE_PORT)), _relay(web_port, grpc_port))
        except BaseException:
            self.close()
            raise
        self._page.daemon_threads = True
        threading.Thread(target=self._page.serve_forever, name="viewer", daemon=True).start()
        self.ports = self._page.server_address[1], grpc_port
        self.url = (
            f"http://127.0.0.1:{self.ports[0]}/?url={quote(self.address, safe='')}"
            "&hide_welcome_screen=1&theme=dark&persist=0"
        )

    def _wait(self, name: str, *ports: int) -> None:
        deadline = time.monotonic() + _START_S
        while not all(_listens(port) for port in ports):
            code = self._process.poll()
            if code is not None:
                raise OSError(f"{name} ended with exit code {code}; run it by hand: {name} --version")
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
        if self._page is not None:
            self._page.shutdown()
            self._page.server_close()
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


def _relay(web_port: int, grpc_port: int) -> type[BaseHTTPRequestHandler]:
    """Passes the viewer's page on with a policy that lets it reach nothing but this machine."""
    policy = (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; "
        f"connect-src 'self' data: blob: http://127.0.0.1:{grpc_port}"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = urllib.request.Request(f"http://127.0.0.1:{web_port}{self.path}")
            request.add_header("Accept-Encoding", self.headers.get("Accept-Encoding", ""))
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
                    self.send_response(answer.status)
                    for name in _PASSED:
                        if answer.headers[name]:
                            self.send_header(name, answer.headers[name])
                    self.send_header("Content-Security-Policy", policy)
                    self.end_headers()
                    shutil.copyfileobj(answer, self.wfile)
            except urllib.error.HTTPError as error:
                self.send_error(error.code)
            except urllib.error.URLError:
                self.send_error(HTTPStatus.BAD_GATEWAY, "the viewer has ended")
            except ConnectionError:  # the browser has left
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
