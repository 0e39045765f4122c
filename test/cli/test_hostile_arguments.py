"""Arguments that no command can mean: one line, exit code 2, no traceback, before anything is done.

The table is made of the commands themselves: a command that is added is in it.
"""

import inspect
import os
import socket
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import typer
import yaml

from action_images_ros.cli import main as cli
from action_images_ros.cli.app import app
from action_images_ros.cli.arguments import RANGES, check_arguments
from action_images_ros.interfaces.instruction import MAX_CHARACTERS


def _commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _kinds(application, path=()):
    """Command -> parameter -> int, float, str, Path or bool."""
    found = {}
    for info in application.registered_commands:
        name = info.name or info.callback.__name__.replace("_", "-")
        parameters = inspect.signature(info.callback, eval_str=True).parameters.values()
        found[*path, name] = {parameter.name: _kind(parameter.annotation) for parameter in parameters}
    for group in application.registered_groups:
        found |= _kinds(group.typer_instance, (*path, group.name))
    return found


def _kind(annotation):
    if annotation in (int, float, str, Path, bool):
        return annotation
    return next((kind for part in typing.get_args(annotation) if (kind := _kind(part)) is not None), None)


GROUP = typer.main.get_command(app)
COMMANDS = dict(_commands(GROUP))
KINDS = _kinds(app)


def _words(command, parameter, value, folder):
    """The command line with one value; positional arguments keep their order."""
    words = []
    for other in command.params:
        if other is parameter:
            words += [other.opts[0], value] if other.param_type_name == "option" else [value]
        elif other.required:
            filler = str(folder / "new") if other.name in ("out", "output", "target", "directory") else str(folder)
            words += [other.opts[0], filler] if other.param_type_name == "option" else [filler]
    return words


def _refused(words):
    """The line that `main` prints: commands are called as there, without building all of them anew."""
    with pytest.raises(Exception) as refused:
        GROUP.main(words, standalone_mode=False)
    if getattr(refused.value, "exit_code", 0) == 2:  # by the option's own range
        return refused.value.format_message() if hasattr(refused.value, "format_message") else str(refused.value)
    line = str(refused.value)
    assert isinstance(refused.value, ValueError | OSError), repr(refused.value)
    assert "\n" not in line and " is " in line and len(line) < 600, line
    return line


NUMBERS = {int: ["1000000000000000000", "-1000000000000000"], float: ["nan", "inf", "-inf", "1e18"]}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_number_that_none_can_mean_is_refused(path, tmp_path, monkeypatch):
    command = COMMANDS[path]
    for parameter in command.params:
        for value in NUMBERS.get(KINDS[path].get(parameter.name), []):
            _refused([*path, *_words(command, parameter, value, tmp_path)])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_fifo_a_socket_and_an_unwritable_place_are_refused(path, tmp_path, monkeypatch):
    command, fifo, place = COMMANDS[path], tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    place.write_text("")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)
        listener.bind("socket")
        for parameter in command.params:
            if KINDS[path].get(parameter.name) is not Path:
                continue
            for value in (fifo, tmp_path / "socket"):
                _refused([*path, *_words(command, parameter, str(value), tmp_path)])
            if parameter.name in ("json", "json_path", "log", "out", "output", "target", "figures", "sheets"):
                words = _words(command, parameter, str(place / "below" / "x"), tmp_path)
                assert "cannot be written" in _refused([*path, *words])
            if parameter.name in ("json", "json_path"):
                assert "a folder" in _refused([*path, *_words(command, parameter, str(tmp_path), tmp_path)])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_text_without_end_is_refused_by_name(path, tmp_path, monkeypatch):
    command = COMMANDS[path]
    for parameter in command.params:
        if KINDS[path].get(parameter.name) is str and not parameter.multiple:
            for value in ("x" * 10_000_000, "a\x1b[31mb"):
                _refused([*path, *_words(command, parameter, value, tmp_path)])


@pytest.mark.parametrize(
    "values, words",
    [
        ({"workers": 10_000}, "workers is 10000"),
        ({"workers": -1}, "workers is -1"),
        ({"episodes": 10**12}, "episodes is 1000000000000"),
        ({"episodes": 0}, "episodes is 0"),
        ({"time_limit": float("nan")}, "time_limit is nan"),
        ({"instruction": "x" * (MAX_CHARACTERS + 1)}, "instruction is"),
        ({"json": Path("/proc/nowhere/x.json")}, "json is"),
        ({"out": Path("/proc/x")}, "out is"),
        ({"source": Path("a\0b")}, "source is"),
    ],
)
def test_each_kind_is_named_with_its_value(values, words):
    with pytest.raises(ValueError, match=words):
        check_arguments(values)


def test_what_a_command_assumes_where_nothing_is_said_passes():
    for path, command in _commands(typer.main.get_command(app)):
        assumed = {parameter.name: parameter.default for parameter in command.params}
        numbers = {name: value for name, value in assumed.items() if isinstance(value, int | float)}
        try:
            check_arguments(numbers)
        except ValueError as error:
            pytest.fail(f"{' '.join(path)}: {error}")


def test_what_is_meant_passes(tmp_path):
    check_arguments({name: least if least else most for name, (least, most) in RANGES.items() if name != "workers"})
    check_arguments({"workers": 10_000, "ray": "auto", "json": tmp_path / "a" / "b.json", "log": Path("/dev/null")})
    check_arguments({"success": True, "bags": [tmp_path], "model": "nano", "seed": 0, "json_path": None})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["up", "--namespace", "a b", "--robot", "franka"],
        ["up", "--params-file", "BOMB"],
        ["up", "--robot", "BOMB"],
        ["up", "--params-file", "FIFO"],
        ["sros2-policy", "--robot", "nobody"],
        ["tell", "say", "x" * 5000],
    ],
    ids=" ".join,
)
def test_hostile_files_and_names_end_in_one_line(words, tmp_path, monkeypatch):
    bomb, fifo = tmp_path / "bomb.yaml", tmp_path / "fifo.yaml"
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 10))
    bomb.write_text(f"l0: &l0 [x]\n{levels}")
    os.mkfifo(fifo)
    monkeypatch.chdir(tmp_path)
    _refused([{"BOMB": str(bomb), "FIFO": str(fifo)}.get(word, word) for word in words])


def test_a_process_of_its_own_ends_with_2_and_without_a_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "action_images_ros.cli", "collect", str(tmp_path / "new"), "--workers", "10000"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "workers is 10000" in done.stderr
    assert not (tmp_path / "new").exists()


def test_two_trainings_of_one_folder_are_not_begun(tmp_path, monkeypatch, capsys):
    from action_images_ros.safe_files import FolderLock

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({}))
    words = ["train", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    with FolderLock(tmp_path, "train to run", name=".run.lock"):
        monkeypatch.setattr(sys, "argv", ["action-images", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 2 and "written by another process" in capsys.readouterr().err
