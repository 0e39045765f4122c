"""The formats that episodes are kept in, by name or recognised from content."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from .cache import CacheFormat
from .episode import Episode
from .format import EpisodeFormat, Options, Remark, loaded, refuse_unused

__all__ = ["FORMATS", "find_format", "open_dataset", "recognise"]


def _formats() -> dict[str, EpisodeFormat]:
    from .lerobot.dataset import LeRobotFormat
    from .rlbench.dataset import RlbenchFormat
    from .rosbag2.episodes import Rosbag2Format

    return {f.name: f for f in (CacheFormat(), LeRobotFormat(), RlbenchFormat(), Rosbag2Format())}


FORMATS = ("cache", "lerobot", "rlbench", "rosbag2")
"""Names of the formats; `find_format` gives them."""


def find_format(name: str) -> EpisodeFormat:
    """The format of that name; ValueError listing the names otherwise."""
    formats = _formats()
    if name not in formats:
        raise ValueError(f"format is {name!r}; choose one of {', '.join(FORMATS)}")
    return formats[name]


def recognise(path: str | Path) -> EpisodeFormat:
    """The format of what lies there, by its content; ValueError that tells what was looked for."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; give a file or folder of episodes")
    for known in _formats().values():
        if known.recognises(path):
            return known
    inside = sorted(p.name for p in path.iterdir())[:8] if path.is_dir() else f"a file of {path.stat().st_size} bytes"
    raise ValueError(
        f"{path} is none of the known formats: "
        + "; ".join(f.what for f in _formats().values())
        + f". It holds {inside}"
    )


def open_dataset(path: str | os.PathLike[str], options: Options | None = None) -> Iterator[Episode]:
    """The episodes of a file or folder in any of FORMATS, one at a time, in the order of the source.

    options: how to read (robot, dt, image size, ..). What cannot be read as an episode is skipped with a warning that
    names it. Raises FileNotFoundError and ValueError at once where nothing there can be read.
    """
    where, chosen = Path(path), options or Options()
    reading = recognise(where)
    refuse_unused(chosen, reading, None, where)
    items = reading.items(where, chosen)

    def episodes() -> Iterator[Episode]:
        for item in items:
            for episode in loaded(item, chosen):
                if not isinstance(episode, Remark):
                    yield episode
                elif episode.lost or episode.wrong:
                    warnings.warn(f"{item.name}: {episode.text}", stacklevel=2)

    return episodes()
