"""The viewer's process: on ports of this machine that are free, gone with us, never waited for in vain."""

import re
import socket
import urllib.request

import pytest

from action_images_ros.apps import viewer
from action_images_ros.display.rerun_log import HAS_RERUN


@pytest.mark.skipif(not HAS_RERUN, reason="rerun-sdk is not installed (extra live)")
def test_the_viewer_takes_free_ports_and_ends_with_its_context():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        assert first < viewer.free_port(first) < first + 20
    with viewer.Viewer() as shown:
        assert shown.running and shown.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(shown.url.split("?")[0], timeout=60) as page:
            assert page.status == 200 and b"re_viewer.js" in page.read()
            allowed = page.headers["Content-Security-Policy"]
        assert not re.search(r"https:|\*", allowed) and "default-src 'self'" in allowed
    assert not shown.running


@pytest.mark.parametrize("ports_are_taken", [False, True])
def test_a_viewer_that_cannot_start_is_one_clear_error(monkeypatch, ports_are_taken):
    monkeypatch.setattr(viewer, "viewer_command", lambda *_: (["false"], ""))
    monkeypatch.setattr(viewer, "_listens", lambda port: ports_are_taken)
    with pytest.raises(OSError, match="taken" if ports_are_taken else "exit code 1"):
        viewer.Viewer()
