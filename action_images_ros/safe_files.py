"""Files as the world has them: written whole or not at all, read with bounds, never outside the folder they belong to.

Everything that is read may come from a stranger: sizes are bounded, only regular files are opened (a FIFO would block
for ever), and a name taken from a file never leads out of its folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "LOCK",
    "FolderLock",
    "disk_errors",
    "inside",
    "lines_of_json",
    "load_json",
    "load_yaml",
    "parse_yaml",
    "plain_name",
    "read_bytes",
    "remove_leftovers",
    "whole_file",
    "whole_folder",
    "write_text",
]

LOCK = ".lock"
"""Name of the file in a folder that one process is writing."""
TEXT_LIMIT = 64_000_000
"""Bytes of a side file (JSON, YAML, index) that are read at most."""
_NODES = 2_000_000  # values in a YAML document after all its references are followed
_NAME = re.compile(r"[^\w.+-]+")


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed to it at the end of the block, removed if the block fails.

    The name keeps the suffix, so that libraries that choose by it are content. On the disk (fsync) before the rename.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder beside `path` to fill; renamed to it at the end of the block, removed if the block fails."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        os.rename(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_leftovers(folder: str | Path, pattern: str = "") -> None:
    """Remove what `whole_file` and `whole_folder` left in a folder (of `pattern`, such as "**/") when killed in it."""
    for left in list(Path(folder).glob(f"{pattern}.*.part*")):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text)


@contextlib.contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Turn a full or read-only disk into a ValueError with the remedy; what is whole stays, the same call goes on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ValueError(
                f"{path} cannot be written: no space left on the disk; free some and call it again, what "
                "is done is kept"
            ) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise ValueError(
                f"{path} cannot be written ({error.strerror}); give a folder that you may write to"
            ) from error
        raise


class FolderLock:
    """One writer in a folder at a time; use it in a `with` statement. ValueError names the process that holds it.

    The lock is the operating system's: it ends with the process, whatever ends that. name: of its file, where what is
    written is not there yet and its parent's other entries are free.
    """

    def __init__(self, folder: str | Path, what: str = "this folder", *, name: str = LOCK) -> None:
        self._path, self._what = Path(folder) / name, what
        self._file: Any = None

    @property
    def _place(self) -> Path:
        name = self._path.name.removesuffix(".lock").strip(".")
        return self._path.parent / name if name else self._path.parent

    def __enter__(self) -> FolderLock:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                file = open(self._path, "a+")
                self._take(file)
                if self._path.exists() and os.fstat(file.fileno()).st_ino == self._path.stat().st_ino:
                    break
                file.close()  # the holder before removed it between our opening and locking it
        self._file = file
        file.seek(0)
        file.truncate()
        with contextlib.suppress(OSError):  # a full disk: the lock holds without its text
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        return self

    def _take(self, file: Any) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(200).strip() or "not known which"
            file.close()
            raise ValueError(
                f"{self._place} is being written by another process ({holder}: {self._what}); wait for it, or give "
                "another folder"
            ) from None

    def __exit__(self, *_: object) -> None:
        if self._file is None or self._file.closed:
            return
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._file.close()


def plain_name(text: str, fallback: str = "unnamed") -> str:
    """A name from a file as one that is safe as part of a file name: no separators, no leading dot, at most 80 long."""
    return _NAME.sub("_", str(text)).strip("._")[:80] or fallback


def inside(folder: str | Path, name: str) -> Path:
    """`folder / name`; ValueError when that leaves the folder, through `..`, an absolute path or a link."""
    folder = Path(folder)
    path = folder / str(name)
    root = folder.resolve()
    if "\0" in str(name) or os.path.isabs(str(name)) or not path.resolve().is_relative_to(root):
        raise ValueError(f"{folder} names the file {str(name)!r}, which lies outside of it; it is not read")
    return path


def read_bytes(path: str | Path, limit: int = TEXT_LIMIT) -> bytes:
    """The content of a regular file of at most `limit` bytes; ValueError naming the file otherwise."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise ValueError(f"{path} is no regular file; give a copy that is")
    size = path.stat().st_size
    if size > limit:
        raise ValueError(f"{path} has {size:,} bytes, such files have fewer than {limit:,}; is it another file?")
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check its rights and the disk") from None
    if len(data) > limit:
        raise ValueError(f"{path} grows beyond {limit:,} bytes; is it another file?")
    return data


def load_json(path: str | Path, kind: type | None = dict) -> Any:
    """The content of a JSON file, of type `kind`; ValueError naming the file otherwise."""
    try:
        value = json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({type(error).__name__}: {error}); copy it again") from None
    if kind is not None and not isinstance(value, kind):
        raise ValueError(f"{path} holds {type(value).__name__}, not {kind.__name__}; copy it again")
    return value


def lines_of_json(path: str | Path) -> list[dict[str, Any]]:
    """The objects of a file with one JSON object per line; ValueError naming file and line otherwise."""
    rows = []
    for number, line in enumerate(read_bytes(path).decode(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{path}, line {number} is no JSON ({error}); copy it again") from None
        if not isinstance(row, dict):
            raise ValueError(f"{path}, line {number} is no JSON object; copy it again")
        rows.append(row)
    return rows


def load_yaml(path: str | Path, limit: int = TEXT_LIMIT) -> Any:
    """The content of a YAML file; ValueError naming the file when it is none or unfolds without end."""
    text = read_bytes(path, limit).decode(errors="replace")
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text; `where` names it in the ValueError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(_without_matrix_tags(text))
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {}, set())
        return loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, OverflowError) as error:
        first = " ".join(str(error).split())[:200]
        raise ValueError(f"{where} is no YAML that can be read ({first}); repair it") from None
    finally:
        loader.dispose()


def _without_matrix_tags(text: str) -> str:
    """OpenCV's YAML: its header and the tag of its matrices are not YAML's own."""
    return text.replace("%YAML:1.0", "", 1).replace("!!opencv-matrix", "")


def _measure(node: yaml.Node, sizes: dict[int, int], above: set[int]) -> int:
    """Values below a node with references followed; ValueError when they are too many or contain themselves."""
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in above:
        raise ValueError("it refers to itself")
    above.add(id(node))
    size = 1
    if isinstance(node, yaml.MappingNode):
        size += sum(_measure(part, sizes, above) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_measure(part, sizes, above) for part in node.value)
    above.discard(id(node))
    if size > _NODES:
        raise ValueError("it unfolds to millions of values")
    sizes[id(node)] = size
    return size
