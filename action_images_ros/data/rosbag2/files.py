"""Which files are recordings, by their first bytes."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_bag", "magic", "storage_files"]

_MAGIC = {b"\x89MCAP0\r\n": ".mcap", b"SQLite format 3\0": ".db3", b"#ROSBAG V": ".bag"}


def is_bag(path: str | Path) -> bool:
    """Whether this looks like one recording: a folder with metadata.yaml or storage files, or a storage file."""
    path = Path(path)
    if path.is_dir():
        return (path / "metadata.yaml").is_file() or bool(storage_files(path))
    return path.is_file() and (path.suffix in _MAGIC.values() or magic(path) is not None)


def storage_files(folder: Path) -> list[Path]:
    """The MCAP and sqlite3 files of a folder."""
    return sorted(file for suffix in (".mcap", ".db3") for file in folder.glob(f"*{suffix}") if file.is_file())


def magic(path: Path) -> str | None:
    """The suffix that a file's first bytes ask for; None where they are of no recording."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError:
        return None
    return next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), None)
