"""The scripted expert's next motion for the oracle policy, rolled out in a copy of the cell.

It runs in a thread of its own, so that the cell keeps running.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..control.chunk import Chunk

__all__ = ["ExpertPlanner", "roll_out_expert"]


def roll_out_expert(cell, seconds: float, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps `cell` by its expert; poses `[N, 7]` of the ROBOT tool and openness `[N]` every `dt` seconds from now on.

    N = seconds / dt + 1. The first pose is where the arm is, the others are what was commanded.
    """
    expert, ticks = cell.expert(), round(dt / cell.control_period)
    poses, openness = [cell.tcp_pose], []
    for _ in range(round(seconds / dt)):
        for _ in range(ticks):
            target, grip = expert.target(cell)
            cell.step(target, grip, cell.control_period)
        openness.append(grip)
        poses.append(cell.commanded_pose)
    return np.stack(poses), np.array([*openness, openness[-1]])


class ExpertPlanner:
    """Rolls the expert out from given states; `publish(chunk)` is called from its thread."""

    def __init__(self, make_copy: Callable, publish: Callable[[Chunk], None], seconds: float, dt: float) -> None:
        self._make_copy, self._publish, self._seconds, self._dt = make_copy, publish, seconds, dt
        self._copy: Any = None
        self._time_ns = 0
        self._work, self._idle = threading.Event(), threading.Event()
        self._stop = False
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="expert", daemon=True)
        self._thread.start()

    def follow(self, task: str, seed: int) -> None:
        """Another scene: make the copy that states are written into."""
        self._idle.wait()
        if self._copy is not None:
            self._copy.close()
        self._copy = self._make_copy(task, seed)

    def plan(self, cell, time_ns: int) -> None:
        """Roll out from the present state of `cell`; ignored while a plan is being computed."""
        if not self._idle.is_set():
            return
        from ..gl import mujoco

        copy = self._copy
        mujoco.mj_copyData(copy.data, copy.model, cell.data)
        # The command being executed is part of the state that the expert sees; the cell keeps it to itself.
        copy._rig.arm._configuration.update(cell._rig.arm._configuration.q.copy())
        copy._openness_command = cell.commanded_openness
        self._time_ns = time_ns
        self._idle.clear()
        self._work.set()

    def close(self) -> None:
        """End the thread."""
        self._stop = True
        self._work.set()
        self._thread.join(timeout=10.0)
        if self._copy is not None:
            self._copy.close()

    def _run(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            if self._stop:
                return
            poses, openness = roll_out_expert(self._copy, self._seconds, self._dt)
            count = len(poses)
            self._publish(
                Chunk(self._time_ns, self._dt, poses, openness, np.zeros((count, 6, 6)), np.ones(count, dtype=bool))
            )
            self._idle.set()
