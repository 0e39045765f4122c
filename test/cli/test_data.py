"""`action-images convert` and `inspect` as a user calls them."""

import json
import sys

import pytest
from datasets_small import folder_of
from recordings import record, small_episode

from action_images_ros.cli import main as cli


def run(*arguments, monkeypatch, capsys):
    """Exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["action-images", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    captured = capsys.readouterr()
    return end.value.code, captured.out, captured.err


def test_recordings_become_a_training_cache(tmp_path, monkeypatch, capsys):
    record(tmp_path / "bags" / "demo", small_episode(3, frames=6, size=(32, 48)))
    code, out, _ = run(
        "convert",
        tmp_path / "bags",
        tmp_path / "cache",
        "--size",
        "24x24",
        "--json",
        tmp_path / "report.json",
        monkeypatch=monkeypatch,
        capsys=capsys,
    )
    assert code == 0 and "1 episodes in" in out and "0 left out" in out
    assert json.loads((tmp_path / "report.json").read_text())["episodes"] == 1
    code, out, _ = run("inspect", tmp_path / "cache", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and "24x24" in out and "reach the red ball" in out


def test_what_was_left_out_is_told_and_the_exit_code_says_so(tmp_path, monkeypatch, capsys):
    record(tmp_path / "bags" / "good", small_episode(3, frames=6, size=(16, 16)))
    record(tmp_path / "bags" / "short", small_episode(4, frames=3, size=(16, 16)))
    code, out, err = run("convert", tmp_path / "bags", tmp_path / "cache", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 1 and "1 episodes in" in out and "left out: short: " in err and "fewer than 5" in err


def test_names_of_topics_are_shown_whole(tmp_path, monkeypatch, capsys):
    path = record(tmp_path / "demo", small_episode(3, frames=6, size=(16, 16)))
    code, out, _ = run(
        "inspect",
        path,
        "--out",
        tmp_path / "pictures",
        "--json",
        tmp_path / "report.json",
        monkeypatch=monkeypatch,
        capsys=capsys,
    )
    assert code == 0 and "/cell/right/camera_info" in out and "pictures: " in out
    assert list((tmp_path / "pictures").glob("*.png")) and json.loads((tmp_path / "report.json").read_text())


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("nowhere", "x"), "nowhere does not exist"),
        (("{cache}", "{cache}"), "exists already"),
        (("{cache}", "x", "--to", "hdf5"), "format is 'hdf5'"),
        (("{cache}", "x", "--size", "big"), "size is 'big'"),
        (("{cache}", "x", "--dt", "0.1"), "only recordings"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, arguments, words, monkeypatch, capsys):
    cache = folder_of(tmp_path / "cache", [small_episode(frames=2, size=(16, 16))])
    arguments = [
        a.replace("{cache}", str(cache))
        if "{" in a or a.startswith("-") or a[0].isdigit() or a in ("hdf5", "big")
        else str(tmp_path / a)
        for a in arguments
    ]
    code, _, err = run("convert", *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2 and words in err and "Traceback" not in err
