"""LeRobot datasets: v2.0 to v3.0 are read, v3.0 is written, as parquet and mp4 which the `lerobot` library opens.

Written per frame; calibration and poses ride along exactly:

    observation.images.<cam>              video, H.264
    observation.state, action             float32 [8]: x y z qx qy qz qw openness of the model tool frame in the world
    observation.tool_pose                 float64 [7]: the pose again, exact
    observation.intrinsics.<cam>          float64 [9]: K, row by row
    observation.world_from_camera.<cam>   float64 [16]: row by row, OpenCV optical frame

`action` is the pose of the next frame (the last frame's own) and the openness commanded from this one on. Name of the
task, seed, success and dt of every episode stand in meta/action_images.jsonl. Datasets of others: see `features`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..episode import Episode
from ..format import EpisodeWriter, Item, Options, Remark
from ..gripper import parse_gripper
from .layout import open_layout
from .reader import read_episode
from .tables import pyarrow
from .writer import LeRobotWriter

__all__ = ["LeRobotFormat"]


def _after(text: str, item: Item) -> Iterator[Episode | Remark]:
    yield Remark(text)
    yield from item.load()


class LeRobotFormat:
    """A LeRobot dataset."""

    name, what = "lerobot", "LeRobot dataset (meta/info.json)"
    reads = frozenset({"dt", "robot", "cameras", "instruction_text", "calibration_file", "gripper"})
    writes = frozenset({"crf"})

    def recognises(self, path: Path) -> bool:
        return (path / "meta" / "info.json").is_file()

    def items(self, path: Path, options: Options) -> list[Item]:
        pyarrow()
        parse_gripper(options.setup.get("gripper", ""))
        dataset = open_layout(path)
        items = [
            Item(f"episode {place.index}", partial(read_episode, dataset, place, options)) for place in dataset.places
        ]
        missing = dataset.missing()
        return [Item(items[0].name, partial(_after, missing, items[0])), *items[1:]] if missing else items

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        return LeRobotWriter(folder, options)
