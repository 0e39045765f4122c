"""Which files are recordings, by their first bytes."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["are_parts", "is_bag", "is_storage_name", "magic", "storage_files"]

_MAGIC = {b"\x89MCAP0\r\n": ".mcap", b"SQLite format 3\0": ".db3", b"#ROSBAG V": ".bag"}
_PACKED = (".mcap.zstd", ".db3.zstd")
_PART = re.compile(r"(.+)_\d+(\.mcap|\.db3)(\.zstd)?")


def is_bag(path: str | Path) -> bool:
    """Whether this looks like one recording: a folder with metadata.yaml, one of a single storage file or of the parts
    of one recording, or a storage file. A folder with several recordings is none."""
    path = Path(path)
    if path.is_dir():
        if (path / "metadata.yaml").is_file():
            return True
        files = storage_files(path)
        return len(files) == 1 or are_parts(files)
    return path.is_file() and (is_storage_name(path) or magic(path) is not None)


def is_storage_name(path: Path) -> bool:
    """Whether a file's name says that it is a recording, packed or not."""
    return path.suffix in _MAGIC.values() or "".join(path.suffixes[-2:]) in _PACKED


def storage_files(folder: Path) -> list[Path]:
    """The MCAP and sqlite3 files of a folder, also packed ones (.mcap.zstd)."""
    endings = (".mcap", ".db3", *_PACKED)
    return sorted(file for file in folder.iterdir() if file.name.endswith(endings) and file.is_file())


def are_parts(files: list[Path]) -> bool:
    """Whether several files are named as the parts of one recording: NAME_0, NAME_1, .."""
    names = {match[1] for file in files if (match := _PART.fullmatch(file.name))}
    return len(files) > 1 and len(names) == 1 and all(_PART.fullmatch(file.name) for file in files)


def magic(path: Path) -> str | None:
    """The suffix that a file's first bytes ask for; None where they are of no recording."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError:
        return None
    return next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), None)
