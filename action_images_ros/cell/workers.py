"""Jobs that make cells, on several processes. When one of those crashes, the jobs under way are done again."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

__all__ = ["in_workers"]


def in_workers(function: Callable, jobs: Iterable, workers: int) -> Iterator:
    """`function(job)` of every job, as they come; with one worker in this process, else in spawned ones.

    Raises what `function` raises, and RuntimeError when processes keep ending before they have finished anything.
    """
    todo = list(jobs)
    if workers == 1:
        yield from map(function, todo)
        return
    while todo:
        left = dict(enumerate(todo))
        with ProcessPoolExecutor(min(workers, len(todo)), get_context("spawn"), _start) as pool:
            pending = {pool.submit(function, job): index for index, job in left.items()}
            broken = None
            try:
                for future in as_completed(pending):
                    try:
                        result = future.result()
                    except BrokenProcessPool as error:
                        broken = error
                        continue
                    del left[pending[future]]
                    yield result
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if len(left) == len(todo):
            raise RuntimeError(
                f"worker processes ended abruptly, killed for memory or by a crash of native code, at {todo[0]}, with "
                f"{len(todo)} jobs to do; run again with fewer workers than {workers}") from broken
        todo = list(left.values())


def _start() -> None:
    os.environ.setdefault("LP_NUM_THREADS", "1")  # one software rendering thread each
