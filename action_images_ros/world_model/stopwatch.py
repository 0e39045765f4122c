"""Wall time of the stages of a computation, on a CPU or on a GPU that works in the background."""

from __future__ import annotations

import time

__all__ = ["Stopwatch"]


class Stopwatch:
    """``lap(stage)`` adds the time since the last lap to ``seconds[stage]`` and returns it, once the GPU is done.

    device: a torch device or its name; torch is imported for "cuda" only.
    """

    def __init__(self, device="cpu") -> None:
        self.seconds: dict[str, float] = {}
        self._gpu = device if str(device).startswith("cuda") else None
        self._last = self._now()

    def _now(self) -> float:
        if self._gpu is not None:
            import torch

            torch.cuda.synchronize(self._gpu)
        return time.perf_counter()

    def lap(self, stage: str) -> float:
        """End of a stage; times of a repeated stage add up."""
        now = self._now()
        passed, self._last = now - self._last, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + passed
        return passed
