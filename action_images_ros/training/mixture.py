"""Folders of episodes: held-out part and share of the training of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.episode import Episode, load_episodes
from ..data.holdout import split_episodes


@dataclass(frozen=True)
class Mixture:
    """Episodes to train on and to validate on; `parts` and `held_parts` as `WindowSampler` takes them."""

    training: list[Episode]
    held: list[Episode]
    parts: list[tuple[int, float]] | None
    held_parts: list[tuple[int, float]] | None
    facts: dict

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(sorted({e.task for e in [*self.training, *self.held]}))

    @property
    def instructions(self) -> list[str]:
        return sorted({e.instruction for e in [*self.training, *self.held]})


def seed_ranges(seeds: Sequence[int]) -> list[list[int]]:
    """Seeds as ranges [first, last] of consecutive numbers."""
    ranges: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ranges


def load_mixture(folders: Sequence[str | Path], shares: Sequence[float] | None, fraction: float) -> Mixture:
    """Loads folders of episodes, holding a fraction of each out.

    shares: of the windows drawn, one per folder, in any unit; None: as many as the folders have.
    Raises ValueError for no folders, shares that do not fit, or an empty folder.
    """
    folders = [Path(folder) for folder in folders]
    if not folders:
        raise ValueError("data names no folder: give one written by `action-images collect`")
    if shares is not None and (len(shares) != len(folders) or not all(share > 0 for share in shares)):
        raise ValueError(f"share is {list(shares)} for {len(folders)} folders of data; give a positive number for each")
    training, held, sources = [], [], []
    for folder in folders:
        kept, out = split_episodes(load_episodes(folder), fraction)
        training.append(kept)
        held.append(out)
        sources.append(
            {
                "folder": Path(folder).name,
                "episodes": len(kept),
                "tasks": sorted({e.task for e in [*kept, *out]}),
                "seeds": seed_ranges([e.seed for e in [*kept, *out]]),
            }
        )
    parts = held_parts = None
    if shares is not None:
        total = sum(shares)
        for source, share in zip(sources, shares, strict=True):
            source["share"] = round(share / total, 4)
        parts, held_parts = (
            [(len(group), share / total) for group, share in zip(groups, shares, strict=True)]
            for groups in (training, held)
        )
    flat, flat_held = sum(training, []), sum(held, [])
    facts = {
        "episodes": len(flat),
        "frames": int(sum(len(e.poses) for e in flat)),
        "held_out": len(flat_held),
        "cameras": sorted({len(e.K) for e in flat}),
        "sources": sources,
    }
    return Mixture(flat, flat_held, parts, held_parts, facts)
