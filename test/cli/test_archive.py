"""`action-images label` on many recordings and `action-images size`, as a user calls them."""

import functools
import json
import sys
from pathlib import Path

import pytest
from recordings import record, small_episode
from scripted_labeller import scripted

from action_images_ros.cli import main as cli
from action_images_ros.cli.archive import is_many
from action_images_ros.scale import archive


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        """Exit code, stdout and stderr."""
        monkeypatch.setattr(sys, "argv", ["action-images", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


@pytest.fixture
def bags(tmp_path):
    for index in range(2):
        record(tmp_path / "bags" / f"b{index}", small_episode(index, frames=3, size=(16, 16)))
    return tmp_path / "bags"


def test_a_folder_is_labelled_with_a_table_and_the_exit_code_tells_of_failures(tmp_path, bags, run, monkeypatch):
    monkeypatch.setattr(archive, "label_archive", functools.partial(archive.label_archive, make=scripted()))
    code, out, _ = run("label", bags, "--output", tmp_path / "out", "--json", tmp_path / "report.json")
    assert code == 0 and "2 recordings labelled" in out and "6 frames" in out and "1.5" in out
    assert json.loads((tmp_path / "report.json").read_text())["reports"]["b0"]["frames"] == 3
    (bags / "bad.mcap").write_bytes(b"nonsense")
    code, out, err = run("label", bags, "--output", tmp_path / "out")
    assert code == 1 and "2 of them before; 1 failed" in out and "neither MCAP nor sqlite3" in out
    assert "1 recordings could not be labelled" in err and (tmp_path / "out" / "summary.json").is_file()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--output", "{bags}"), "lies inside"),
        (("--output", "{full}"), "holds other files (notes.md)"),
        (("--output", "{out}", "--ray", "127.0.0.1:1"), "Ray"),
        (("--output", "{out}", "--workers", "0"), "workers is 0"),
        (("--output", "{out}", "--model", "none"), "none"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, bags, run, arguments, words):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.md").write_text("")
    places = {"{bags}": bags, "{full}": tmp_path / "full", "{out}": tmp_path / "out"}
    code, _, err = run("label", bags, *(places.get(a, a) for a in arguments))
    assert code == 2 and words in err.splitlines()[-1] and "Traceback" not in err
    assert sorted(p.name for p in bags.iterdir()) == ["b0", "b1"]


def test_recordings_by_name_need_no_work_list_folders_and_workers_do(bags):
    assert not is_many([bags / "b0", bags / "b1"], None, "") and not is_many([Path("gone")], None, "")
    assert is_many([bags], None, "") and is_many([bags / "b0"], 1, "") and is_many([bags / "b0"], None, "local")
    assert is_many([bags / "b0", bags], None, "")


def test_the_size_of_an_archive_is_printed(tmp_path, run):
    code, out, _ = run("size", "--hours", 100, "--days", 2, "--frames-per-second", 10, "--json", tmp_path / "s.json")
    assert code == 0 and "100 h in 600 bags" in out
    assert json.loads((tmp_path / "s.json").read_text())["days"] <= 2
    assert run("size", "--hours", -1)[0] == 2
