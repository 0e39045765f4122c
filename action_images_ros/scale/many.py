"""Process the manifest with a pool of workers: every recording once; an error never stops the others."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..safe_files import write_text
from .manifest import Entry, Manifest, report_path
from .worker import Job, Outcome, Pool

__all__ = ["Summary", "label_many"]

Progress = Callable[[int, int, int, str], None]


@dataclass
class Summary:
    """The end of a run. resumed: bags that were done before it began; retried: tries that were repeated."""

    entries: list[Entry] = field(default_factory=list)
    resumed: int = 0
    retried: int = 0

    @property
    def done(self) -> list[Entry]:
        """Bags that are labelled."""
        return [entry for entry in self.entries if entry.state == "done"]

    @property
    def failed(self) -> list[Entry]:
        """Bags that are not."""
        return [entry for entry in self.entries if entry.state != "done"]

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "done": len(self.done),
            "failed": len(self.failed),
            "resumed": self.resumed,
            "retried": self.retried,
            "bags": [asdict(entry) for entry in self.entries],
        }


def label_many(manifest: Manifest, pool: Pool, *, retries: int = 2, progress: Progress | None = None) -> Summary:
    """Label every recording of the manifest that waits; returns when all are done or have failed.

    retries: how often a recording is tried again after an error that may pass or a lost worker. A recording that is bad
    itself (the labeller raised ValueError or FileNotFoundError) is not tried again. progress(done, failed, total,
    note): called at each change. Leaves `summary.json` in the output folder. The pool is not closed.
    """
    if retries < 0:
        raise ValueError(f"retries is {retries}; give 0 or more")
    entries = list(manifest.entries())
    queue = deque(entry.name for entry in entries if entry.state == "waiting")
    summary = Summary(resumed=len(entries) - len(queue))
    tries: dict[str, int] = {}
    running: set[str] = set()
    counts = {"done": summary.resumed, "failed": 0}

    def tell(note: str) -> None:
        if progress is not None:
            progress(counts["done"], counts["failed"], len(entries), note)

    tell("")
    while queue or running:
        for _ in range(min(pool.idle(), len(queue))):
            name = queue.popleft()
            manifest.update(name, state="running")
            running.add(name)
            pool.start(Job(name, manifest.entry(name).bag, str(manifest.output)))
        for outcome in pool.wait(0.5):
            running.discard(outcome.name)
            tries[outcome.name] = tries.get(outcome.name, 0) + 1
            again = outcome.state in ("error", "lost") and tries[outcome.name] <= retries
            state = "done" if _is_there(manifest, outcome.name) else "waiting" if again else "failed"
            _record(manifest, outcome, state)
            if state == "waiting":
                queue.append(outcome.name)  # at the end: what broke it may have passed by then
                summary.retried += 1
                tell(f"{outcome.name}: {outcome.error}; again")
            else:
                counts[state] += 1
                tell(outcome.name if state == "done" else f"{outcome.name}: {outcome.error}")
    summary.entries = list(manifest.entries())
    write_text(manifest.output / "summary.json", json.dumps(summary.to_dict(), indent=1) + "\n")
    return summary


def _is_there(manifest: Manifest, name: str) -> bool:
    """Whatever a worker said or could no longer say: the finished bag decides."""
    return Path(manifest.output / name).exists()


def _record(manifest: Manifest, outcome: Outcome, state: str) -> None:
    report = report_path(manifest.output, outcome.name)
    there = state == "done" and report.is_file()
    error = outcome.error if state != "done" else ""
    if outcome.state == "done" and state != "done":
        error = "its worker said it is done, but the bag is not in the output folder; do all workers see that folder?"
    manifest.update(
        outcome.name,
        state=state,
        attempts=manifest.entry(outcome.name).attempts + 1,
        worker=outcome.worker,
        seconds=round(outcome.seconds, 3),
        error=error,
        report=report.relative_to(manifest.output).as_posix() if there else "",
    )
