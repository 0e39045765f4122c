"""Serve one simulator object to the parent process over an inherited socket.

Runs in the benchmark's own virtual environment: standard library only. The parent sends `(method, arguments)`; the
answer is `("result", value)` or `("error", type name, message)`. End of file ends the process.
"""

import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any


def serve(simulator: object) -> None:
    """Answer calls of public methods of `simulator` until the parent hangs up; argument 1 is the file descriptor."""
    with Connection(int(sys.argv[1])) as link:
        while True:
            try:
                method, arguments = link.recv()
            except EOFError:
                return
            try:
                if method.startswith("_"):
                    raise AttributeError(f"method is {method}; call a public one")
                answer: tuple[Any, ...] = ("result", getattr(simulator, method)(**arguments))
            except Exception as error:
                traceback.print_exc()
                answer = ("error", type(error).__name__, str(error))
            link.send(answer)
