"""Commands that the documentation shows: found in code blocks and inline code, split into words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = ("action-images", "make", "ros2", "accelerate", "torchrun")
_INLINE = re.compile(rf"(?<!`)`((?:{'|'.join(_PROGRAMS)}) [^`\n]*(?:\n[^`\n]+)?)`(?!`)")


@dataclass(frozen=True)
class Shown:
    """One command line of a page."""

    page: str
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def pages(root: Path) -> list[Path]:
    """README, CONTRIBUTING and every page of docs/."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


def shown_commands(root: Path) -> list[Shown]:
    """Commands of this package in all pages, continued lines joined, variables before the command dropped."""
    return [found for page in pages(root) for found in _of_page(page, page.relative_to(root).as_posix())]


def _of_page(path: Path, name: str) -> Iterator[Shown]:
    text = path.read_text()
    lines = text.splitlines()
    number, fenced = 0, False
    while number < len(lines):
        start, line = number + 1, lines[number]
        number += 1
        if line.startswith("```"):
            fenced = not fenced
        if not fenced and not line.startswith("    "):
            continue
        while line.endswith("\\") and number < len(lines):
            line = f"{line[:-1].rstrip()} {lines[number].strip()}"
            number += 1
        for part in line.split("&&"):
            command = re.sub(r"^\s*(?:[A-Z_]+=\S+ )*", "", part).strip()
            if command.startswith(tuple(f"{program} " for program in _PROGRAMS)):
                yield Shown(name, start, command)
    for match in _INLINE.finditer(text):
        yield Shown(name, text[: match.start()].count("\n") + 1, " ".join(match[1].split()))
