"""`action-images up --live`: the running graph in a browser of this machine, with buttons to approve, reject and stop.

Rerun shows strips, 3D scene and figures; the page around it talks to the graph. Both are served on 127.0.0.1 only, and
a button works only with the key that the page was given.
"""

from __future__ import annotations

import html
import json
import secrets
import shutil
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions

from ..display.rerun_log import HAS_RERUN, INSTALL_RERUN, RerunLog
from ..graph.client import GraphClient, GraphError
from ..graph.commands import act
from .live_graph import LiveGraph
from .viewer import Viewer, free_port

__all__ = ["LivePage", "live_page", "main"]

BUTTONS = ("approve", "reject", "stop", "enable")
_PORT = 8090
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>action-images</title><style>
body{margin:0;background:#181a1e;color:#eee;font:16px system-ui,sans-serif}
body{display:flex;flex-direction:column;height:100vh}
header{display:flex;gap:12px;align-items:center;padding:8px 12px}
#state{padding:6px 14px;border-radius:4px;background:#a0aab4;color:#111;font-weight:600}
#words{flex:1;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
button{font:600 16px system-ui;padding:10px 22px;border:0;border-radius:4px;color:#111;cursor:pointer}
button:disabled{opacity:.3;cursor:default}#approve{background:#3cd25a}#reject{background:#f5aa32}
#stop{background:#e63c3c;color:#fff}#enable{background:#96bedc}iframe{flex:1;border:0}</style></head><body>
<header><span id="state">..</span><span id="words"></span>
<button id="enable">Enable</button><button id="approve">Approve</button><button id="reject">Reject</button>
<button id="stop">STOP</button></header><iframe src="VIEWER"></iframe><script>
const key="KEY",by=id=>document.getElementById(id);let chunk="";
const colours={proposed:"#ffb428",executing:"#3cd25a",holding:"#eb963c",faulted:"#e63c3c",stopped:"#e63c3c"};
for(const name of ["approve","reject","stop","enable"])by(name).onclick=async()=>{
 const r=await fetch("/"+name,{method:"POST",headers:{"X-Key":key},body:name=="approve"?chunk:""});
 by("words").textContent=await r.text()};
async function look(){try{const s=await(await fetch("/state")).json();chunk=s.chunk;
 by("state").textContent=s.state=="proposed"?"WAITS FOR APPROVAL":(s.state||"no arm").toUpperCase();
 by("state").style.background=colours[s.state]||"#a0aab4";
 by("words").textContent=(s.instruction?'"'+s.instruction+'"  ':"")+(s.viewer||s.reason);
 by("approve").disabled=by("reject").disabled=s.state!="proposed";
 by("enable").disabled=!["disabled","faulted","stopped"].includes(s.state);
 }catch(e){by("state").textContent="GRAPH LOST"}setTimeout(look,400)}look();</script></body></html>"""


class LivePage:
    """Serves the page, the viewer and what the graph says. Use as a context manager; `url` is the page's address."""

    def __init__(self, client: GraphClient, cameras: tuple[str, ...], base_frame: str = "base") -> None:
        self._client, self._key = client, secrets.token_urlsafe(16)
        self._server = ThreadingHTTPServer(("127.0.0.1", free_port(_PORT)), self._handler())
        try:
            self.viewer = Viewer()
        except BaseException:
            self._server.server_close()
            raise
        self._log = RerunLog()
        self._log.connect(self.viewer.address, cameras)
        self.graph = LiveGraph(client, self._log, cameras, base_frame)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5.0)
        self.graph.close()
        self._log.close()
        self.viewer.close()

    def __enter__(self) -> LivePage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def told(self) -> dict[str, str]:
        """What the page asks for twice a second: state, reason, chunk, instruction of the graph, a failed viewer."""
        ended = "" if self.viewer.running else "the viewer has ended: start action-images up --live again"
        return {**self.graph.told(), "viewer": ended}

    def _press(self, button: str, key: str, chunk: str) -> tuple[HTTPStatus, str]:
        """What a button does: the services of arm_command, approval by the id of the chunk that the page showed."""
        if not secrets.compare_digest(key, self._key):
            return HTTPStatus.FORBIDDEN, "the key is wrong; reload the page"
        if button not in BUTTONS:
            return HTTPStatus.NOT_FOUND, f"{button} is no button; use one of {', '.join(BUTTONS)}"
        if button == "approve" and not chunk.isdecimal():
            return HTTPStatus.CONFLICT, "nothing waits for approval"
        try:
            return HTTPStatus.OK, act(self._client, button, chunk if button == "approve" else "", timeout=5.0)
        except (GraphError, ValueError) as error:
            return HTTPStatus.CONFLICT, str(error)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain") -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                if self.path == "/":
                    text = _PAGE.replace("VIEWER", html.escape(page.viewer.url)).replace("KEY", page._key)
                    self._answer(HTTPStatus.OK, text, "text/html")
                elif self.path == "/state":
                    self._answer(HTTPStatus.OK, json.dumps(page.told()), "application/json")
                else:
                    self._answer(HTTPStatus.NOT_FOUND, "nothing here; the page is at /")

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), 100)
                body = self.rfile.read(length).decode("ascii", "replace")
                self._answer(*page._press(self.path.lstrip("/"), self.headers.get("X-Key", ""), body))

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@contextmanager
def live_page(
    namespace: str, cameras: Sequence[str], base_frame: str, environment: dict[str, str], *, browser: bool = False
) -> Iterator[None]:
    """The page in a process of its own, at low priority, for as long as the context lasts. ValueError without rerun.

    browser: opens the user's browser there.
    """
    if not HAS_RERUN:
        raise ValueError(f"live is true and {INSTALL_RERUN}")
    command = [sys.executable, "-P", "-m", "action_images_ros.apps.live_page", namespace, base_frame, *cameras]
    if browser:
        command.append("--open")
    nice = [] if shutil.which("nice") is None else ["nice", "-n", "5"]
    page = subprocess.Popen([*nice, *command], env=environment, stdin=subprocess.PIPE, process_group=0)
    try:
        yield
    finally:
        page.stdin.close()  # type: ignore[union-attr]
        try:
            page.wait(timeout=20.0)
        except subprocess.TimeoutExpired:
            page.terminate()
            page.wait()


def main(argv: list[str] | None = None) -> int:
    """Serve until the input closes: `python -m action_images_ros.apps.live_page NAMESPACE BASE CAMERA.. [--open]`."""
    given = list(sys.argv[1:] if argv is None else argv)
    namespace, base_frame, *cameras = (word for word in given if word != "--open")
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    try:
        with (
            GraphClient(namespace, context=context, name="action_images_page") as client,
            LivePage(client, tuple(cameras), base_frame) as page,
        ):
            others = " and ".join(map(str, page.viewer.ports))
            print(f"live page: {page.url} (through an SSH tunnel: its port, {others} too)", flush=True)
            if "--open" in given:
                webbrowser.open(page.url)
            while sys.stdin.read(1):  # whoever started this closes it by ending
                time.sleep(0.1)
    except KeyboardInterrupt:
        pass
    except (OSError, ValueError) as error:
        print(f"live page: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        context.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
