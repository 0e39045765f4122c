"""Episodes through the live graph: scene, instruction, enable, and wait for success or the time limit.

To compare with `action-images evaluate`, which runs the same policy and control code without ROS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..graph.client import GraphClient
from ..graph.options import GraphOptions

__all__ = ["Trial", "run_live", "run_trial"]


@dataclass(frozen=True)
class Trial:
    """One episode's outcome. cell_seconds: simulated time until success or the limit; began_ns: when it began."""

    task: str
    seed: int
    instruction: str
    success: bool
    cell_seconds: float
    chunks: int
    chunk_seconds: float
    real_time_factor: float
    began_ns: int


def run_trial(
    client: GraphClient,
    task: str,
    seed: int,
    *,
    limit_seconds: float = 20.0,
    wall_factor: float = 8.0,
    instruction: str | None = None,
    watch: Callable[[], None] = lambda: None,
    announce: Callable[[str], None] = lambda _: None,
) -> Trial:
    """One episode of at most `limit_seconds` of simulated time (and `wall_factor` times that on the wall clock).

    The arm is disabled while the scene is set up, so nothing seen before can move it afterwards. `announce` gets the
    instruction, `watch` is called now and then. Raises GraphError.
    """
    client.enable(False)
    client.say("")
    scene = client.set_up(task, seed)
    words = scene["instruction"] if instruction is None else instruction
    announce(words)
    before = int(client.value("arm_command", "chunks_executed") or 0)
    client.say(words)
    client.enable(True)

    def over() -> bool:
        watch()
        seconds = client.cell_seconds(scene["episode"])
        return seconds >= 0 and (client.status["success"] or seconds >= limit_seconds)

    client.wait_for(f"the end of {task} {seed}", over, limit_seconds * wall_factor + 20.0)
    status = dict(client.status)
    client.enable(False)
    told = client.diagnostics.get("arm_command")
    client.wait_for("diagnostics of arm_command", lambda: client.diagnostics.get("arm_command") is not told, 10.0)
    return Trial(
        task,
        seed,
        words,
        bool(status["success"]),
        round(status["cell_seconds"], 2),
        int(client.value("arm_command", "chunks_executed") or 0) - before,
        float(client.value("policy", "mean_chunk_seconds") or "nan"),
        status["real_time_factor"],
        scene["time_ns"],
    )


def run_live(
    model: str = "nano",
    *,
    tasks: Sequence[str] = ("reach_target", "push_button", "lift_block"),
    episodes: int = 20,
    seed: int = 10_000,
    policy: str = "model",
    limit_seconds: float = 15.0,
    speed: float = 1.0,
    json_path: str | Path | None = None,
    log: Path | None = None,
    domain: int | None = None,
    console: Console | None = None,
) -> int:
    """`episodes` of every task through the live graph, seeds counted up from `seed`; 0 when all could be run.

    Rows go to `json_path` as a list. Success with `policy` oracle is that of the scripted expert and marked as such.
    """
    from ..graph.session import Session

    console = console or Console(highlight=False)
    rows: list[dict] = []
    table = Table(
        "task",
        "success",
        "of",
        "mean chunk, s",
        "speed x real time",
        title="ORACLE: the scripted expert, no result of any model" if policy == "oracle" else None,
    )
    with Session(
        GraphOptions(model=model, policy=policy, overrides={"cell": {"real_time_factor": speed}}),
        log=log,
        domain=domain,
    ) as client:
        for task in tasks:
            trials = []
            for number in range(episodes):
                trials.append(run_trial(client, task, seed + number, limit_seconds=limit_seconds))
                rows.append({**asdict(trials[-1]), "policy": policy, "model": model})
                if json_path is not None:
                    Path(json_path).write_text(json.dumps(rows, indent=1))
                console.print(
                    f"{task} {seed + number}: {'success' if trials[-1].success else 'failure'} after "
                    f"{trials[-1].cell_seconds:.1f} s, {trials[-1].chunks} chunks"
                )
            table.add_row(
                task,
                str(sum(trial.success for trial in trials)),
                str(len(trials)),
                f"{sum(trial.chunk_seconds for trial in trials) / len(trials):.2f}",
                f"{sum(trial.real_time_factor for trial in trials) / len(trials):.2f}",
            )
    console.print(table)
    return 0
