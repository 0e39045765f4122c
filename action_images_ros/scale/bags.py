"""Find the recordings of a command line: bags, folders of bags, lists of bags."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..data.rosbag2.files import is_storage_name

__all__ = ["NamedBag", "find_bags", "is_one"]

_LISTS = (".txt", ".jsonl")


class NamedBag(NamedTuple):
    """A recording and the name (a relative path, unique in its list) under which its labels are kept."""

    name: str
    bag: Path


def find_bags(sources: Iterable[str | Path]) -> list[NamedBag]:
    """The recordings of `sources`, in their order, folders sorted.

    A source is a bag (folder with metadata.yaml, .mcap or .db3 file), a folder that holds bags at any depth (named by
    their paths below it), or a list: a .txt file with a path per line (`#` begins a comment), or a .jsonl file with
    `bag` and maybe `name` per line, such as the manifest of another run. Paths in a list are relative to it.
    Nothing is opened: a bad bag is the matter of the worker that gets it. Raises FileNotFoundError and ValueError
    naming the source: not there, no bag in it, or two bags of one name.
    """
    found: dict[str, Path] = {}
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f"{source} does not exist; give bags, a folder of bags, or a .txt or .jsonl list")
        bags = list(_bags_of(source))
        if not bags:
            raise ValueError(f"{source} holds no bag: no metadata.yaml, .mcap or .db3 file at any depth")
        for name, bag in bags:
            bag = Path(os.path.abspath(bag))
            known = found.setdefault(name, bag)
            if known != bag:
                raise ValueError(
                    f"{known} and {bag} would both be called {name!r}; give the folder that holds both, "
                    "or a .jsonl list with a name for each"
                )
    for name in found:
        inside = next((parent for parent in map(str, Path(name).parents) if parent in found), None)
        if inside:
            raise ValueError(
                f"{found[name]} would lie inside the labels of {found[inside]} ({inside!r}); rename one, "
                "or give a .jsonl list with a name for each"
            )
    if not found:
        raise ValueError("no bag was given; give bags, a folder of bags, or a .txt or .jsonl list")
    return [NamedBag(name, bag) for name, bag in found.items()]


def is_one(path: Path) -> bool:
    """Whether this is one recording: a file that is no list, a folder with metadata.yaml, or one that holds a single
    storage file and no folder (of a recorder that did not end properly)."""
    if not path.is_dir():
        return path.suffix not in _LISTS
    inside = [child for child in path.iterdir() if not child.name.startswith(".")]
    stored = [child for child in inside if is_storage_name(child) and child.is_file()]
    return any(child.name == "metadata.yaml" for child in inside) or (
        len(stored) == 1 and not any(child.is_dir() for child in inside)
    )


def _bags_of(source: Path) -> Iterator[tuple[str, Path]]:
    if source.suffix in _LISTS and source.is_file():
        yield from _listed(source)
    elif source.is_file() or (source / "metadata.yaml").is_file():
        yield _stem(source), source
    else:
        yield from _below(source, source)


def _stem(bag: Path) -> str:
    bag = Path(os.path.abspath(bag))
    return bag.name.removesuffix(".zstd").rpartition(".")[0] if is_storage_name(bag) else bag.name


def _below(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for child in sorted(folder.iterdir()):
        if child.name.startswith("."):
            continue
        name = child.with_name(_stem(child)).relative_to(root).as_posix()
        if child.is_dir() and not (child / "metadata.yaml").is_file():
            yield from _below(child, root)
        elif child.is_dir() or is_storage_name(child):
            yield name, child


def _listed(path: Path) -> Iterator[tuple[str, Path]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip() if path.suffix == ".txt" else line.strip()
        if not line:
            continue
        row = {"bag": line}
        if path.suffix == ".jsonl":
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"{path}, line {number} is no JSON ({error}); give one object with 'bag' per line"
                ) from None
            if isinstance(row, dict) and "format" in row and "bag" not in row:
                continue  # the head of a manifest
            if not isinstance(row, dict) or not isinstance(row.get("bag"), str):
                raise ValueError(f"{path}, line {number} has no 'bag'; give one object with 'bag' per line")
        bag = path.parent / row["bag"]
        if not bag.exists():
            raise FileNotFoundError(f"{path}, line {number}: {bag} does not exist")
        name = str(row.get("name") or _stem(bag))
        if Path(name).is_absolute() or any(part.startswith(".") for part in Path(name).parts):
            raise ValueError(
                f"{path}, line {number}: name is {name!r}; give a relative path without '..' or hidden parts"
            )
        yield name, bag
