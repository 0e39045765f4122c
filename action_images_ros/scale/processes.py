"""Workers as processes of this machine; one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from .worker import Job, MakeLabeller, Outcome, StartError, Worker

__all__ = ["ProcessPool"]

_MOST_FALSE_STARTS = 3


@dataclass
class _Process:
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    name: str = "starting"
    ready: bool = False
    job: Job | None = None
    begun: float = 0.0


class ProcessPool:
    """`workers` processes, each with a labeller of its own. See `Pool`."""

    def __init__(self, make: MakeLabeller, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; give a number of at least 1")
        self._make = make
        self._context = multiprocessing.get_context("spawn")
        self._false_starts = 0
        self._all = [self._new() for _ in range(workers)]

    def _new(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._make), daemon=True)
        process.start()
        theirs.close()
        return _Process(process, ours)

    def idle(self) -> int:
        return sum(worker.ready and worker.job is None for worker in self._all)

    def start(self, job: Job) -> None:
        worker = next(worker for worker in self._all if worker.ready and worker.job is None)
        worker.job, worker.begun = job, time.monotonic()
        try:
            worker.pipe.send(job)
        except OSError:
            pass  # it died; `wait` finds out

    def wait(self, seconds: float) -> list[Outcome]:
        signals: dict[Any, _Process] = {
            end: worker for worker in self._all for end in (worker.pipe, worker.process.sentinel)
        }
        outcomes = []
        for worker in {id(w): w for w in (signals[end] for end in wait(list(signals), seconds))}.values():
            outcomes += self._heard(worker)
        return outcomes

    def _heard(self, worker: _Process) -> list[Outcome]:
        try:
            if worker.pipe.poll():
                message = worker.pipe.recv()
                if isinstance(message, Outcome):
                    worker.job = None
                    return [message]
                worker.name, problem = message
                if problem:
                    raise StartError(problem)
                worker.ready, self._false_starts = True, 0
                return []
        except (EOFError, OSError):
            worker.process.join(5)
        return [] if worker.process.is_alive() else self._replace(worker)

    def _replace(self, worker: _Process) -> list[Outcome]:
        worker.pipe.close()
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= _MOST_FALSE_STARTS:
                raise StartError(
                    f"workers end before they are ready (exit code {worker.process.exitcode}); is there "
                    "memory for the model? Try fewer --workers"
                )
        self._all[self._all.index(worker)] = self._new()
        if worker.job is None:
            return []
        return [
            Outcome(
                worker.job.name,
                "lost",
                worker.name,
                time.monotonic() - worker.begun,
                f"its worker died ({_ending(worker.process.exitcode)})",
            )
        ]

    def close(self) -> None:
        for worker in self._all:
            worker.pipe.close()
            if worker.job is not None or not worker.ready:
                worker.process.terminate()
        for worker in self._all:
            worker.process.join(10)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    hint = "; the system may have run out of memory" if code == -signal.SIGKILL else ""
    return f"signal {signal.Signals(-code).name}{hint}"


def _work(pipe: Connection, make: MakeLabeller) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(make)
    try:
        pipe.send((worker.name, worker.begin()))
        while True:
            pipe.send(worker.label(pipe.recv()))
    except (EOFError, OSError):
        pass  # the parent closed its end


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
