"""Ctrl-C and SIGTERM end a training after the current step, with a checkpoint."""

from __future__ import annotations

import signal
import threading
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 3.0
"""Seconds within which further signals mean the same: a launcher passes on what the terminal has sent already."""


class Interrupt:
    """While entered, `number` is that of the first such signal, 0 without; a later one acts as it always does."""

    def __init__(self, clock=time.monotonic) -> None:
        self.number = 0
        self._clock, self._noted = clock, 0.0
        self._before: dict = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, _frame) -> None:
        if not self.number:
            self.number, self._noted = number, self._clock()
        elif self._clock() - self._noted > GRACE:
            self.__exit__()
            signal.raise_signal(number)
