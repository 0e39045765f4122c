"""The layouts of LeRobot datasets, v2.0 to v3.0: which episode is in which rows of which file, and which task it has.

Everything a dataset may lack is found elsewhere or said to be missing; paths that its files give stay inside of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...safe_files import inside, lines_of_json, load_json
from .names import DATA, OWN, VIDEO
from .tables import read_rows

__all__ = ["Dataset", "Place", "open_layout"]

_DATA_V2 = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
_VIDEO_V2 = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
_FIELD = re.compile(r"\{(\w+)(?::(0?\d*)d)?\}")


@dataclass(frozen=True)
class Place:
    """One episode: its row in meta/episodes (empty where the dataset has none) and what this project's file adds."""

    index: int
    row: Mapping[str, Any]
    own: Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """A dataset's folder with its info.json. features: name to description; tasks: sentences by task_index."""

    path: Path
    version: int
    fps: float
    info: Mapping[str, Any]
    features: Mapping[str, Mapping[str, Any]]
    tasks: Mapping[int, str]
    places: list[Place] = field(default_factory=list)

    def missing(self) -> str:
        """Which of the episodes that info.json tells of are not there; empty where none is missing."""
        told, there = _whole(self.info.get("total_episodes"), 0), {place.index for place in self.places}
        if len(there) >= told:
            return ""
        lost = [number for number in range(min(told, 100_000)) if number not in there]
        shown = ", ".join(map(str, lost[:10])) + (", .." if len(lost) > 10 else "")
        return (
            f"{self.path}/meta/info.json tells of {told} episodes, {len(there)} are there (not {shown}); copy the "
            "dataset again, or correct total_episodes"
        )

    def data_file(self, place: Place) -> Path:
        """The parquet file of an episode's rows."""
        if self.version == 2:
            return self._file("data_path", _DATA_V2, place, {})
        return self._file("data_path", DATA, place, self._file_numbers(place, "data/"))

    def video_file(self, place: Place, key: str) -> tuple[Path, float]:
        """The video of a camera's feature, and the second at which the episode begins in it."""
        if self.version == 2:
            return self._file("video_path", _VIDEO_V2, place, {"video_key": key}), 0.0
        numbers = self._file_numbers(place, f"videos/{key}/")
        start = place.row.get(f"videos/{key}/from_timestamp") or 0.0
        return self._file("video_path", VIDEO, place, {"video_key": key, **numbers}), float(start)

    def _file_numbers(self, place: Place, prefix: str) -> dict[str, Any]:
        numbers = {name: place.row.get(f"{prefix}{name}") for name in ("chunk_index", "file_index")}
        if None in numbers.values():
            raise ValueError(
                f"{self.path}/meta/episodes does not say where episode {place.index} is ({prefix}chunk_index, "
                f"{prefix}file_index); copy the dataset again"
            )
        return numbers

    def _file(self, name: str, default: str, place: Place, values: dict[str, Any]) -> Path:
        chunk = place.index // max(1, _whole(self.info.get("chunks_size"), 1000))
        values = {"episode_chunk": chunk, "episode_index": place.index, **values}
        pattern = self.info.get(name) or default

        def fill(match: re.Match[str]) -> str:
            value = values[match[1]]
            return f"{int(value):{match[2]}d}" if match[2] is not None else str(value)

        try:
            return inside(self.path, _FIELD.sub(fill, str(pattern)))
        except (KeyError, TypeError):
            raise ValueError(
                f"{self.path}/meta/info.json has {name} {pattern!r}; it may name {', '.join(values)}: correct it"
            ) from None


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def open_layout(path: Path) -> Dataset:
    """What the files in meta/ say; ValueError naming the file and the remedy."""
    info = load_json(path / "meta" / "info.json")
    version = str(info.get("codebase_version", ""))
    number = re.match(r"v?([23])\.", version)
    if number is None:
        raise ValueError(
            f"{path}/meta/info.json has codebase_version {version!r}; v2.0, v2.1 and v3.0 are read: convert it "
            "with lerobot's own script"
        )
    features, fps = info.get("features"), info.get("fps")
    if not isinstance(features, dict) or not all(isinstance(feature, dict) for feature in features.values()):
        raise ValueError(f"{path}/meta/info.json has no features that can be read; copy the dataset again")
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not 0.001 <= fps <= 1000:
        raise ValueError(f"{path}/meta/info.json has fps {fps!r}; it must be the frames per second of the dataset")
    dataset = Dataset(path, int(number[1]), float(fps), info, features, _tasks(path))
    rows = _rows(path, dataset)
    own = {row.get("episode_index"): row for row in (lines_of_json(path / OWN) if (path / OWN).is_file() else [])}
    for index, row in sorted(rows.items()):
        dataset.places.append(Place(index, row, own.get(index, {})))
    if not dataset.places:
        raise ValueError(f"{path} has no episodes, neither in meta/episodes nor in data/; is the dataset complete?")
    return dataset


def _rows(path: Path, dataset: Dataset) -> dict[int, Mapping[str, Any]]:
    """Rows of meta/episodes by episode_index; where there are none, what the files and info.json tell of."""
    meta = path / "meta"
    if dataset.version == 3:
        table = [
            row for file in sorted((meta / "episodes").glob("*/*.parquet")) for row in read_rows(file, without="stats/")
        ]
    else:
        table = lines_of_json(meta / "episodes.jsonl") if (meta / "episodes.jsonl").is_file() else []
    rows: dict[int, Mapping[str, Any]] = {
        row["episode_index"]: row for row in table if isinstance(row.get("episode_index"), int)
    }
    if len(rows) != len(table):
        raise ValueError(f"{meta}/episodes has {len(table)} rows and {len(rows)} of different episode_index; repair it")
    if not rows and dataset.version == 2:
        numbers = (re.search(r"episode_(\d+)\.parquet$", file.name) for file in path.glob("data/*/episode_*.parquet"))
        rows = {int(number[1]): {} for number in numbers if number is not None}
    return rows


def _tasks(path: Path) -> dict[int, str]:
    """Sentences of meta/tasks.parquet (in its index or a column) or meta/tasks.jsonl; empty where there is neither."""
    meta, table = path / "meta", []
    if (meta / "tasks.parquet").is_file():
        table = read_rows(meta / "tasks.parquet")
    elif (meta / "tasks.jsonl").is_file():
        table = lines_of_json(meta / "tasks.jsonl")
    tasks = {}
    for number, row in enumerate(table):
        words = [
            row[key]
            for key in ("task", "__index_level_0__", "index", "language_instruction")
            if isinstance(row.get(key), str)
        ]
        words = words or [value for value in row.values() if isinstance(value, str)]
        if words:
            tasks[_whole(row.get("task_index"), number)] = str(words[0]).strip()
    return tasks
