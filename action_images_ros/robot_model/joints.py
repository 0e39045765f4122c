"""The arm's joint positions as `joint_states` give them, whole or in parts; nothing of ROS, the time is given."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..control.chunk_check import LimitExceeded

__all__ = ["JointPositions"]


class JointPositions:
    """Remembers the newest position of each of `joints`; thread-safe. Times are seconds of the steady clock.

    Other joints, a gripper's, are left out. What never came is unknown; what came and is silent, incomplete or not
    finite is doubtful.
    """

    def __init__(self, joints: Sequence[str], timeout_s: float) -> None:
        self._joints, self._timeout_s = tuple(joints), timeout_s
        self._newest: dict[str, tuple[float, float]] = {}
        self._broken = ""

    def take(self, names: Sequence[str], positions: Sequence[float], steady_s: float) -> None:
        """Note one message."""
        if not any(name in self._joints for name in names):
            return
        if len(names) != len(positions):
            self._broken = f"joint_states have {len(names)} names and {len(positions)} positions"
            return
        self._broken = ""
        found = {name: (float(at), steady_s) for name, at in zip(names, positions, strict=True) if name in self._joints}
        self._newest = {**self._newest, **found}

    @property
    def heard(self) -> bool:
        """Whether any of the joints was heard of."""
        return bool(self._newest or self._broken)

    def now(self, steady_s: float) -> npt.NDArray[np.float64] | None:
        """Positions `[n]`, None when none ever came; raises LimitExceeded when they are doubtful."""
        if not self.heard:
            return None
        newest, why = self._newest, self._broken
        missing = [name for name in self._joints if name not in newest]
        infinite = [name for name, (at, _) in newest.items() if not math.isfinite(at)]
        age = steady_s - min((when for _, when in newest.values()), default=steady_s)
        if not why and missing:
            why = f"joint_states lack {', '.join(missing)}"
        if not why and infinite:
            why = f"joint_states of {', '.join(infinite)} are not finite"
        if not why and age > self._timeout_s:
            why = f"joint_states are silent for {age:.1f} s (joints_timeout {self._timeout_s:g} s)"
        if why:
            raise LimitExceeded(f"{why}; check the joint state broadcaster", "start")
        return np.array([newest[name][0] for name in self._joints])
