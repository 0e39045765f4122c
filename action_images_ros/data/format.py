"""The protocol of a format of episodes: items read one by one, writers that resume."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..policy.observation import prepare_image
from .episode import Episode

__all__ = [
    "EpisodeFormat",
    "EpisodeWriter",
    "Item",
    "Options",
    "Remark",
    "adjusted",
    "every",
    "loaded",
    "refuse_unused",
    "resized",
    "task_name",
]


class Remark(NamedTuple):
    """Something about an item that the user should know.

    lost: because of it something is no episode. wrong: something is not as it should be (else: a choice that was made).
    """

    text: str
    lost: bool = True
    wrong: bool = True


class Item(NamedTuple):
    """A part of a source that is read, converted and resumed as one: a recording, a file, an episode's folder."""

    name: str
    load: Callable[[], Iterator[Episode | Remark]]


@dataclass(frozen=True)
class Options:
    """How to read and write; each format takes what concerns it.

    Reading recordings: dt, robot (name or file), setup (fields of BagSetup that win over the robot's; cameras,
    instruction_text, calibration_file and gripper serve other formats too), gaps, min_frames, max_seconds. Reading the
    RLBench layout: dt (None: 0.2 s); LeRobot: dt (a multiple of its own). success: None: what the source says, else
    true. size: (H, W) of the pictures, None: as they are. Writing: images (recordings: raw, png or jpeg), crf (videos:
    H.264 quality, smaller is better), renumber (seeds 0, 1, .. in the order of writing).
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
    reads: frozenset[str]
    """Names of the options (of Options and BagSetup) that act when it is read, beside size, success and renumber."""
    writes: frozenset[str]
    """Names of the options that act when it is written."""

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


def loaded(item: Item, options: Options) -> Iterator[Episode | Remark]:
    """The episodes of an item, as the options want them; whatever goes wrong in it is a remark: others are read."""
    try:
        for found in item.load():
            yield found if isinstance(found, Remark) else adjusted(found, options)
    except (ValueError, OSError) as error:
        yield Remark(str(error))
    except Exception as error:  # whatever a library trips over in a stranger's bytes
        yield Remark(f"{item.name} is not made as its format says ({type(error).__name__}: {error}); copy it again")


def adjusted(episode: Episode, options: Options) -> Episode:
    """The episode with the cameras, outcome and picture size of the options."""
    cameras = tuple(str(name) for name in options.setup.get("cameras", ()))
    if cameras and cameras != episode.camera_names and not any("=" in name for name in cameras):
        missing = [name for name in cameras if name not in episode.camera_names]
        if missing:
            raise ValueError(f"cameras is {', '.join(cameras)}; {missing} are not there: {list(episode.camera_names)}")
        views = [episode.camera_names.index(name) for name in cameras]
        episode = replace(
            episode,
            images=episode.images[views],
            K=episode.K[views],
            world_from_camera=episode.world_from_camera[views],
            camera_names=cameras,
        )
    if options.success is not None and options.success != episode.success:
        episode = replace(episode, success=options.success)
    return resized(episode, options.size)


def every(wanted: float | None, dt: float) -> int:
    """Every how many frames, dt apart, one is taken for `wanted` seconds between them; ValueError for no multiple."""
    if wanted is None:
        return 1
    step = round(wanted / dt)
    if step < 1 or abs(step * dt - wanted) > 0.01 * wanted:
        raise ValueError(f"--dt is {wanted:g} s, the frames are {dt:g} s apart: only multiples of that can be had")
    return step


_ALWAYS = frozenset({"size", "success", "renumber", "setup"})
_FLAGS = {"instruction_text": "instruction", "calibration_file": "calibration", "success": "success/--failed"}


def refuse_unused(options: Options, reading: EpisodeFormat, writing: EpisodeFormat | None, source: str | Path) -> None:
    """ValueError for the first option that neither the format read nor the one written makes use of."""
    used = reading.reads | (writing.writes if writing is not None else frozenset()) | _ALWAYS
    plain = Options()
    given = {
        f.name: getattr(options, f.name) for f in fields(Options) if getattr(options, f.name) != getattr(plain, f.name)
    }
    given |= {name: value for name, value in options.setup.items() if value != _SETUP_DEFAULTS.get(name)}
    what = f"{source} ({reading.name})" + (f" to {writing.name}" if writing is not None else "")
    for name, value in given.items():
        if name not in used and (name, value) != ("robot", "cell"):  # the default of what is written
            flag = _FLAGS.get(name, name.replace("_", "-"))
            raise ValueError(
                f"--{flag} is {_shown(value)}, which {what} does not use: only {_users(name)}; leave it out"
            )
    cameras = [name for name in options.setup.get("cameras", ()) if "=" in str(name)]
    if cameras and reading.name != "rosbag2":
        raise ValueError(f"--cameras is {', '.join(cameras)}; NAME=TOPIC is for recordings: give names of cameras")


def _shown(value: object) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float)
        else ", ".join(map(str, value))
        if isinstance(value, tuple)
        else str(value)
    )


def _users(name: str) -> str:
    if name == "images":
        return "written recordings (rosbag2) have it"
    if name == "crf":
        return "written videos (lerobot, rlbench) have it"
    return {
        "dt": "recordings, LeRobot datasets and the RLBench layout can be sampled anew",
        "cameras": "recordings and datasets of several cameras have it",
        "gripper": "recordings, LeRobot datasets and the RLBench layout have it",
        "instruction_text": "recordings and datasets without an instruction have it",
        "calibration_file": "recordings and LeRobot datasets have it",
        "robot": "recordings and LeRobot datasets have it",
    }.get(name, "recordings have it")


_SETUP_DEFAULTS: dict[str, Any] = {
    "cameras": (),
    "namespace": None,
    "extrinsics": "auto",
    "calibration_file": "",
    "gripper": "",
    "instruction_text": "",
    "log_time": False,
    "image_tolerance": 0.05,
    "pose_tolerance": 0.1,
}


def task_name(instruction: str) -> str:
    """A task's name for files made of an instruction: "Lift the red block!" is lift_the_red_block."""
    return re.sub(r"[^a-z0-9]+", "_", instruction.lower()).strip("_")[:60] or "task"
