"""Episodes through the live graph: scene, instruction, enable, and wait for success or the time limit.

To compare with `action-images evaluate`, which runs the same policy and control code without ROS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from .client import GraphClient

__all__ = ["Trial", "run_trial", "run_trials"]


@dataclass(frozen=True)
class Trial:
    """One episode's outcome. cell_seconds: simulated time until success or the limit."""

    task: str
    seed: int
    instruction: str
    success: bool
    cell_seconds: float
    chunks: int
    real_time_factor: float

    def row(self) -> dict:
        """As a plain dictionary, for JSON."""
        return asdict(self)


def run_trial(client: GraphClient, task: str, seed: int, *, limit_seconds: float = 20.0,
              wall_factor: float = 6.0, instruction: str | None = None) -> Trial:
    """One episode of at most `limit_seconds` of simulated time (and `wall_factor` times that on the wall clock).

    The arm is disabled while the scene is set up, so nothing seen before can move it afterwards. Raises GraphError.
    """
    client.enable(False)
    client.say("")
    scene = client.set_up(task, seed)
    words = scene["instruction"] if instruction is None else instruction
    before = int(client.value("arm_command", "chunks_executed") or 0)
    client.say(words)
    client.enable(True)

    def over():
        seconds = client.cell_seconds(scene["episode"])
        return seconds >= 0 and (client.status["success"] or seconds >= limit_seconds)
    client.wait_for(f"the end of {task} {seed}", over, limit_seconds * wall_factor + 10.0)
    status = dict(client.status)
    client.enable(False)
    chunks = int(client.value("arm_command", "chunks_executed") or 0) - before
    return Trial(task, seed, words, bool(status["success"]), round(status["cell_seconds"], 2), chunks,
                 status["real_time_factor"])


def run_trials(client: GraphClient, tasks: Sequence[str], seeds: Sequence[int], *,
               limit_seconds: float = 20.0, report: Callable[[Trial], None] | None = None) -> list[Trial]:
    """Every task with every seed, one after the other."""
    trials = []
    for task in tasks:
        for seed in seeds:
            trials.append(run_trial(client, task, seed, limit_seconds=limit_seconds))
            if report is not None:
                report(trials[-1])
    return trials
