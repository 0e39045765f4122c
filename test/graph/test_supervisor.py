"""The starter passes output on with the node's name, stops everything and tells by its exit code how it went."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from action_images_ros.graph.supervisor import Supervisor

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
        specs = [
            SimpleNamespace(
                node=SimpleNamespace(name=name, module=f"program_{name}", essential=name != "view"),
                ros_arguments=lambda _: [],
            )
            for name in programs
        ]
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
    monkeypatch.setattr("action_images_ros.graph.supervisor._PATIENCE", (0.3, 5.0, 2.0))
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
        "import action_images_ros.graph.supervisor as up\n"
        "node = N(name='one', module='program_one', essential=True)\n"
        "up.processes = lambda _: [N(node=node, ros_arguments=lambda _: [])]\n"
        "def write(name, line):\n"
        "    print(f'[{name}] {line}', flush=True)\n"
        f"    if line == 'ready' and {stops}:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(up.up(None, environment=dict(os.environ), write=write))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "[up] all stopped" in done.stdout
    assert ("one ended by itself with exit code 1" in done.stdout) == bool(code)


def test_a_viewer_that_ends_stops_nothing(tmp_path):
    """A real `up`: the viewer dies, the other goes on until SIGTERM."""
    (tmp_path / "program_one.py").write_text(QUIET)
    (tmp_path / "program_view.py").write_text("raise SystemExit(9)\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, signal\nfrom types import SimpleNamespace as N\n"
        "import action_images_ros.graph.supervisor as up\n"
        "up.processes = lambda _: [N(node=N(name=n, module='program_' + n, essential=n == 'one'),\n"
        "                            ros_arguments=lambda _: []) for n in ('one', 'view')]\n"
        "def write(name, line):\n"
        "    print(f'[{name}] {line}', flush=True)\n"
        "    if 'goes on without it' in line:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(up.up(None, environment=dict(os.environ), write=write))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[up] view ended with exit code 9; the graph goes on without it" in done.stdout


def test_what_lies_in_the_current_folder_runs_in_no_node(tmp_path, monkeypatch, start):
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "yaml.py").write_text("print('mine', flush=True)\n")
    monkeypatch.chdir(tmp_path / "cwd")
    _, output = start(one="import yaml\nprint(yaml.__name__, hasattr(yaml, 'safe_load'), flush=True)\n" + QUIET)
    output.wait_for(("one", "yaml True"))
    assert ("one", "mine") not in output.lines


def test_nodes_end_when_their_starter_is_killed(tmp_path):
    """kill -9 of the starter: the node sees its parent go and ends."""
    node = tmp_path / "node.py"
    node.write_text(
        "import sys\nfrom action_images_ros.ros.graph_node import GraphNode\n"
        "from action_images_ros.ros.run_node import run_node\n"
        "sys.exit(run_node(lambda: GraphNode('lonely')))\n"
    )
    starter = tmp_path / "starter.py"
    starter.write_text(
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, {str(node)!r}],\n"
        "    env={**os.environ, 'ACTION_IMAGES_PARENT': str(os.getpid())})\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(starter)],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.getcwd(),
            "ROS_DOMAIN_ID": "99",
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        },
    )
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while _alive(child):
        assert time.monotonic() < deadline, "the node outlived its starter"
        time.sleep(0.05)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
