"""The formats that episodes are kept in: recognised from content, read item by item, written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..observation import prepare_image
from .episode import INDEX, Episode, append_index, load_episode, read_index, save_episode

__all__ = ["FORMATS", "EpisodeFormat", "EpisodeWriter", "Item", "Options", "Remark", "recognise", "resized",
           "task_name"]


class Remark(NamedTuple):
    """Something about an item that the user should know. lost: because of it something is no episode."""

    text: str
    lost: bool = True


class Item(NamedTuple):
    """A part of a source that is read, converted and resumed as one: a recording, a file, an episode's folder."""

    name: str
    load: Callable[[], Iterator[Episode | Remark]]


@dataclass(frozen=True)
class Options:
    """How to read and write; each format takes what concerns it.

    Reading recordings: dt, robot (name or file), setup (fields of BagSetup that win over the robot's), gaps,
    min_frames, max_seconds, success (None: what the recording says, else true). Reading the RLBench layout: dt
    (None: 0.2 s).
    size: (H, W) of the pictures, None: as they are. Writing: images (recordings: raw, png or jpeg), crf (videos: H.264
    quality, smaller is better), renumber (seeds 0, 1, .. in the order of writing).
    """

    dt: float | None = None
    size: tuple[int, int] | None = None
    robot: str = ""
    setup: dict[str, Any] = field(default_factory=dict)
    gaps: str = "refuse"
    min_frames: int = 5
    max_seconds: float = 300.0
    success: bool | None = None
    images: str = "raw"
    crf: int = 18
    renumber: bool = False


class EpisodeWriter(Protocol):
    """Fills a folder that is still being made; what is in it at a crash is taken up by the next writer there."""

    def add(self, episode: Episode, number: int) -> str:
        """Write one episode, whole; the same number again replaces it. Returns its name in the folder."""

    def finish(self) -> None:
        """Write what concerns all episodes."""


class EpisodeFormat(Protocol):
    """A way of keeping episodes."""

    name: str
    what: str

    def recognises(self, path: Path) -> bool:
        """Whether this is what lies there."""

    def items(self, path: Path, options: Options) -> list[Item]:
        """What there is to read, without reading it; ValueError when the whole cannot be read."""

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        """A writer into that folder (there, maybe with what an earlier one wrote)."""


class CacheFormat:
    """The training cache: one .npz per episode and an index (`episode.py`); what `action-images train` reads."""

    name, what = "cache", "training cache (.npz and index.jsonl)"

    def recognises(self, path: Path) -> bool:
        return (path / INDEX).is_file() if path.is_dir() else path.suffix == ".npz"

    def items(self, path: Path, options: Options) -> list[Item]:
        if path.is_file():
            return [Item(path.name, lambda: iter([load_episode(path)]))]
        rows = [row for row in read_index(path) if row["file"]]
        if not rows:
            raise ValueError(f"{path} holds no episodes; write some with 'action-images collect' or 'convert'")
        return [Item(row["file"], lambda file=path / row["file"]: iter([load_episode(file)])) for row in rows]

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        return _CacheWriter(folder)


class _CacheWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for left in folder.glob(".*.part"):
            left.unlink()

    def add(self, episode: Episode, number: int) -> str:
        path = save_episode(self._folder, episode)
        append_index(self._folder, {
            "file": path.name, "task": episode.task, "seed": int(episode.seed), "success": bool(episode.success),
            "perturbed": bool(episode.perturbed), "frames": episode.frames, "instruction": episode.instruction})
        return path.name

    def finish(self) -> None:
        pass


def _formats() -> dict[str, EpisodeFormat]:
    from .lerobot import LeRobotFormat
    from .rlbench import RlbenchFormat
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
    raise ValueError(f"{path} is none of the known formats: " + "; ".join(f.what for f in _formats().values())
                     + f". It holds {inside}")


def resized(episode: Episode, size: tuple[int, int] | None) -> Episode:
    """The episode with pictures of that size (H, W): cropped to its aspect, resized, and K follows."""
    if size is None or episode.images.shape[2:4] == tuple(size):
        return episode
    views = [[prepare_image(image, k, size) for image in view]
             for view, k in zip(episode.images, episode.K, strict=True)]
    return replace(episode, images=np.stack([[image for image, _ in view] for view in views]),
                   K=np.stack([view[0][1] for view in views]))


def task_name(instruction: str) -> str:
    """A task's name for files made of an instruction: "Lift the red block!" is lift_the_red_block."""
    return re.sub(r"[^a-z0-9]+", "_", instruction.lower()).strip("_")[:60] or "task"
