"""What every closed-loop evaluation has in common: its modes, the check of its arguments, the policy of a process."""

from __future__ import annotations

from functools import cache

from ..policy.protocol import Policy
from ..policy.registry import RUNTIMES, load_policy

__all__ = ["MODES", "MODEL_MODES", "check_arguments", "check_choice", "check_counts", "loaded_policy"]

MODES = ("policy", "blind", "replay", "replay-codec")
"""policy; blind: images of another seed; replay: the expert's poses; replay-codec: the same through action images."""
MODEL_MODES = ("policy", "blind")
"""The modes that need a model."""


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(choices)}")


def check_arguments(mode: str, runtime: str, **counts: int) -> None:
    """Raise ValueError naming the first wrong argument; counts as in `check_counts`."""
    check_choice("mode", mode, MODES)
    check_choice("runtime", runtime, RUNTIMES)
    check_counts(**counts)


def check_counts(**counts: int) -> None:
    """Raise ValueError naming the first integer below 1; `seed` may be 0."""
    for name, value in counts.items():
        low = 0 if name == "seed" else 1
        if value < low:
            raise ValueError(f"{name} is {value}; give {low} or more")


@cache
def loaded_policy(name: str, runtime: str, threads: int | None) -> Policy:
    """The policy, loaded once per process."""
    return load_policy(name, runtime=runtime, threads=threads)
