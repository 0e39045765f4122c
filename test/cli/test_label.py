"""`action-images label` and `record` as a user calls them."""

import json
import sys

import pytest
from labelling_small import TruthModel
from recordings import record, small_episode

from action_images_ros.cli import main as cli


@pytest.fixture
def run(monkeypatch, capsys):
    """Exit code, stdout and stderr of a command, the model replaced by one that knows the truth."""
    episode = small_episode(frames=8)
    monkeypatch.setattr("action_images_ros.policy.registry.load_policy", lambda *_, **__: TruthModel(episode))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["action-images", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    call.episode = episode
    return call


def test_a_recording_is_labelled_and_the_table_printed(run, tmp_path):
    source = record(tmp_path / "bag", run.episode)
    code, out, _ = run("label", source, "--output", tmp_path / "out", "--json", tmp_path / "all.json")
    assert code == 0 and "x real time" in out and "mm (p95)" in out
    (report,) = json.loads((tmp_path / "all.json").read_text())["reports"]
    assert report["labelled"] == 8 and report["frames_per_second"] > 0
    assert (tmp_path / "out" / "metadata.yaml").is_file() and (tmp_path / "out.labels.json").is_file()
    code, _, err = run("label", source, "--output", tmp_path / "out")
    assert code == 2 and "exists already" in err


def test_a_bad_recording_does_not_touch_the_others(run, tmp_path):
    good, cut = record(tmp_path / "good", run.episode), record(tmp_path / "cut", run.episode)
    file = next(cut.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-2000])
    (tmp_path / "foreign.mcap").write_text("hello")
    bags = (cut, good, tmp_path / "foreign.mcap", tmp_path / "missing")
    code, out, err = run("label", *bags, "--output", tmp_path / "out")
    assert code == 1 and "good" in out
    assert "cut" in err and "mcap recover" in err and "neither MCAP nor sqlite3" in err and "does not exist" in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good", "good.labels.json"]


def test_options_that_make_no_sense_are_named(run, tmp_path):
    source = record(tmp_path / "bag", run.episode)
    for option, value, words in (
        ("--known-pose", "maybe", "known_pose is 'maybe'"),
        ("--stride", 7, "stride is 7"),
        ("--corrupt", "fog=1", "fog=1"),
        ("--robot", "terminator", "terminator"),
    ):
        code, _, err = run("label", source, "--output", tmp_path / "out", option, value)
        assert code == 2 and words in err, err
    assert not (tmp_path / "out").exists()
