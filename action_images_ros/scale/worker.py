"""One worker: a labeller made once, for one recording after the other."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..safe_files import write_text
from .manifest import report_path, work_folder

__all__ = ["Job", "LabelBag", "MakeLabeller", "Outcome", "Pool", "StartError", "Worker"]

LabelBag = Callable[[Path, Path], dict[str, Any]]
"""(bag, output) -> report: writes the recording `output`, a path that does not exist, whole or not at all. It may keep
what it needs to resume beside `output`: the folder is its own and is there again at the next try."""
MakeLabeller = Callable[[], LabelBag]
"""Makes a LabelBag, once per worker (it loads the model). Pickled: a function of a module, or a partial of one."""


class Job(NamedTuple):
    """A recording to label: its name, its path, and the folder of all outputs."""

    name: str
    bag: str
    output: str


class Outcome(NamedTuple):
    """How a try ended. state: done; bad (the recording itself: no use in trying again); error (may pass); lost (the
    worker died). seconds: it took. error: why."""

    name: str
    state: str
    worker: str
    seconds: float
    error: str = ""


class StartError(ValueError):
    """No worker can start: a wrong model or option. The message is the user's."""


class Pool(Protocol):
    """Workers that take one job each."""

    def idle(self) -> int:
        """How many jobs could begin now."""

    def start(self, job: Job) -> None:
        """Give a job to an idle worker."""

    def wait(self, seconds: float) -> list[Outcome]:
        """What ended, waiting so long for the first. StartError when workers cannot start."""

    def close(self) -> None:
        """Stop every worker, at work or not."""


class Worker:
    """The labeller in a worker process or Ray actor. `begin` before the first `label`."""

    def __init__(self, make: MakeLabeller) -> None:
        self._make = make
        self._label: LabelBag | None = None
        self.name = f"{socket.gethostname()}:{os.getpid()}"

    def begin(self) -> str:
        """Make the labeller; an empty text, or why it cannot be made (user's fault: ValueError, missing file)."""
        try:
            self._label = self._make()
        except (ValueError, FileNotFoundError, ImportError) as error:
            return str(error) or type(error).__name__
        return ""

    def label(self, job: Job) -> Outcome:
        """Label one recording. Its bag appears in the output folder in one rename, after its report."""
        begun = time.monotonic()
        try:
            state, error = "done", ""
            self._attempt(job)
        except (ValueError, FileNotFoundError) as failure:
            state, error = "bad", str(failure)
        except Exception as failure:  # whatever it is, the other recordings go on
            last = traceback.extract_tb(failure.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            state, error = "error", f"{type(failure).__name__}: {failure} ({where})"
        return Outcome(job.name, state, self.name, time.monotonic() - begun, error)

    def _attempt(self, job: Job) -> None:
        final, work = Path(job.output) / job.name, work_folder(job.output, job.name)
        if final.exists():
            return  # a worker that was taken for dead had done it
        work.mkdir(parents=True, exist_ok=True)
        with open(work / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RuntimeError(f"{work} is held by another worker ({error})") from error
            if final.exists():
                return
            made = work / final.name
            if made.exists():
                shutil.rmtree(made)  # whole, but of a try that was cut off before its report
            begun = time.monotonic()
            assert self._label is not None, "begin comes before label"
            report = dict(self._label(Path(job.bag), made))
            if not made.is_dir():
                raise RuntimeError(f"the labeller ended without writing {made}")
            _write_report(
                report_path(job.output, job.name),
                {
                    "bag": job.bag,
                    "worker": self.name,
                    "seconds": round(time.monotonic() - begun, 3),
                    **report,
                    "output": str(final),
                },
            )
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.rename(made, final)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                return  # another was first; its bag counts
        shutil.rmtree(work, ignore_errors=True)


def _write_report(path: Path, report: dict[str, Any]) -> None:
    write_text(path, json.dumps(report, indent=1, default=str) + "\n")
