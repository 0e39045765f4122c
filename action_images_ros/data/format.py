"""The protocol of a format of episodes: items read one by one, writers that resume."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..policy.observation import prepare_image
from .episode import Episode

__all__ = ["EpisodeFormat", "EpisodeWriter", "Item", "Options", "Remark", "resized", "task_name"]


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


def resized(episode: Episode, size: tuple[int, int] | None) -> Episode:
    """The episode with pictures of that size (H, W): cropped to its aspect, resized, and K follows."""
    if size is None or episode.images.shape[2:4] == tuple(size):
        return episode
    views = [
        [prepare_image(image, k, size) for image in view] for view, k in zip(episode.images, episode.K, strict=True)
    ]
    return replace(
        episode,
        images=np.stack([[image for image, _ in view] for view in views]),
        K=np.stack([view[0][1] for view in views]),
    )


def task_name(instruction: str) -> str:
    """A task's name for files made of an instruction: "Lift the red block!" is lift_the_red_block."""
    return re.sub(r"[^a-z0-9]+", "_", instruction.lower()).strip("_")[:60] or "task"
