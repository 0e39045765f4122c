"""Task lists as LeRobot writes them: groups, names and indices; errors name the nearest known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

__all__ = ["nearest", "select_tasks"]


def nearest(name: str, known: Sequence[str], count: int = 3) -> str:
    """The known names most like `name`, for an error message."""
    lowered = {word.lower(): word for word in known}
    found = get_close_matches(name.lower(), lowered, n=count, cutoff=0.0)
    return ", ".join(lowered[word] for word in found)


def select_tasks(text: str, tasks: Sequence[str], groups: Mapping[str, Sequence[str]], suffix: str = "") -> list[str]:
    """Tasks named by `text`, in its order, each once.

    text: 'all', groups, tasks and `GROUP:INDEX`, separated by commas; a task may be written without its `suffix`.
    Raises ValueError with the nearest names for an unknown one and for an index outside its group.
    """
    chosen: list[str] = []
    for name in (word.strip() for word in text.split(",")):
        if not name:
            continue
        group, colon, index = name.partition(":")
        if name == "all":
            chosen += tasks
        elif name in groups:
            chosen += groups[name]
        elif name in tasks or name + suffix in tasks:
            chosen.append(name if name in tasks else name + suffix)
        elif colon and group in groups and index.isdigit():
            if int(index) >= len(groups[group]):
                raise ValueError(f"tasks names {name}; {group} has the indices 0..{len(groups[group]) - 1}")
            chosen.append(groups[group][int(index)])
        else:
            raise ValueError(
                f"tasks names {name!r}, which is unknown; the nearest are {nearest(name, ['all', *groups, *tasks])}"
            )
    if not chosen:
        raise ValueError(f"tasks is {text!r}; give all, {', '.join(groups)} or names of tasks")
    return list(dict.fromkeys(chosen))
