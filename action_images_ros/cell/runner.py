"""The simulated cell in a thread of its own, paced against the steady clock; output by callbacks.

The thread owns the simulation and its renderer (a GL context belongs to one thread). It runs at `factor` times real
time, or as fast as the machine can: simulated time then passes more slowly, it never jumps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_RESET_NS = 4_000_000_000
"""Simulated time that setting up a scene takes: what was seen or planned in the scene before is then too old."""

__all__ = ["CellRunner", "CellSettings", "Commands", "Snapshot"]


@dataclass(frozen=True)
class CellSettings:
    """What to simulate and how fast."""

    task: str
    seed: int
    cameras: int = 2
    image_size: tuple[int, int] = (192, 192)
    camera_rate: float = 10.0  # pictures per simulated second
    factor: float = 1.0  # simulated seconds per second at most
    command_timeout: float = 0.5  # s of the steady clock without a command until the arm holds


@dataclass(frozen=True)
class Snapshot:
    """The cell at one moment of its time; images only when the cameras took a picture."""

    time_ns: int
    tcp_pose: np.ndarray
    joint_names: tuple[str, ...]
    joint_positions: np.ndarray
    success: bool
    images: np.ndarray | None


@dataclass
class Commands:
    """The newest commands and their times of arrival (steady seconds); thread-safe by replacement of whole values."""

    pose: tuple[np.ndarray, float] | None = None
    openness: float | None = None
    held: bool = field(default=True)


class CellRunner:
    """Steps a cell made by `make_cell(task, seed, image_size=..., cameras=...)` and calls back from its thread.

    on_reset(cell, time_ns) after the cell was made or reset; on_tick(snapshot) after every control tick. Time goes
    on over resets.
    """

    def __init__(
        self,
        settings: CellSettings,
        make_cell: Callable,
        on_reset: Callable,
        on_tick: Callable,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.commands = settings, Commands()
        self.measured_factor = 0.0
        self._make, self._on_reset, self._on_tick, self._steady = make_cell, on_reset, on_tick, steady
        self._cell: Any = None
        self._offset_ns = 1_000_000_000
        self._next_picture_ns = 0
        self._requests: list[tuple[str, int, threading.Event, list[str]]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cell", daemon=True)
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin; the cell is made in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the cell."""
        self._stop.set()
        self._thread.join(timeout=10.0)

    def reset(self, task: str, seed: int, timeout: float = 60.0) -> str:
        """Set up another scene; returns when it is done, with a complaint or an empty string."""
        done = threading.Event()
        complaint: list[str] = []
        with self._lock:
            self._requests.append((task, seed, done, complaint))
        if not done.wait(timeout):
            return f"the cell did not reset within {timeout:g} s"
        return complaint[0] if complaint else ""

    def _run(self) -> None:
        try:
            self._set_up(self.settings.task, self.settings.seed)
            self._loop()
        except Exception as error:
            self.failure = error
        finally:
            if self._cell is not None:
                self._cell.close()

    def _set_up(self, task: str, seed: int) -> None:
        cell = self._make(task, seed, image_size=self.settings.image_size, cameras=self.settings.cameras)
        if self._cell is not None:
            self._offset_ns = self.time_ns() + _RESET_NS
            self._cell.close()
        self._cell = cell
        self.commands = Commands()
        self._next_picture_ns = 0
        self._on_reset(cell, self.time_ns())
        self._tell()

    def time_ns(self) -> int:
        """Simulated time, which continues over resets; it does not start at 0, the invalid stamp."""
        return self._offset_ns + self._cell.time_ns

    def _loop(self) -> None:
        begin, began_ns = self._steady(), self.time_ns()
        window, window_ns, factor = begin, began_ns, self.settings.factor
        while not self._stop.is_set():
            if self._serve_requests() or factor != self.settings.factor:
                factor = self.settings.factor
                begin, began_ns = self._steady(), self.time_ns()
                window, window_ns = begin, began_ns
            self._step()
            due = begin + (self.time_ns() - began_ns) * 1e-9 / factor
            late = self._steady() - due
            if late < 0:
                self._stop.wait(-late)
            elif late > 0.2:  # cannot keep up: let time pass more slowly instead of catching up in a rush
                begin, began_ns = self._steady(), self.time_ns()
            if self._steady() - window > 2.0:
                self.measured_factor = (self.time_ns() - window_ns) * 1e-9 / (self._steady() - window)
                window, window_ns = self._steady(), self.time_ns()

    def _serve_requests(self) -> bool:
        with self._lock:
            requests, self._requests = self._requests, []
        for task, seed, done, complaint in requests:
            try:
                self._set_up(task, seed)
            except ValueError as error:
                complaint.append(str(error))
            done.set()
        return bool(requests)

    def _step(self) -> None:
        cell, pose = self._cell, self.commands.pose
        if pose is not None and self._steady() - pose[1] > self.settings.command_timeout:
            pose = None
        self.commands.held = pose is None
        target = cell.commanded_pose if pose is None else pose[0]
        openness = cell.commanded_openness if self.commands.openness is None else self.commands.openness
        cell.step(target, openness, cell.control_period)
        self._tell()

    def _tell(self) -> None:
        cell, now_ns = self._cell, self.time_ns()
        images = None
        if cell.time_ns >= self._next_picture_ns:
            images = cell.render()
            self._next_picture_ns = cell.time_ns + round(1e9 / self.settings.camera_rate) - 1_000_000
        self._on_tick(
            Snapshot(now_ns, cell.tcp_pose, tuple(cell.joint_names), cell.joint_positions, bool(cell.success()), images)
        )
