"""Functions for worker processes, some of which end them as a segmentation fault does."""

import os
import signal


def crash_once(job):
    """Crashes at number 3 unless the path is there, which it then is; else the number and the rendering threads."""
    path, number = job
    if number == 3 and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return number, os.environ.get("LP_NUM_THREADS")


def crash(number):
    """Crashes at number 3, always."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number


def refuse(number):
    raise ValueError(f"{number} is refused")
