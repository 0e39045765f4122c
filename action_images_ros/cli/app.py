"""The typer applications that the modules of commands register with."""

from __future__ import annotations

import typer

from .arguments import CheckedGroup

app = typer.Typer(
    cls=CheckedGroup,
    help="Action Images on ROS 2: one video model as policy, simulator and labeller of a robot arm.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
benchmark = typer.Typer(cls=CheckedGroup, help="Measure parts of the system.", no_args_is_help=True)
app.add_typer(benchmark, name="benchmark")
