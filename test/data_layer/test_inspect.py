"""The report tells what is there and what is wrong with it, and shows where the points fall."""

import json

import cv2
import pytest
from datasets_small import folder_of
from recordings import record, rewritten, shifted, small_episode, tree

from action_images_ros.data.format import Options
from action_images_ros.data.inspect import inspect

EPISODE = small_episode(5, frames=30, size=(32, 32), dt=0.1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", EPISODE)


def test_a_recording_is_described_and_shown(recording, tmp_path):
    before = tree(recording)
    report = inspect(recording, Options(dt=0.1), out=tmp_path)
    json.dumps(report, allow_nan=False)
    assert report["format"] == "rosbag2" and report["problems"] == []
    [entry] = report["recordings"]
    assert entry["seconds"] == pytest.approx(2.9, abs=1e-3) and len(entry["topics"]) == 10
    assert [camera["name"] for camera in entry["cameras"]] == ["left", "right"]
    assert entry["found"]["current_pose"] == "/cell/current_pose"
    [episode] = report["episodes"]
    assert (episode["frames"], episode["gripper_changes"]) == (30, 1) and episode["cameras"][0]["in_view"] == 1
    picture = cv2.imread(episode["picture"])
    assert picture.shape == (2 * 256, 5 * 256, 3)
    assert tree(recording) == before


def test_gaps_and_missing_things_are_problems(recording, tmp_path):
    cut = rewritten(
        recording, tmp_path / "cut", lambda m, c: None if "left/image" in m.topic and 2.05e9 < m.log_ns < 2.95e9 else c
    )
    report = inspect(cut, Options(dt=0.1))
    problems = "\n".join(report["problems"])
    assert "/cell/left/image_raw: 1 gaps at 10.0 Hz, the longest 1.00 s" in problems
    assert "0.90 s missing" in problems and report["episodes"] == []


def test_stamps_of_another_clock_are_told_with_the_distance(recording, tmp_path):
    other = rewritten(recording, tmp_path / "other", lambda m, c: shifted(c, 86400) if "current_pose" in m.topic else c)
    problems = "\n".join(inspect(other, Options(dt=0.1))["problems"])
    assert "/cell/current_pose: header stamps are 86400.0 s ahead" in problems and "--log-time" in problems


def test_a_damaged_recording_is_one_problem_among_whole_ones(recording, tmp_path):
    for name in "ab":
        record(tmp_path / "bags" / name, small_episode(frames=6, size=(16, 16)))
    file = next((tmp_path / "bags" / "a").glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-300])
    report = inspect(tmp_path / "bags")
    assert report["items"] == 2 and len(report["problems"]) == 1 and "cut off" in report["problems"][0]
    assert len(report["episodes"]) == 1


def test_datasets_are_inspected_too(tmp_path):
    report = inspect(folder_of(tmp_path / "cache", [EPISODE, small_episode(6)]), episodes=1)
    assert (report["format"], report["items"], len(report["episodes"])) == ("cache", 2, 1)
