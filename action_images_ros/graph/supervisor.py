"""`action-images up`: starts the graph's processes where the `launch` packages are missing.

The same processes as launch/policy.launch.py, from the same table. Lines of output carry the node's name; Ctrl-C (or
SIGTERM) stops all; a node that ends by itself stops all, and the exit code is 1.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..interfaces.nodes import PARENT_VARIABLE
from .environment import graph_environment
from .options import GraphOptions, ProcessSpec, processes

__all__ = ["Supervisor", "up"]

_PATIENCE = (20.0, 5.0, 2.0)  # seconds after SIGINT, SIGTERM, SIGKILL


class Supervisor:
    """Starts processes, passes their output on line by line, stops them all. Use as a context manager."""

    def __init__(
        self, specs: Sequence[ProcessSpec], environment: dict[str, str], write: Callable[[str, str], None] | None = None
    ) -> None:
        self._specs, self._environment = specs, environment
        self._write = write or (lambda name, line: print(f"[{name}] {line}", flush=True))
        self.processes: dict[str, subprocess.Popen] = {}
        self._readers: list[threading.Thread] = []
        self._directory: tempfile.TemporaryDirectory | None = None

    def start(self) -> None:
        """Start all, each in a process group of its own: Ctrl-C in the terminal reaches this process only.

        Not in a session of its own: Linux weighs sessions against each other, and a niced policy would be nice to
        nobody but itself.
        """
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
            # Started with & in a script: the nodes would inherit deafness to the polite way of being stopped.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._directory = tempfile.TemporaryDirectory(prefix="action_images_")
        for spec in self._specs:
            self._spawn(spec)

    def restart(self, name: str) -> None:
        """Start a process of this name anew; the one before must have ended."""
        if self.processes[name].poll() is None:
            raise ValueError(f"{name} still runs; end it before it is started again")
        self._spawn(next(spec for spec in self._specs if spec.node.name == name))

    def _spawn(self, spec: ProcessSpec) -> None:
        assert self._directory is not None
        # -P: a yaml.py in the current folder is not what the nodes mean by yaml.
        environment = {**self._environment, PARENT_VARIABLE: str(os.getpid()), "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-P", "-m", spec.node.module, *spec.ros_arguments(Path(self._directory.name))]
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self.processes[spec.node.name] = process
        reader = threading.Thread(target=self._read, args=(spec.node.name, process), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, name: str, process: subprocess.Popen) -> None:
        assert process.stdout is not None  # a pipe: see start
        with process.stdout:
            for line in process.stdout:
                self._write(name, line.rstrip("\n"))

    def ended(self) -> dict[str, int]:
        """Nodes that have ended and their exit codes."""
        return {name: process.returncode for name, process in self.processes.items() if process.poll() is not None}

    def stop(self) -> dict[str, int]:
        """Ask all to end (SIGINT, later SIGTERM, at last SIGKILL) and return their exit codes."""
        for patience, sign in zip(_PATIENCE, (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), strict=True):
            running = [process for process in self.processes.values() if process.poll() is None]
            for process in running:
                process.send_signal(sign)
            deadline = time.monotonic() + patience
            for process in running:
                try:
                    process.wait(timeout=max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    pass
        for reader in self._readers:
            reader.join(timeout=1.0)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
        return {name: process.wait() for name, process in self.processes.items()}

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def up(
    options: GraphOptions, *, environment: dict[str, str] | None = None, write: Callable[[str, str], None] | None = None
) -> int:
    """Run the graph until Ctrl-C. Exit code 0, or 1 when a node ended by itself or had to be killed."""
    specs = processes(options)
    say = write or (lambda name, line: print(f"[{name}] {line}", flush=True))
    wake = threading.Event()
    before = {}
    for sign in (signal.SIGINT, signal.SIGTERM):  # explicitly: started with & in a script SIGINT is ignored
        before[sign] = signal.signal(sign, lambda *_: wake.set())
    supervisor = Supervisor(specs, environment or graph_environment(cell=options.robot == "cell"), say)
    ended: dict[str, int] = {}
    essential = {spec.node.name for spec in specs if spec.node.essential}
    told: set[str] = set()
    try:
        supervisor.start()
        say("up", f"started {', '.join(supervisor.processes)}; Ctrl-C stops all")
        while not wake.wait(0.2):
            ended = supervisor.ended()
            for name in sorted(set(ended) - essential - told):
                told.add(name)
                say("up", f"{name} ended with exit code {ended[name]}; the graph goes on without it")
            ended = {name: code for name, code in ended.items() if name in essential}
            if ended:
                break
    finally:
        codes = supervisor.stop()
        for sign, handler in before.items():
            signal.signal(sign, handler)
    for name, code in ended.items():
        say("up", f"{name} ended by itself with exit code {code}; see its lines above")
    killed = [name for name, code in codes.items() if code == -signal.SIGKILL]
    for name in killed:
        say("up", f"{name} did not stop and was killed")
    say("up", "all stopped")
    return 1 if ended or killed else 0
