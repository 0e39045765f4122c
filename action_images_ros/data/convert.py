"""From any format to any other: item by item, resumable, and the target appears only when it is whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..safe_files import FolderLock, disk_errors, write_text
from .camera_faults import plain_camera_faults
from .episode import Episode
from .format import EpisodeFormat, EpisodeWriter, Item, Options, Remark, loaded, refuse_unused
from .registry import find_format, recognise

__all__ = ["Converted", "convert"]


@dataclass
class Converted:
    """What a conversion came to. items: per item its name, episodes (names in the target), lost and notes (texts)."""

    source_format: str
    target_format: str
    items: list[dict[str, Any]] = field(default_factory=list)
    resumed: int = 0

    @property
    def episodes(self) -> int:
        """Episodes in the target."""
        return sum(len(item["episodes"]) for item in self.items)

    @property
    def lost(self) -> list[tuple[str, str]]:
        """(item, why) of everything that did not become an episode."""
        return [(item["item"], text) for item in self.items for text in item["lost"]]


def convert(
    source: str | Path,
    target: str | Path,
    to: str,
    options: Options = Options(),  # noqa: B008
    *,
    progress: Callable[[int, int, str], None] | None = None,
) -> Converted:
    """Write every episode of `source` (format recognised by content) to `target` in the format `to`.

    Everything is made in `.NAME.part` beside the target, with a journal `.NAME.part.jsonl`, and renamed when it is
    whole. The same call after an interruption goes on after the last whole item. An item that cannot be read or
    written is left out and said why; the others are not affected. The source is only read.

    progress: called with items done, items in all, and the next one's name. Raises ValueError when the target exists,
    the source is of no known format, an unfinished conversion was of something else, or not one episode came out
    (nothing is left behind then).
    """
    source, target = Path(source), Path(target)
    writing = find_format(to)
    reading = recognise(source)
    _check(source, target)
    refuse_unused(options, reading, writing, source)
    items = reading.items(source, options)
    with disk_errors(target), FolderLock(target.parent, f"convert to {target.name}", name=f".{target.name}.lock"):
        return _converted(source, target, reading, writing, items, options, progress)


def _converted(
    source: Path,
    target: Path,
    reading: EpisodeFormat,
    writing: EpisodeFormat,
    items: list[Item],
    options: Options,
    progress: Callable[[int, int, str], None] | None,
) -> Converted:
    part = target.with_name(f".{target.name}.part")
    journal = target.with_name(f".{target.name}.part.jsonl")
    head = {
        "source": str(source.resolve()),
        "to": writing.name,
        "options": json.loads(json.dumps(asdict(options), default=_plain)),
    }
    done = _resume(journal, part, head)
    part.mkdir(parents=True, exist_ok=True)
    result = Converted(reading.name, writing.name, resumed=len(done))
    writer = writing.writer(part, options)
    used = {tuple(key) for row in done.values() for key in row["keys"]}
    number = sum(len(row["episodes"]) for row in done.values())
    for index, item in enumerate(items):
        if progress is not None:
            progress(index, len(items), item.name)
        row = done.get(item.name)
        if row is None:
            row = {"item": item.name, "episodes": [], "lost": [], "notes": [], "keys": []}
            for episode in _episodes(item, options, row):
                _write(writer, episode, number + len(row["episodes"]), options, used, row)
            number += len(row["episodes"])
            with open(journal, "a") as file:
                file.write(json.dumps(row) + "\n")
        result.items.append({key: value for key, value in row.items() if key != "keys"})
    if progress is not None:
        progress(len(items), len(items), "")
    if number == 0:
        shutil.rmtree(part)
        journal.unlink()
        raise ValueError(
            f"{source} gave not one episode: " + "; ".join(f"{item}: {why}" for item, why in result.lost[:5])
        )
    writer.finish()
    os.rename(part, target)
    journal.unlink()
    return result


def _check(source: Path, target: Path) -> None:
    if target.exists():
        raise ValueError(f"{target} exists already; give a new name, nothing is overwritten")
    if target.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{target} lies inside {source}; give a target elsewhere, the source is not touched")


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _resume(journal: Path, part: Path, head: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rows of the items that are done; begins a journal where there is none."""
    rows = []
    if journal.exists() and part.is_dir():
        for line in journal.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break  # the line being written when it was interrupted
    if not rows:
        shutil.rmtree(part, ignore_errors=True)
        journal.parent.mkdir(parents=True, exist_ok=True)
        write_text(journal, json.dumps(head) + "\n")
        return {}
    if rows[0] != head:
        changed = [key for key in head if rows[0].get(key) != head[key]]
        raise ValueError(
            f"{part} is an unfinished conversion with other {', '.join(changed)}; call it as before to go "
            f"on, or remove it and {journal.name}"
        )
    write_text(journal, "".join(json.dumps(row) + "\n" for row in rows))
    return {row["item"]: row for row in rows[1:]}


def _episodes(item: Item, options: Options, row: dict[str, Any]) -> Iterator[Episode]:
    for found in loaded(item, options):
        if isinstance(found, Remark):
            row["lost" if found.lost else "notes"].append(found.text)
        else:
            yield found


def _write(
    writer: EpisodeWriter,
    episode: Episode,
    number: int,
    options: Options,
    used: set[tuple[str, int]],
    row: dict[str, Any],
) -> None:
    if options.renumber:
        episode = replace(episode, seed=number)
    key = (episode.task, int(episode.seed))
    if key in used:
        row["lost"].append(
            f"task {episode.task} with seed {episode.seed} is there already; give every episode a "
            "number of its own with --renumber"
        )
        return
    try:
        row["episodes"].append(writer.add(episode, number))
    except ValueError as error:
        row["lost"].append(str(error))
        return
    row["notes"] += plain_camera_faults(episode)
    used.add(key)
    row["keys"].append(list(key))
