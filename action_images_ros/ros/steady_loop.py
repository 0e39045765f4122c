"""A thread that calls a function at a fixed rate of the steady clock, whatever the rest of the process does."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

__all__ = ["SteadyLoop"]


class SteadyLoop:
    """Calls `tick` every `period_s`; `failed` gets an exception of it, and the calls go on.

    priority: of SCHED_FIFO, 0: none; `refused` gets one line where it is not granted (limits.conf: rtprio).
    """

    def __init__(
        self,
        name: str,
        period_s: float,
        tick: Callable[[], None],
        failed: Callable[[Exception], None],
        *,
        priority: int = 0,
        refused: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._name, self.period_s, self._tick, self._failed = name, period_s, tick, failed
        self._priority, self._refused = priority, refused
        self._periods: deque[float] = deque(maxlen=2000)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to call."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call no more; returns when the last call has ended."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        self._thread = None

    @property
    def running(self) -> bool:
        """Whether it calls."""
        return self._thread is not None

    def periods(self) -> str:
        """Median, p99 and maximum of the last periods in ms; empty before there are some."""
        if len(self._periods) <= 10:
            return ""
        milliseconds = 1000 * np.array(self._periods)
        p99 = np.percentile(milliseconds, 99)
        return f"median {np.median(milliseconds):.2f} p99 {p99:.2f} max {milliseconds.max():.2f}"

    def _take_priority(self) -> None:
        if self._priority == 0:
            return
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(self._priority))
        except OSError as error:
            self._refused(
                f"realtime_priority {self._priority} is not granted ({error}), {self._name} run at the "
                "usual priority; grant it with rtprio in /etc/security/limits.conf"
            )

    def _run(self) -> None:
        self._take_priority()
        due = last = time.monotonic()
        while not self._stop.is_set():
            try:
                self._tick()
            except Exception as error:
                self._failed(error)
            due += self.period_s
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            else:
                due = time.monotonic()
            now = time.monotonic()
            self._periods.append(now - last)
            last = now
