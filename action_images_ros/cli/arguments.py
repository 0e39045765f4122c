"""Arguments of every command judged before it does anything: numbers, texts, files to read and places to write.

A command judges what its arguments mean; here is what no command can mean. Everything wrong is a ValueError of one
line, NAME is VALUE; REMEDY.
"""

from __future__ import annotations

import math
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from ..interfaces.instruction import checked_instruction

__all__ = ["CheckedGroup", "check_arguments"]

MAX_TEXT = 4096
"""Characters of a text argument; an instruction has a bound of its own."""
_MAX_PROCESSES = max(256, 8 * (os.cpu_count() or 1))
_COUNT, _SECONDS, _SEED = 10_000_000, 10_000_000.0, 2**53
RANGES: Mapping[str, tuple[float, float]] = {
    "accumulate": (1, 1_000_000),
    "batch": (1, 65_536),
    "batch_size": (1, 65_536),
    "cameras": (1, 64),
    "chunks": (0, 1_000_000),
    "corrections": (0, 1),
    "crf": (0, 51),
    "days": (1e-6, 100_000.0),
    "episode": (0, _COUNT),
    "episodes": (1, 1_000_000),
    "execute_steps": (1, 512),
    "frames": (1, _COUNT),
    "frames_per_second": (1e-6, 1e9),
    "height": (1, 65_536),
    "hours": (1e-6, 1e9),
    "latency": (0.0, 600.0),
    "max_gap": (0, 100_000),
    "max_seconds": (1e-3, _SECONDS),
    "min_frames": (1, _COUNT),
    "minutes": (1e-6, _SECONDS),
    "observations": (1, 1_000_000),
    "perturbed": (0.0, 1.0),
    "rate": (1e-3, 100_000.0),
    "ray_cpus": (1e-3, 100_000.0),
    "ray_gpus": (0.0, 10_000.0),
    "repeats": (1, 1_000_000),
    "retries": (0, 1000),
    "seconds": (1e-3, _SECONDS),
    "seed": (0, _SEED),
    "shard_gb": (1e-6, 100_000.0),
    "size": (8, 16_384),
    "steps": (1, 1_000_000_000),
    "stride": (1, 100_000),
    "success": (0, 1_000_000),
    "threads": (1, 4096),
    "time_limit": (1e-3, 86_400.0),
    "tolerance": (0.0, 1e9),
    "views": (1, 64),
    "wait": (0.0, 86_400.0),
    "width": (1, 65_536),
    "workers": (0, _MAX_PROCESSES),
}
"""Least and greatest number of an argument by its name."""
_ANY_NUMBER = (-1e15, 1e15)
_WRITTEN_FILES = {"json", "json_path", "log"}
_WRITTEN = _WRITTEN_FILES | {"out", "output", "figures", "sheets", "target", "directory"}
"""Arguments that name what is written."""


class CheckedGroup(TyperGroup):
    """A group whose commands' arguments are judged before the command runs."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, with the check in front of it."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and not hasattr(command, "commands") and not hasattr(command, "checks_arguments"):
            run = command.invoke

            def invoke(context: Any) -> Any:
                check_arguments(context.params)
                return run(context)

            command.__dict__ |= {"invoke": invoke, "checks_arguments": True}
        return command


def check_arguments(values: Mapping[str, Any]) -> None:
    """Judge the arguments of a command by name and type. Raises ValueError."""
    for name, value in values.items():
        for entry in value if isinstance(value, list | tuple) else (value,):
            if isinstance(entry, bool) or entry is None:
                continue
            if isinstance(entry, int | float):
                _number(name, entry, many_hosts=bool(values.get("ray")))
            elif isinstance(entry, Path):
                _path(name, entry)
            elif isinstance(entry, str):
                _text(name, entry)


def _option(name: str) -> str:
    return name.removesuffix("_path")


def _number(name: str, value: float, many_hosts: bool) -> None:
    least, most = RANGES.get(name, _ANY_NUMBER)
    if name == "workers" and many_hosts:
        most = 100_000
    if not (math.isfinite(value) and least <= value <= most):
        raise ValueError(f"{_option(name)} is {value}; give a number from {least:g} to {most:g}")


def _text(name: str, value: str) -> None:
    if name in ("instruction", "text"):
        checked_instruction(value)
    if len(value) > MAX_TEXT:
        raise ValueError(
            f"{_option(name)} is {value[:40]!r}.. of {len(value):,} characters; give at most {MAX_TEXT} characters"
        )
    bad = next((character for character in value if not character.isprintable()), "")
    if bad:
        raise ValueError(f"{_option(name)} is {value[:40]!r} with the character {bad!r}; give printable text")
    if os.sep in value:
        _regular(name, Path(value))


def _path(name: str, path: Path) -> None:
    if "\0" in str(path) or len(str(path)) > MAX_TEXT:
        raise ValueError(f"{_option(name)} is {str(path)[:40]!r}..; give the path of a file or folder")
    if name in _WRITTEN_FILES and path.is_char_device():
        return  # /dev/stdout
    _regular(name, path)
    if name in _WRITTEN:
        _writable(name, path)


def _regular(name: str, path: Path) -> None:
    """Refuse what is neither file nor folder: reading a FIFO would wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return  # said by who reads it
        raise ValueError(f"{_option(name)} is {str(path)[:200]!r}, which cannot be read: {error.strerror}") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(f"{_option(name)} is {path}, neither file nor folder; give a copy that is")


def _writable(name: str, path: Path) -> None:
    """Refuse now what could not be written after all the work."""
    if name in _WRITTEN_FILES and path.is_dir():
        raise ValueError(f"{_option(name)} is {path}, a folder; give the name of a file in it")
    place = next(iter(_existing(path if path.is_dir() else path.parent)))
    try:
        if not place.is_dir():
            raise NotADirectoryError(0, f"{place} is no folder")
        if path.is_file():
            with open(path, "ab"):
                pass
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ValueError(
            f"{_option(name)} is {path}, which cannot be written ({error.strerror}); give a place you may write to"
        ) from None


def _existing(path: Path) -> Iterable[Any]:
    """The folder and those above it that exist, nearest first."""
    return (folder for folder in (path, *path.parents, Path(".")) if folder.exists())
