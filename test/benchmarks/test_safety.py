"""Random adversaries against the executor; and the witness sees what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from action_images_ros.benchmarks.safety import SafetyResult, Witness, run_safety
from action_images_ros.control.executor import Command
from action_images_ros.control.settings import Limits

START = np.array([0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0])


@pytest.mark.filterwarnings("ignore:overflow")
def test_no_adversary_makes_the_executor_break_a_limit():
    result = run_safety(5000, seed=7)
    assert result.ticks == 5000 and result.row()["violations"] == 0, result.examples
    assert result.accepted > 10 and result.states["executing"] > 500 and result.states["faulted"] > 50
    assert set(result.worst) >= {"linear_speed", "linear_acceleration", "linear_jerk", "angular_jerk"}


def _commands(xs, state="executing"):
    return [Command(START + [x, 0, 0, 0, 0, 0, 0], None, state) for x in xs]


STILL = _commands([0.0, 0.0])


@pytest.mark.parametrize(
    "commands, kind",
    [
        (STILL + _commands([1e-2]), "linear_speed"),
        (STILL + _commands([1e-3]), "linear_acceleration"),
        (STILL + _commands([1e-4]), "linear_jerk"),
        (STILL + _commands([1e-5], "idle"), "unasked"),
        (STILL + _commands([1e-5], "stopped"), "stopped"),
        (STILL + _commands([1e-5]) + [Command(None, None, "disabled")], "end"),
        (_commands([0.2]), "begin"),
        (_commands([0.0]) + [Command(START * np.nan, None, "executing")], "pose"),
        (_commands([0.0]) + [Command(None, None, "faulted"), *_commands([0.0])], "fault"),
        (STILL + [replace(STILL[0], openness=0.5)], "gripper"),
        (STILL + [replace(_commands([1e-5])[0], fresh=False)], "repeat"),
        (STILL + _commands([0.5]), "workspace"),
    ],
)
def test_the_witness_names_what_is_wrong(commands, kind):
    result = SafetyResult()
    witness = Witness(Limits(), 0.01, result)
    for command in commands:
        witness.see(command, START)
    assert kind in result.violations


def test_ticks_below_one_are_refused():
    with pytest.raises(ValueError, match="ticks is 0"):
        run_safety(0)
