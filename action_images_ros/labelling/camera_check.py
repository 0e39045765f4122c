"""Self-calibration while a policy runs: frames are kept as they come, read now and then, cameras judged and corrected.

Free of ROS. One thread gives frames (`look`), another one, the model's, reads them (`judge`); any may ask.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..calibration.results import CORRECTED
from ..calibration.watch import CHECK, CORRECT, CameraState, CameraWatch
from ..geometry.arrays import Floats
from ..policy.observation import Observation
from .camera_reader import CameraReader, ToolFrames

__all__ = ["CameraCheck", "frames_of"]

PERIOD_S = 0.2
"""Time between the frames that are kept."""
LEAST_FRAMES = 4
SHARE = 6.0
"""A reading is due again after so many times as long as it took."""
LEAST_PAUSE_S = 0.6
CERTAIN = 2
"""Readings in a row that find a camera wrong before the arm is held for it."""


def frames_of(observations: Sequence[Observation]) -> ToolFrames:
    """Observations of the same cameras as frames to read."""
    first = observations[0]
    return ToolFrames(
        first.camera_names,
        np.stack([o.images for o in observations], axis=1),
        first.K,
        np.stack([o.tool_pose for o in observations]),
        np.array([o.stamp_ns for o in observations]),
        first.instruction,
    )


class CameraCheck:
    """Watches the cameras of a policy that `Labels`. mode: `check` or `correct` (see `calibration.watch`)."""

    def __init__(
        self,
        model: Any,
        cameras: Sequence[str],
        mode: str = CHECK,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mode, self.watch = mode, CameraWatch(cameras, mode)
        self._reader, self._clock = CameraReader(model), clock
        self._lock = threading.Lock()
        self._frames: deque[Observation] = deque(maxlen=int(model.card.frames))
        self._last: Observation | None = None
        self._due_s = -np.inf
        self._wrong: dict[str, int] = {}
        self._told = 0  # counts what was told about the cameras
        self.seconds = 0.0
        """What the last reading took."""

    def wants(self, stamp_ns: int) -> bool:
        """Whether a frame of that time is to be kept."""
        with self._lock:
            return not self._frames or abs(stamp_ns - self._frames[-1].stamp_ns) >= 0.9e9 * PERIOD_S

    def look(self, observation: Observation) -> bool:
        """Keep a frame; its cameras as they were given. True where they are given anew, or time was set back: then all
        that was found before is dropped."""
        with self._lock:
            last, self._last = self._last, observation
            anew = last is not None and (
                observation.stamp_ns < last.stamp_ns
                or not np.allclose(observation.world_from_camera, last.world_from_camera, atol=1e-4)
                or not np.allclose(observation.K, last.K, rtol=1e-3)
            )
            if anew:
                self._frames.clear()
                self._wrong.clear()
                self.watch.reset()
                self._told += 1
            self._frames.append(observation)
            return anew

    @property
    def due(self) -> bool:
        """Whether there is something to read, and the time for it."""
        with self._lock:
            return len(self._frames) >= LEAST_FRAMES and self._clock() >= self._due_s

    def judge(self) -> dict[str, CameraState]:
        """Read the frames since the last time and judge every camera; runs the model."""
        with self._lock:
            frames, count = list(self._frames), self._told
            self._frames.clear()
        if not frames:
            return dict(self.watch.states)
        begin = self._clock()
        told = frames[-1].world_from_camera
        readings = self._reader.read(frames_of(frames), self.watch.world_from_camera(told))
        with self._lock:
            states: dict[str, CameraState] = {}
            if count == self._told:  # else the cameras were given anew meanwhile
                states = dict(self.watch.add(readings, told))
            for name, state in states.items():
                wrong = state.verdict == CORRECTED and state.workspace_m >= self.watch.settings.least_m
                self._wrong[name] = self._wrong.get(name, 0) + 1 if wrong else 0
        self.seconds = self._clock() - begin
        self._due_s = self._clock() + max(LEAST_PAUSE_S, SHARE * self.seconds)
        return states

    def hold(self, camera: str) -> str:
        """Why the arm must not move by this camera; "" where it may."""
        state = self.watch.states.get(camera)
        if state is None:
            return ""
        if state.moved:
            return state.reason
        if self.mode == CHECK and self._wrong.get(camera, 0) >= CERTAIN:
            return (
                f"camera {camera} is {1000 * state.workspace_m:.0f} mm at the workspace from where it is said to be: "
                "recalibrate (action-images calibrate)"
            )
        return ""

    def corrected(self, camera: str) -> bool:
        """Whether another place than the given one is used for this camera."""
        state = self.watch.states.get(camera)
        return self.mode == CORRECT and state is not None and state.verdict == CORRECTED

    def world_from_camera(self, told: Floats) -> Floats:
        """Cameras `[V, 4, 4]` to use where `told` is given."""
        return self.watch.world_from_camera(told)
