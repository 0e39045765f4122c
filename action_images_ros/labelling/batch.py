"""Label a list of recordings one after the other; an error in one does not affect the others."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..paths import models_path
from .offline import LabelOptions, label_bag, report_path

__all__ = ["label_bags", "targets"]


def targets(bags: Sequence[Path], output: Path) -> dict[Path, Path]:
    """Output folder of each recording: `output` itself for one, `output/NAME` for more."""
    if len(bags) == 1:
        return {bags[0]: output}
    made = {bag: output / (bag.stem if bag.suffix in (".mcap", ".db3") else bag.name) for bag in bags}
    if len(set(made.values())) < len(bags):
        raise ValueError(
            f"bags are {[str(bag) for bag in bags]}; their names must differ, since the outputs are named like them"
        )
    return made


def label_bags(
    bags: Sequence[Path],
    output: Path,
    model: str | os.PathLike,
    options: LabelOptions = LabelOptions(),  # noqa: B008
    *,
    threads: int | None = None,
    progress: Callable[[str, float, str], None] = lambda name, share, doing: None,
    load: Callable | None = None,
) -> tuple[list[dict], dict[str, str]]:
    """Label recordings; returns the reports, and the errors by path. In a list, finished recordings are skipped.

    progress: called with name, share done and stage. load: loads the model (default: `load_policy`).
    """
    wanted = targets(bags, output)
    folder = models_path(model)
    if load is None:
        from ..policy.registry import load_policy

        load = load_policy
    loaded = None
    reports: list[dict] = []
    failed: dict[str, str] = {}
    for bag, target in wanted.items():
        if len(bags) > 1 and target.exists() and report_path(target).is_file():
            progress(bag.name, 1.0, "done before")
            continue
        try:
            if target.exists():
                raise ValueError(f"{target} exists already; give a new name, recordings are never overwritten")
            if not bag.exists():
                raise FileNotFoundError(f"{bag} does not exist; give a rosbag2 folder, a .mcap or a .db3 file")
            loaded = loaded or load(folder, threads=threads)
            reports.append(
                label_bag(
                    bag,
                    target,
                    loaded,
                    options,
                    model_name=str(folder),
                    progress=functools.partial(progress, bag.name),
                )
            )
        except (ValueError, FileNotFoundError) as error:
            failed[str(bag)] = str(error)
    return reports, failed
