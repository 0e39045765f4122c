"""Every command that the documentation shows is one that the programs accept; the quick ones are run."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from shown_commands import shown_commands

from action_images_ros.cli import main as cli
from action_images_ros.graph.launching import LABEL_ARGUMENTS, POLICY_ARGUMENTS

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text() if (ROOT / "Makefile").is_file() else ""
SHOWN = shown_commands(ROOT) if (ROOT / "docs").is_dir() else []


class Rejected(Exception):
    """A command line that `action-images` does not accept."""


def parse(words):
    """Parse arguments of `action-images` without running the command; a command's name alone is always accepted."""
    command = typer.main.get_command(cli.app)
    path, rest = [], list(words)
    while hasattr(command, "commands") and rest:
        if rest[0] not in command.commands:
            raise Rejected(f"{' '.join([*path, rest[0]])} is no command; choose one of {', '.join(command.commands)}")
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    if rest:
        try:
            command.make_context(path[-1], rest)
        except typer.Exit:  # --help
            pass
        except Exception as error:
            raise Rejected(error.format_message() if hasattr(error, "format_message") else str(error)) from None


def arguments_of(launch_file):
    return set({"policy.launch.py": POLICY_ARGUMENTS, "label.launch.py": LABEL_ARGUMENTS}[launch_file])


def only(program):
    return [pytest.param(shown, id=f"{shown.page}:{shown.line}") for shown in SHOWN if shown.words[0] == program]


@pytest.mark.parametrize("shown", only("action-images"))
def test_the_command_line_takes_what_is_shown(shown):
    try:
        parse(shown.words[1:])
    except Rejected as error:
        pytest.fail(f"{shown}: {error}")


@pytest.mark.parametrize("shown", [*only("accelerate"), *only("torchrun")])
def test_a_launcher_starts_a_command_that_exists(shown):
    words = shown.words
    module = words.index("-m")
    assert words[module + 1] == "action_images_ros.cli", shown
    parse(words[module + 2 :])


@pytest.mark.parametrize("shown", only("make"))
def test_make_has_the_targets_and_variables_shown(shown):
    targets = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split())
    for word in shown.words[1:]:
        name, assigned, _ = word.partition("=")
        if assigned:
            assert re.search(rf"\b{name}\b", MAKEFILE), shown
        else:
            assert word in targets, shown


@pytest.mark.parametrize("shown", only("ros2"))
def test_launch_files_have_the_arguments_shown(shown):
    verb = shown.words[1]
    if verb == "launch":
        _, _, package, file, *given = shown.words
        assert package == "action_images_ros"
        assert {word.partition(":=")[0] for word in given} <= arguments_of(file), shown


def test_the_documentation_shows_commands():
    assert len(SHOWN) > 80
    with pytest.raises(Rejected):
        parse(["evaluate", "--no-such-option"])
    with pytest.raises(Rejected):
        parse(["no-such-command"])


def run(line, monkeypatch, capsys):
    assert any(shown.text.split("  #")[0].strip() == line for shown in SHOWN), f"{line} is not shown any more"
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as end:
        cli.main()
    captured = capsys.readouterr()
    assert end.value.code in (0, None), captured.err
    return captured.out


def test_the_tutorial_on_labelling_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(
        "action-images collect out/label/demonstrations --tasks lift_block --episodes 1 --seed 600000",
        monkeypatch,
        capsys,
    )
    run("action-images convert out/label/demonstrations out/label/bags --to rosbag2", monkeypatch, capsys)
    run("action-images inspect out/label/bags --out out/label/look", monkeypatch, capsys)
    assert list(Path("out/label/look").rglob("*.png"))
    run("action-images label out/label/bags --output out/label/labelled", monkeypatch, capsys)
    assert list(Path("out/label/labelled").rglob("*.mcap"))


def test_the_commands_of_the_codec_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    K = np.array([[[150.0, 0, 64], [0, 150, 64], [0, 0, 1]]] * 2)
    E = np.tile(np.eye(4), (2, 1, 1))
    E[0, :3] = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 1.2]]
    E[1, :3] = [[0, 0, -1, 1.2], [1, 0, 0, 0], [0, -1, 0, 0.2]]
    actions = np.array([[0.05, 0, 0.2, 0, 0, 0, 1.0]])
    np.savez("actions.npz", actions=actions, K=K, E=E, size=np.array([128, 128]))
    run("action-images encode actions.npz images.npz", monkeypatch, capsys)
    with np.load("images.npz") as drawn:
        np.savez("images.npz", images=drawn["images"], K=K, E=E)
    run("action-images decode images.npz poses.npz", monkeypatch, capsys)
    with np.load("poses.npz") as read:
        np.testing.assert_allclose(read["poses"][0, :3], actions[0, :3], atol=1e-4)


@pytest.mark.parametrize(
    "line, words",
    [
        ("action-images size --hours 10000 --cameras 2 --rate 30 --height 480 --width 640 --days 7", "worker"),
        ("action-images evaluate --model nano --tasks reach_target --episodes 2 --seed 300", "reach_target"),
    ],
)
def test_a_quick_command_runs(line, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert words in run(line, monkeypatch, capsys)
