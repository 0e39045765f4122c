"""Jobs with cells on worker processes. When a process crashes, its jobs are repeated."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

__all__ = ["in_workers"]

_GIVE_UP = 3  # times in a row that processes end before anything is done


def in_workers(function: Callable, jobs: Iterable, workers: int) -> Iterator:
    """Results of `function(job)` in order of completion; with one worker in this process, else in spawned ones.

    Raises what `function` raises, and RuntimeError when processes repeatedly end without a result.
    """
    todo, fruitless = list(jobs), 0
    if workers == 1:
        yield from map(function, todo)
        return
    while todo:
        left = dict(enumerate(todo))
        # After a crash that left nothing done, one job after another: then the one that crashes stops no other.
        with ProcessPoolExecutor(1 if fruitless else min(workers, len(todo)), get_context("spawn"), _start) as pool:
            pending: dict[Any, int] = {}
            crash: BaseException | None = None
            try:
                for index, job in left.items():
                    pending[pool.submit(function, job)] = index
            except BrokenProcessPool as error:  # already
                crash = error
            try:
                for future in as_completed(pending):
                    if isinstance(future.exception(), BrokenProcessPool):
                        crash = future.exception()
                    else:
                        del left[pending[future]]
                        yield future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        fruitless = fruitless + 1 if len(left) == len(todo) else 0
        if fruitless == _GIVE_UP:
            raise RuntimeError(
                f"worker processes ended abruptly, killed for memory or by a crash of native code, at {todo[0]}, with "
                f"{len(todo)} jobs to do; run again with fewer workers than {workers}"
            ) from crash
        todo = list(left.values())
        if fruitless:
            todo.append(todo.pop(0))


def _start() -> None:
    os.environ.setdefault("LP_NUM_THREADS", "1")  # one software rendering thread each
