"""A labelling that was killed goes on where it was, and memory does not grow with the recording."""

import subprocess
import sys
from pathlib import Path

import pytest
from labelling_small import TruthModel
from recordings import record, small_episode

import action_images_ros
from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.labelling.offline import LabelOptions, label_bag

SUPPORT = str(Path(__file__).parents[1] / "support")
ROOT = str(Path(action_images_ros.__file__).parents[1])
HEAD = f"import sys; sys.path[:0] = [{SUPPORT!r}, {ROOT!r}]\n"
KILLED = (
    HEAD
    + """
import os, signal
from labelling_small import TruthModel
from recordings import small_episode
from action_images_ros.labelling.offline import LabelOptions, label_bag

class Dying(TruthModel):
    def label(self, *arguments, **options):
        if len(self.seen) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().label(*arguments, **options)

label_bag(sys.argv[1], sys.argv[2], Dying(small_episode(frames=16)), LabelOptions(batch=1))
"""
)
MEMORY = (
    HEAD
    + """
import numpy as np
from action_images_ros.labelling.offline import LabelOptions, label_bag
from action_images_ros.policy.card import ModelCard

class Blank:
    card = ModelCard("blank", (48, 64), 5, 0.2)
    def label(self, clips, *, steps=1, seed=0):
        return np.zeros(clips.images.shape, np.uint8)

def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) * 1024

for source in sys.argv[1:]:
    label_bag(source, source + ".out", Blank(), LabelOptions(stride=4, batch=2))
    print(peak())
"""
)


def _run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )


def _messages(path):
    with Bag(path) as bag:
        return list(bag.messages())


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "source", small_episode(frames=16))


def test_a_killed_labelling_goes_on_where_it_was(source, tmp_path):
    assert _run(KILLED, source, tmp_path / "out").returncode == -9
    assert [path.name for path in tmp_path.iterdir()] == [".out.labels"]  # nothing half done under the name
    model = TruthModel(small_episode(frames=16))
    report = label_bag(source, tmp_path / "out", model, LabelOptions(batch=1))
    assert report["windows_resumed"] == 3 and len(model.seen) == report["windows"] - 3
    whole = tmp_path / "whole"
    label_bag(source, whole, TruthModel(small_episode(frames=16)), LabelOptions(batch=1))
    assert _messages(tmp_path / "out") == _messages(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out.labels.json", "whole", "whole.labels.json"}


def test_what_was_made_with_other_options_is_not_taken_up(source, tmp_path):
    _run(KILLED, source, tmp_path / "out")
    report = label_bag(source, tmp_path / "out", TruthModel(small_episode(frames=16)), LabelOptions(batch=1, seed=1))
    assert report["windows_resumed"] == 0


def test_memory_does_not_grow_with_the_recording(tmp_path):
    """The long one holds 30 MB more of pictures."""
    short = record(tmp_path / "short", small_episode(frames=30, size=(96, 160)))
    long = record(tmp_path / "long", small_episode(frames=360, size=(96, 160)))
    result = _run(MEMORY, short, long)
    assert result.returncode == 0, result.stderr
    before, after = map(int, result.stdout.split())
    assert after - before < 12e6
