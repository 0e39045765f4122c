"""The starter passes output on with the node's name, stops everything and tells by its exit code how it went."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from action_images_ros.ros.up import Supervisor

QUIET = "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + QUIET
SHORT = "print('going')\nraise SystemExit(3)\n"


class Output:
    def __init__(self):
        self.lines, self.event = [], threading.Condition()

    def __call__(self, name, line):
        with self.event:
            self.lines.append((name, line))
            self.event.notify_all()

    def wait_for(self, line):
        with self.event:
            assert self.event.wait_for(lambda: line in self.lines, timeout=20.0), self.lines


@pytest.fixture
def start(tmp_path):
    made = []

    def _start(**programs):
        for name, code in programs.items():
            (tmp_path / f"program_{name}.py").write_text(code)
        specs = [SimpleNamespace(node=SimpleNamespace(name=name, module=f"program_{name}"),
                                 ros_arguments=lambda _: []) for name in programs]
        output = Output()
        supervisor = Supervisor(specs, {**os.environ, "PYTHONPATH": str(tmp_path)}, output)
        made.append(supervisor)
        supervisor.start()
        return supervisor, output
    yield _start
    for supervisor in made:
        supervisor.stop()


def test_lines_carry_the_nodes_name(start):
    _, output = start(one=QUIET, two=QUIET)
    output.wait_for(("one", "ready"))
    output.wait_for(("two", "ready"))


def test_stopping_asks_politely_first(start):
    supervisor, output = start(one=QUIET)
    output.wait_for(("one", "ready"))
    begin = time.monotonic()
    assert supervisor.stop() in ({"one": -signal.SIGINT}, {"one": 1}, {"one": 130})
    assert time.monotonic() - begin < 10.0


def test_a_process_that_ignores_the_polite_signal_is_stopped_by_the_next(start, monkeypatch):
    monkeypatch.setattr("action_images_ros.ros.up._PATIENCE", (0.3, 5.0, 2.0))
    supervisor, output = start(one=STUBBORN)
    output.wait_for(("one", "ready"))
    assert supervisor.stop() == {"one": -signal.SIGTERM}


def test_a_process_that_ends_is_told_with_its_code(start):
    supervisor, output = start(one=SHORT)
    output.wait_for(("one", "going"))
    supervisor.processes["one"].wait(timeout=10.0)
    assert supervisor.ended() == {"one": 3}


@pytest.mark.parametrize("program, stops, code", [(QUIET, True, 0), ("raise SystemExit(1)\n", False, 1)])
def test_up_ends_with_zero_when_asked_and_one_when_a_node_ends(tmp_path, program, stops, code):
    """A real `up` in a process of its own, with a stand-in for the table of processes."""
    (tmp_path / "program_one.py").write_text(program)
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, signal\nfrom types import SimpleNamespace as N\n"
        "import action_images_ros.ros.up as up\n"
        "up.processes = lambda _: [N(node=N(name='one', module='program_one'), ros_arguments=lambda _: [])]\n"
        "def write(name, line):\n"
        "    print(f'[{name}] {line}', flush=True)\n"
        f"    if line == 'ready' and {stops}:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(up.up(None, environment=dict(os.environ), write=write))\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"})
    assert done.returncode == code, done.stdout + done.stderr
    assert "[up] all stopped" in done.stdout
    assert ("one ended by itself with exit code 1" in done.stdout) == bool(code)
