"""Options of commands come from dataclasses."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

import action_images_ros.cli as package
from action_images_ros.cli import main as cli
from action_images_ros.cli.options import RecordingOptions, options_from_dataclasses, reader_options

MODULES = [found for found in pkgutil.iter_modules(package.__path__) if found.name != "__main__"]


@dataclass(frozen=True)
class Size:
    height: Annotated[int, typer.Option("--height", "-h", help="In px.")]
    width: int = 640


def commands(group):
    for name, command in group.commands.items():
        yield from commands(command) if hasattr(command, "commands") else [(name, command)]


def test_a_dataclass_is_filled_from_the_command_line():
    app, seen = typer.Typer(), []

    @app.command()
    @options_from_dataclasses
    def draw(name: str, size: Size, twice: Annotated[bool, typer.Option("--twice")] = False) -> None:
        """Draw it."""
        seen.append((name, size, twice))

    run = CliRunner().invoke
    assert run(app, ["me", "-h", "480", "--twice"], catch_exceptions=False).exit_code == 0
    assert seen == [("me", Size(480, 640), True)]
    assert run(app, ["me"]).exit_code == 2  # --height has no default
    text = run(app, ["--help"]).output
    assert "Draw it." in text and "In px." in text and "--width" in text


def test_two_dataclasses_with_one_name_are_refused():
    @dataclass(frozen=True)
    class Other:
        width: int = 1

    def draw(size: Size, other: Other) -> None: ...

    draw.__annotations__ |= {"other": Other}
    with pytest.raises(ValueError, match="width"):
        options_from_dataclasses(draw)


def test_no_command_function_has_more_than_eight_parameters():
    for module in (importlib.import_module(f"{package.__name__}.{found.name}") for found in MODULES):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            written = inspect.getclosurevars(function).nonlocals.get("command", function)
            if function.__module__ == module.__name__ and inspect.getsource(written).lstrip().startswith("@"):
                assert len(inspect.signature(written).parameters) <= 8, f"{module.__name__}.{name}"


@pytest.mark.parametrize("name", ["inspect", "convert", "label", "calibrate"])
def test_commands_that_read_recordings_share_the_options(name):
    command = dict(commands(typer.main.get_command(cli.app)))[name]
    shared = {parameter.name: parameter.default for parameter in command.params}
    for option in ("robot", "cameras", "namespace", "instruction", "calibration", "extrinsics", "log_time"):
        assert shared[option] == getattr(RecordingOptions(), option)
    assert shared["image_tolerance"] == 0.05 and shared["pose_tolerance"] == 0.1


def test_only_what_was_given_wins_over_the_file_of_the_robot():
    options = reader_options(RecordingOptions(robot="franka", cameras="left, right=/r/image"), size=(8, 8))
    assert options.robot == "franka" and options.size == (8, 8) and options.gaps == "refuse"
    assert options.setup["cameras"] == ("left", "right=/r/image")
    assert not {"namespace", "instruction_text", "calibration_file"} & set(options.setup)
