"""The training cache: one .npz per episode and an index."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..safe_files import inside, remove_leftovers
from .episode import INDEX, Episode, append_index, load_episode, read_index, save_episode
from .format import EpisodeWriter, Item, Options, Remark

__all__ = ["CacheFormat"]


class CacheFormat:
    """The training cache: one .npz per episode and an index (`episode.py`); what `action-images train` reads."""

    name, what = "cache", "training cache (.npz and index.jsonl)"
    reads = frozenset({"cameras"})
    writes: frozenset[str] = frozenset()

    def recognises(self, path: Path) -> bool:
        return (path / INDEX).is_file() if path.is_dir() else path.suffix == ".npz"

    def items(self, path: Path, options: Options) -> list[Item]:
        if path.is_file():
            return [Item(path.name, partial(_episode, path))]
        rows = [row for row in read_index(path) if row["file"]]
        if not rows:
            raise ValueError(f"{path} holds no episodes; write some with 'action-images collect' or 'convert'")
        return [Item(row["file"], partial(_episode, inside(path, row["file"]))) for row in rows]

    def writer(self, folder: Path, options: Options) -> EpisodeWriter:
        return _CacheWriter(folder)


def _episode(path: Path) -> Iterator[Episode | Remark]:
    yield load_episode(path)


class _CacheWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        remove_leftovers(folder)

    def add(self, episode: Episode, number: int) -> str:
        path = save_episode(self._folder, episode)
        append_index(
            self._folder,
            {
                "file": path.name,
                "task": episode.task,
                "seed": int(episode.seed),
                "success": bool(episode.success),
                "perturbed": bool(episode.perturbed),
                "frames": episode.frames,
                "instruction": episode.instruction,
            },
        )
        return path.name

    def finish(self) -> None:
        pass
