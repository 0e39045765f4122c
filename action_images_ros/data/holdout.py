"""Which episodes of a dataset are held out of the training."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

__all__ = ["split_episodes"]


def split_episodes(episodes: list[T], fraction: float) -> tuple[list[T], list[T]]:
    """(training, validation): every n-th episode is held out."""
    every = max(2, round(1 / fraction)) if fraction > 0 else len(episodes) + 1
    held = episodes[every - 1 :: every]
    return [e for i, e in enumerate(episodes) if (i + 1) % every], held or episodes[:1]
