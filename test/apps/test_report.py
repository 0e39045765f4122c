"""The report is one file that needs nothing else and says what was commanded and what happened."""

import html
import json
import re

import numpy as np
import pytest

from action_images_ros.apps.report import write_report
from action_images_ros.apps.scene_recorder import Recorder, SceneRecord
from action_images_ros.apps.trials import Trial
from action_images_ros.ros.conversions import pose_stamped
from action_images_ros.ros.images import image_from_rgb


def scene(success=True, instruction="lift <the> block"):
    path = [np.array([0.5, 0.01 * i, 0.2]) for i in range(20)]
    record = SceneRecord(positions=path, commands=20, commanded=[p + [0, 0, 0.01] for p in path])
    record.strips = {"left": [b"\xff\xd8one", b"\xff\xd8two"], "right": [b"\xff\xd8three"]}
    return Trial("lift_block", 1, instruction, success, 4.2, 5, 0.3, 0.9, 0), record


def test_the_report_holds_everything_and_links_to_nothing(tmp_path):
    text = write_report(tmp_path / "out" / "demo.html", [scene(), scene(success=False)], "nano").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text) and "http" not in text and "@import" not in text
    assert text.count("data:image/jpeg;base64,") == 6
    assert text.count('class="done"') == 1 and text.count('class="failed"') == 1
    assert "lift &lt;the&gt; block" in text and "<the>" not in text
    assert "10 mm" in text  # between command and measurement
    assert text.count("<polyline") == 2 * 2 * 2
    assert "[hidden]{display:none!important}" in text  # else the moments stand one below the other
    spaces = [json.loads(html.unescape(found)) for found in re.findall(r'data-scene="([^"]*)"', text)]
    assert len(spaces) == 2 and max(len(line["points"]) for line in spaces[0]["lines"]) == 20
    assert spaces[0]["centre"] == pytest.approx([0.5, 0.1, 0.105]) and spaces[0]["span"] == pytest.approx(0.4)


def test_without_a_scene_there_is_no_report(tmp_path):
    with pytest.raises(ValueError, match="no scene"):
        write_report(tmp_path / "demo.html", [], "nano")


def test_a_scene_without_strips_or_commands_is_reported_too(tmp_path):
    trial, _ = scene()
    assert "No strip" in write_report(tmp_path / "demo.html", [(trial, SceneRecord())], "nano").read_text()


def test_the_recorder_keeps_strips_and_commanded_positions():
    class Client:
        def __init__(self):
            self.heard = {}

        def listen(self, name, callback, camera=None):
            self.heard[name, camera] = callback

    client = Client()
    recorder = Recorder(client, ["left"])
    strip = image_from_rgb(np.full((8, 16, 3), 120, np.uint8))
    command = pose_stamped(np.array([0.5, 0, 0.3, 0, 0, 0, 1.0]), 1, "base")
    client.heard["view/<cam>", "left"](strip)  # before it begins nothing is kept
    recorder.begin()
    for _ in range(3):
        client.heard["view/<cam>", "left"](strip)
        client.heard["target_pose", None](command)
    record = recorder.end()
    assert len(record.strips["left"]) == 1 and record.strips["left"][0][:2] == b"\xff\xd8"
    assert record.commands == 3 and record.commanded[0].tolist() == [0.5, 0.0, 0.3]
