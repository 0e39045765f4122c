"""Commands whose options are the fields of dataclasses; the blocks of options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from .shared import _names

if TYPE_CHECKING:
    from ..data.format import Options

__all__ = ["RecordingOptions", "SegmentOptions", "options_from_dataclasses", "reader_options"]


def options_from_dataclasses(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter of a command that is a dataclass by options: its fields, with their `Annotated` texts.

    The command is called with the dataclasses filled in. Raises ValueError when two options have one name.
    """
    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    options: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        if name in groups:
            texts = get_type_hints(groups[name], include_extras=True)
            options += [_parameter(field.name, texts[field.name], _default(field)) for field in fields(groups[name])]
        else:
            options.append(_parameter(name, hints[name], parameter.default))
    names = [option.name for option in options]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{command.__name__} has {', '.join(repeated)} in two of its dataclasses; rename one")

    def run(**given: Any) -> None:
        filled = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)}) for name, kind in groups.items()
        }
        command(**given, **filled)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # typer reads it
    return run


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _default(field: Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default


@dataclass(frozen=True)
class RecordingOptions:
    """How a recording is read: robot, cameras, names, poses of the cameras, and tolerances in time."""

    robot: Annotated[str, typer.Option(help="Name or file of config/robots; recordings in /cell: cell.")] = ""
    cameras: Annotated[str, typer.Option(help="Cameras, separated by commas; of a recording also NAME=TOPIC.")] = ""
    namespace: Annotated[str | None, typer.Option(help="Namespace of a recording's topics; default: found.")] = None
    instruction: Annotated[str, typer.Option(help="Instruction where the source has none.")] = ""
    calibration: Annotated[
        Path | None, typer.Option(help="File with camera poses and intrinsics, where the source has none.")
    ] = None
    extrinsics: Annotated[str, typer.Option(help="Camera poses from auto, tf, topic or file.")] = "auto"
    gripper: Annotated[
        str,
        typer.Option(
            help="Values of the closed and the open gripper, such as 0..100 or 1..0; default: found or rejected."
        ),
    ] = ""
    log_time: Annotated[bool, typer.Option("--log-time", help="Use the recording time instead of header stamps.")] = (
        False
    )
    image_tolerance: Annotated[
        float, typer.Option(help="Tolerance between a frame and the images of other cameras, s.")
    ] = 0.05
    pose_tolerance: Annotated[
        float, typer.Option(help="Tolerance between a frame and the poses it is interpolated from, s.")
    ] = 0.1

    def setup(self) -> dict[str, Any]:
        """The fields of `BagSetup` that were given."""
        given = {
            "cameras": tuple(_names(self.cameras)),
            "namespace": self.namespace,
            "instruction_text": self.instruction,
            "calibration_file": "" if self.calibration is None else str(self.calibration),
            "extrinsics": self.extrinsics,
            "gripper": self.gripper,
            "log_time": self.log_time,
            "image_tolerance": self.image_tolerance,
            "pose_tolerance": self.pose_tolerance,
        }
        return {name: value for name, value in given.items() if value not in (None, "", ())}


@dataclass(frozen=True)
class SegmentOptions:
    """How a recording is cut into frames and segments."""

    dt: Annotated[
        float | None, typer.Option(help="Seconds between frames; default: recordings 0.2, data sets their own.")
    ] = None
    gaps: Annotated[str, typer.Option(help="Segments with a gap: refuse, split or join.")] = "refuse"


def reader_options(recording: RecordingOptions, segments: SegmentOptions = SegmentOptions(), **others: Any) -> Options:
    """The options of the formats' readers and writers. others: further fields of `data.format.Options`."""
    from ..data.format import Options

    return Options(robot=recording.robot, setup=recording.setup(), dt=segments.dt, gaps=segments.gaps, **others)
