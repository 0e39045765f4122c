"""The live page: on this machine only, its buttons need its key, approval names the chunk that was shown."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from ros_rig import DOWN, extrinsic, info, picture
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from action_images_ros.apps import live_page
from action_images_ros.apps.live_graph import LiveGraph
from action_images_ros.cell.description import cell_urdf
from action_images_ros.cell.scene.scene import JOINT_NAMES
from action_images_ros.control.chunk import Chunk
from action_images_ros.control.states import StateReport
from action_images_ros.display.rerun_log import HAS_RERUN, RerunLog, viewer_command
from action_images_ros.graph.client import GraphError
from action_images_ros.ros.chunk_messages import confidence_message, gripper_message, poses_message
from action_images_ros.ros.conversions import pose_stamped
from action_images_ros.ros.state_messages import state_message

pytestmark = pytest.mark.skipif(not HAS_RERUN, reason="rerun-sdk is not installed (extra live)")


class Client:
    """The graph as the page knows it."""

    def __init__(self):
        self.heard, self.acted = {}, []
        self.diagnostics = {
            "policy": DiagnosticStatus(values=[KeyValue(key="stage_model", value="0.3"), KeyValue(key="x", value="y")])
        }

    def listen(self, name, callback, camera=None):
        self.heard[name, camera] = callback

    def approve(self, chunk_ns=None, timeout=0.0):
        self.acted.append(("approve", chunk_ns))
        return "approved"

    def trigger(self, name, timeout=0.0):
        self.acted.append((name, None))
        if name.endswith("reject"):
            raise GraphError("nothing waits for approval")
        return "stopped"


class FakeViewer:
    """Rerun's server, for tests of the page around it."""

    address, url, running = "", "http://127.0.0.1:1/", True

    def close(self):
        self.running = False


@pytest.fixture
def page(monkeypatch):
    client = Client()
    monkeypatch.setattr(live_page, "Viewer", FakeViewer)
    monkeypatch.setattr(RerunLog, "connect", lambda self, *_: None)
    with live_page.LivePage(client, ("left",)) as page:
        yield page, client


def ask(url, data=None, key=None):
    request = urllib.request.Request(url, data=data, headers={"X-Key": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_is_served_to_this_machine_with_state_and_buttons(page):
    page, client = page
    assert page.url.startswith("http://127.0.0.1:") and page._server.server_address[0] == "127.0.0.1"
    status, text = ask(page.url)
    assert status == 200 and page._key in text and "http://127.0.0.1:1/" in text
    assert all(f'id="{button}"' in text for button in live_page.BUTTONS)
    client.heard["arm_command/state", None](state_message(StateReport("proposed", "look", 7), "arm_command"))
    client.heard["instruction", None](String(data="lift"))
    assert json.loads(ask(page.url + "state")[1]) == {
        "state": "proposed",
        "reason": "look",
        "chunk": "7",
        "instruction": "lift",
        "viewer": "",
    }
    assert ask(page.url + "../etc/passwd")[0] == 404


def test_a_button_needs_the_pages_key_and_approval_a_chunk(page):
    page, client = page
    assert ask(page.url + "stop", b"", "wrong")[0] == 403 and ask(page.url + "stop", b"")[0] == 403
    assert client.acted == []
    assert ask(page.url + "approve", b"", page._key)[0] == 409
    assert ask(page.url + "approve", b"7", page._key) == (200, "approved")
    assert ask(page.url + "stop", b"", page._key) == (200, "stopped")
    assert ask(page.url + "reject", b"", page._key) == (409, "nothing waits for approval")
    assert ask(page.url + "disable", b"", page._key)[0] == 404
    assert client.acted == [("approve", 7), ("arm_command/stop", None), ("arm_command/reject", None)]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_shows_the_state_and_opens_approval(page, tmp_path):
    page, client = page
    client.heard["arm_command/state", None](state_message(StateReport("proposed", "look", 7), "arm_command"))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--timeout=4000"]
    told = subprocess.run(
        ["chromium", *options, "--virtual-time-budget=3000", "--dump-dom", page.url],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert "WAITS FOR APPROVAL" in told and "look" in told
    assert '<button id="approve">' in told and '<button id="enable" disabled="">' in told


def test_what_the_graph_says_is_logged(tmp_path):
    client, log = Client(), RerunLog()
    log.save(tmp_path / "live.rrd", ("left",))
    graph = LiveGraph(client, log, ("left",), "base")

    def hear(name, message, camera=None):
        client.heard[name, camera](message)

    stamp_ns = 5_000_000_000
    poses = np.tile(DOWN, (3, 1))
    chunk = Chunk(stamp_ns, 0.2, poses, np.ones(3), np.eye(6)[None] * np.full((3, 1, 1), 1e-5), np.ones(3, bool))
    hear("robot_description", String(data=cell_urdf("base")))
    hear("current_pose", pose_stamped(DOWN, stamp_ns, "base"))
    joints = JointState(name=list(JOINT_NAMES), position=[0.0, -0.3, 0.0, -2.4, 0.0, 2.1, 0.8, 0.02, 0.02])
    joints.header.stamp.sec = 5
    hear("joint_states", joints)
    hear("<cam>/image_raw", picture(stamp_ns, "left"), "left")
    hear("view/<cam>", picture(stamp_ns, "left"), "left")
    hear("chunk/<cam>/camera_info", info(stamp_ns, "left"), "left")
    hear("chunk/<cam>/pose", extrinsic(stamp_ns, "left"), "left")
    for part, make in (("poses", poses_message), ("gripper", gripper_message), ("confidence", confidence_message)):
        hear(f"chunk/{part}", make(chunk, "base"))
    hear("arm_command/state", state_message(StateReport("faulted", "pushed"), "arm_command"))
    hear("chunk/poses", poses_message(chunk, "elsewhere"))  # complained of by others; ends nothing
    assert graph.failures == 0
    log.flush()
    program = viewer_command(1, 2)[0][0]
    told = subprocess.run(
        [program, "rrd", "print", str(tmp_path / "live.rrd")], capture_output=True, text=True, timeout=120
    ).stdout
    for entity in (
        "/robot/hand",
        "/plan/certainty",
        "/measured",
        "/camera/left/picture",
        "/strip/left",
        "/figures/chunk_age_s",
        "/figures/stage_model",
        "/state",
    ):
        assert entity in told, entity


def test_without_rerun_live_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(live_page, "HAS_RERUN", False)
    with pytest.raises(ValueError, match="live is true.*pip install"), live_page.live_page("cell", (), "base", {}):
        pass
