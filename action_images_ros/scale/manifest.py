"""Resumable job manifest of one output directory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from ..safe_files import FolderLock, remove_leftovers, write_text
from .bags import NamedBag

__all__ = ["FILE", "Entry", "Manifest", "report_path", "work_folder"]

FILE = "manifest.jsonl"
FORMAT = 1
STATES = ("waiting", "running", "done", "failed")
_OURS = {FILE, ".lock", ".work", "reports", "summary.json"}


@dataclass(frozen=True)
class Entry:
    """One recording. state: waiting, running, done or failed. attempts: tries that ended, of all runs. worker, seconds
    and time (UTC) of the last one; report: path below the output folder; error: what the last try failed with."""

    name: str
    bag: str
    state: str = "waiting"
    attempts: int = 0
    worker: str = ""
    seconds: float = 0.0
    report: str = ""
    error: str = ""
    time: str = ""


def report_path(output: str | Path, name: str) -> Path:
    """Where the report of a recording lies."""
    return Path(output) / "reports" / f"{name}.json"


def work_folder(output: str | Path, name: str) -> Path:
    """Where a recording's labels are made before they appear; what a crash leaves there is taken up."""
    return Path(output) / ".work" / name


class Manifest:
    """The list in `output/manifest.jsonl`; use it in a `with` statement. One process at a time holds it.

    The first line has the `settings`, each other line a recording's new state; the last one counts. A
    line is on the disk before its consequences, and a line truncated by a crash is ignored.

    On entering, bags that are new are added, those that were running wait again, and the folder is compared with the
    list: a finished bag that is there counts as done whatever the list says (its appearing, in one rename, decides),
    one that is not there waits again, and so do the failed ones: a new run gives them new tries.

    settings: common to all labels of the folder, such as model and options. Raises ValueError when the folder
    holds other files, when it has other settings, when it lies among the bags, or when another process is at
    work on it.
    """

    def __init__(self, output: str | Path, bags: Iterable[NamedBag], settings: Mapping[str, Any]) -> None:
        self.output = Path(os.path.abspath(output))
        self._bags = list(bags)
        self._settings = json.loads(json.dumps(dict(settings)))
        self._entries: dict[str, Entry] = {}
        self._lock = FolderLock(self.output, "labelling")
        self._file: TextIO | None = None

    def __enter__(self) -> Manifest:
        self._check()
        self._lock.__enter__()
        try:
            self._open()
        except BaseException:
            self._lock.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._lock.__exit__()

    def _check(self) -> None:
        for name, bag in self._bags:
            if self.output == bag or self.output.is_relative_to(bag):
                raise ValueError(f"output {self.output} lies inside the recording {bag}; give a folder elsewhere")
            if bag.is_relative_to(self.output):
                raise ValueError(f"the recording {bag} lies inside output {self.output}; give a folder elsewhere")
            if Path(name).parts[0] in _OURS:
                raise ValueError(f"{bag} would be called {name!r}, a name that the output folder needs; rename it")
        if self.output.exists() and not self.output.is_dir():
            raise ValueError(f"output {self.output} is a file; give a folder")
        if self.output.is_dir() and not (self.output / FILE).is_file():
            others = sorted(p.name for p in self.output.iterdir() if p.name not in _OURS)
            if others:
                raise ValueError(
                    f"output {self.output} holds other files ({', '.join(others[:5])}) and no {FILE}; "
                    "give a new or empty folder"
                )

    def _open(self) -> None:
        path = self.output / FILE
        head = {"format": FORMAT, "settings": self._settings}
        if path.is_file():
            self._read(path)
        for name, bag in self._bags:
            known = self._entries.get(name)
            if known is not None and known.bag != str(bag):
                raise ValueError(
                    f"{path} has {known.bag} under the name {name!r}, now it is {bag}; give another --output"
                )
            self._entries.setdefault(name, Entry(name, str(bag)))
        self._entries = {name: self._as_found(entry) for name, entry in self._entries.items()}
        remove_leftovers(self.output)
        write_text(path, "".join(json.dumps(row) + "\n" for row in (head, *map(asdict, self._entries.values()))))
        self._file = open(path, "a")

    def _read(self, path: Path) -> None:
        lines = path.read_text().splitlines()
        rows = []
        for number, line in enumerate(lines):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                if number < len(lines) - 1 or number == 0:
                    raise ValueError(
                        f"{path}, line {number + 1} is damaged; repair it, or give another --output"
                    ) from None
        if not rows or rows[0].get("format") != FORMAT:
            raise ValueError(f"{path} is no manifest of this version; give another --output")
        before = rows[0]["settings"]
        changed = [
            f"{key} ({before.get(key)!r}, now {self._settings.get(key)!r})"
            for key in sorted({*before, *self._settings})
            if before.get(key) != self._settings.get(key)
        ]
        if changed:
            raise ValueError(
                f"{self.output} was begun with other settings: {'; '.join(changed)}. Labels are not "
                "mixed: call it as before, or give another --output"
            )
        try:
            self._entries = {row["name"]: Entry(**row) for row in rows[1:]}
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} has a line that is no entry ({error}); give another --output") from None

    def _as_found(self, entry: Entry) -> Entry:
        if (self.output / entry.name).exists():
            report = report_path(self.output, entry.name)
            return replace(
                entry,
                state="done",
                error="",
                report=report.relative_to(self.output).as_posix() if report.is_file() else "",
            )
        return replace(entry, state="waiting", report="")

    def entries(self) -> Iterator[Entry]:
        """All recordings with their states."""
        return iter(list(self._entries.values()))

    def entry(self, name: str) -> Entry:
        """One recording."""
        return self._entries[name]

    def update(self, name: str, **changes: Any) -> Entry:
        """Change a recording's fields; written to the disk before it returns."""
        entry = replace(self._entries[name], **changes, time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        if entry.state not in STATES:
            raise ValueError(f"state is {entry.state!r}; choose one of {', '.join(STATES)}")
        assert self._file is not None  # within the `with` statement
        self._file.write(json.dumps(asdict(entry)) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._entries[name] = entry
        return entry
