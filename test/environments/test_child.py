import sys
from pathlib import Path

import numpy as np
import pytest

from action_images_ros.environments.child import BenchmarkNotInstalledError, Child, benchmarks_python

SCRIPT = Path(__file__).parents[1] / "support/echo_server.py"


@pytest.fixture
def child():
    child = Child(Path(sys.executable), SCRIPT)
    yield child
    child.close()


def test_calls_carry_arrays_and_the_child_sees_none_of_our_paths(child, monkeypatch):
    np.testing.assert_array_equal(child.call("twice", value=np.arange(3)), [0, 2, 4])
    assert child.call("path") is None


def test_what_fails_there_is_said_here_and_the_child_goes_on(child):
    with pytest.raises(RuntimeError, match="echo_server.fail: ValueError: this cannot be"):
        child.call("fail")
    with pytest.raises(RuntimeError, match="_hidden"):
        child.call("_hidden")
    assert child.call("twice", value=2) == 4


def test_a_child_that_ends_is_told_with_its_exit_code():
    child = Child(Path(sys.executable), SCRIPT)
    with pytest.raises(RuntimeError, match="echo_server ended"):
        child.call("end")
    child.close()


def test_a_benchmark_that_is_not_installed_is_told_with_the_line_that_installs_it(tmp_path, monkeypatch):
    python = tmp_path / "bin/python"
    monkeypatch.setenv("ACTION_IMAGES_BENCHMARKS_PYTHON", str(python))
    with pytest.raises(BenchmarkNotInstalledError, match="metaworld.*make benchmarks"):
        benchmarks_python("metaworld")
    python.parent.mkdir()
    python.touch()
    with pytest.raises(BenchmarkNotInstalledError, match="has no metaworld.*make benchmarks"):
        benchmarks_python("metaworld")
    (tmp_path / "lib/python3.11/site-packages/metaworld").mkdir(parents=True)
    assert benchmarks_python("metaworld") == python
