"""The benchmarks by name: their tasks and groups, how an environment is made, at which pace and within which limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .protocol import Environment
from .selection import nearest, select_tasks

__all__ = ["TRAINING_SEEDS_FROM", "Benchmark", "benchmark_names", "check_seeds", "find_benchmark"]

TRAINING_SEEDS_FROM = 1_000_000
"""Demonstrations are recorded with seeds from here on, evaluations run with seeds below."""


@dataclass(frozen=True)
class Benchmark:
    """A family of tasks others wrote.

    groups: LeRobot's. make(task, image_size): a new environment, its process included. dt_s: between recorded frames;
    time_limit_s: of an episode. parameter_files: below the package's share folder, of the executor. suffix: of task
    names.
    """

    name: str
    tasks: tuple[str, ...]
    groups: Mapping[str, Sequence[str]]
    make: Callable[[str, tuple[int, int]], Environment]
    dt_s: float
    time_limit_s: float
    parameter_files: tuple[str, ...]
    suffix: str = ""
    group_of: Mapping[str, str] = field(default_factory=dict)

    def select(self, text: str) -> list[str]:
        """Tasks named by 'all', groups, tasks or GROUP:INDEX; ValueError with the nearest names for an unknown one."""
        return select_tasks(text, self.tasks, self.groups, self.suffix)

    def check_dt(self, model: str, dt: float) -> None:
        """Raise ValueError where a model's frames are not as far apart as this benchmark's."""
        if abs(dt - self.dt_s) > 1e-6:
            raise ValueError(
                f"dt of model {model} is {dt:g} s, {self.name} is recorded every {self.dt_s:g} s; give a model "
                f"trained for it (config/training/{self.name}.yaml)"
            )


def check_seeds(seed: int, episodes: int, training: Sequence[Sequence[int]] = ()) -> None:
    """Raise ValueError where the seeds `seed`, `seed + 1`, .. overlap those of demonstrations.

    training: ranges (first, last) a model's card lists; seeds from TRAINING_SEEDS_FROM on are taken for training seeds
    too.
    """
    last = seed + episodes - 1
    if last >= TRAINING_SEEDS_FROM:
        raise ValueError(
            f"seeds are {seed}..{last}; demonstrations have the seeds from {TRAINING_SEEDS_FROM} on: choose lower ones"
        )
    for low, high in training:
        if seed <= high and low <= last:
            raise ValueError(
                f"seeds {seed}..{last} overlap {low}..{high}, which the model was trained on; choose others"
            )


@lru_cache(maxsize=1)
def _metaworld() -> Benchmark:
    from .metaworld import DT_S, HORIZON_S, MT10, TASKS, MetaWorldEnvironment

    group_of = {name: task.group for name, task in TASKS.items()}
    groups: dict[str, Sequence[str]] = {"mt10": MT10, "mt50": tuple(TASKS)}
    for group in ("easy", "medium", "hard", "very_hard"):
        groups[group] = tuple(name for name in TASKS if group_of[name] == group)
    return Benchmark(
        "metaworld",
        tuple(TASKS),
        groups,
        lambda task, size: MetaWorldEnvironment(task, image_size=size),
        DT_S,
        HORIZON_S,
        ("config/policy.yaml", "config/benchmarks/metaworld.yaml"),
        suffix="-v3",
        group_of=group_of,
    )


_BENCHMARKS: dict[str, Callable[[], Benchmark]] = {"metaworld": _metaworld}


def benchmark_names() -> tuple[str, ...]:
    """Names of the benchmarks, installed or not."""
    return tuple(_BENCHMARKS)


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of this name; ValueError with the nearest names for another."""
    if name not in _BENCHMARKS:
        raise ValueError(
            f"env is {name!r}; choose cell, {', '.join(_BENCHMARKS)} (nearest: "
            f"{nearest(name, ['cell', *_BENCHMARKS], 1)})"
        )
    return _BENCHMARKS[name]()
