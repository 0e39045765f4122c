"""The command `calibrate`: cameras from a recording of the moving arm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import app
from .options import RecordingOptions, options_from_dataclasses, reader_options
from .shared import Model, ModelThreads, Report, _lines, _number, _write

if TYPE_CHECKING:
    from ..calibration.results import Settings
    from ..data.episode import Episode
    from ..data.format import Options


@dataclass(frozen=True)
class SolveOptions:
    """What is solved, from which episode, and by which model."""

    guess: Annotated[bool, typer.Option("--guess/--no-guess", help="Start from the recorded camera poses.")] = True
    sigma: Annotated[str, typer.Option(help="Standard deviation of the recorded poses: metres,degrees.")] = "0.03,2"
    focal: Annotated[bool, typer.Option("--focal", help="Solve the focal length too.")] = False
    model: Model = "nano"
    episode: Annotated[int, typer.Option(help="Which item of the source, from 0.")] = 0
    threads: ModelThreads = None

    def settings(self) -> Settings:
        """The settings of the estimate."""
        import numpy as np

        from ..calibration.results import Settings

        try:
            metres, degrees = (float(part) for part in self.sigma.split(","))
        except ValueError:
            raise ValueError(f"sigma is {self.sigma!r}; give metres,degrees such as 0.03,2") from None
        return replace(Settings(focal=self.focal), position_m=metres, rotation_rad=float(np.deg2rad(degrees)))


@app.command("calibrate")
@options_from_dataclasses
def calibrate(
    source: Annotated[Path, typer.Argument(help="Recording or dataset in which the arm moves through the workspace.")],
    output: Annotated[Path | None, typer.Option(help="Calibration file (YAML) to create.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only judge; exit code 1 where a camera is wrong.")] = False,
    page: Annotated[Path | None, typer.Option(help="PNG to write: points drawn before and after.")] = None,
    json: Report = None,
    *,
    recording: RecordingOptions,
    solve: SolveOptions,
) -> None:
    """Calibrate cameras from a recording of the moving arm; nothing is overwritten."""
    from ..calibration.results import GOOD
    from ..labelling.calibrate import calibrate_episode, calibration_report, overlay_page, write_calibration
    from ..paths import models_path
    from ..policy.registry import load_policy

    settings = solve.settings()
    if output is not None and output.exists():
        raise ValueError(f"output is {output}, which exists; give a new name, calibrations are never overwritten")
    options = reader_options(replace(recording, instruction=recording.instruction or "reach the red target"))
    recorded, base_frame = _episode(source, solve.episode, options)
    policy = load_policy(str(models_path(solve.model)), threads=solve.threads)
    result, _, frames = calibrate_episode(policy, recorded, guess=solve.guess, settings=settings)
    report = calibration_report(result)
    _lines([{key: _text(value) for key, value in row.items() if key != "reasons"} for row in report["cameras"]])
    for text in [*report["problems"], *(f"{c['camera']}: {r}" for c in report["cameras"] for r in c["reasons"])]:
        typer.echo(f"  {text}")
    _write(json, report)
    if page is not None:
        typer.echo(f"page: {overlay_page(page, result, frames)}")
    if output is not None and not check:
        typer.echo(f"calibration: {write_calibration(output, result, base_frame)}")
    if check and result.verdict != GOOD:
        raise typer.Exit(1)


def _text(value: Any) -> str:
    return _number(value) if isinstance(value, float) or value is None else str(value)


def _episode(source: Path, number: int, options: Options) -> tuple[Episode, str]:
    """The episode of that number and the frame of its poses."""
    from ..data.episode import Episode
    from ..data.registry import recognise
    from ..data.rosbag2.topics import robot_setup

    items = recognise(source).items(source, options)
    if not 0 <= number < len(items):
        raise ValueError(f"episode is {number}; {source} has items 0 to {len(items) - 1}")
    lost = []
    for found in items[number].load():
        if isinstance(found, Episode):
            return found, robot_setup(options.robot).base_frame if options.robot else "base"
        lost.append(found.text)
    raise ValueError(f"{source} has no usable episode: {'; '.join(lost) or 'it is empty'}")
