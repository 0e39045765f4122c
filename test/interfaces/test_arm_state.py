"""Fingers and commands: which message counts, and what is said of those that cannot."""

from types import SimpleNamespace

import pytest

from action_images_ros.interfaces.arm_state import ArmRules, ArmState

S = 1_000_000_000


def joints(names, positions):
    return SimpleNamespace(name=list(names), position=list(positions))


def state(**changes):
    return ArmState(ArmRules("base", ("f1", "f2"), 0.0, 0.08, **changes))


def test_the_sum_of_the_fingers_counts():
    arm = state()
    arm.add_joints(joints(["j1", "f1", "f2"], [1.0, 0.03, 0.03]), S)
    assert arm.openness(S) == pytest.approx(0.75)


def test_a_message_of_another_part_of_the_robot_is_passed_over():
    arm = state()
    arm.add_joints(joints(["f1", "f2"], [0.04, 0.04]), S)
    arm.add_joints(joints(["j1", "j2"], [0.1, 0.2]), S + 1000)
    assert arm.openness(S) == 1.0 and not arm.skipped


@pytest.mark.parametrize(
    "message, words",
    [
        (joints(["left_finger", "right_finger"], [0.04, 0.04]), ["f1", "f2", "left_finger"]),
        (joints(["f1"], [0.04]), ["f2", "f1"]),
        (joints(["f1", "f2"], []), ["2 names", "0 positions"]),
        (joints(["f1", "f2"], [0.04, float("nan")]), ["nan"]),
        (joints(["f1", "f2"], [40.0, 40.0]), ["80", "finger_open"]),
    ],
)
def test_what_joint_states_lack_is_named(message, words):
    arm = state()
    arm.add_joints(message, S)
    with pytest.raises(ValueError) as error:
        arm.openness(S)
    assert all(word in str(error.value) for word in words)


def test_one_message_without_positions_costs_only_itself():
    arm = state()
    arm.add_joints(joints(["f1", "f2"], [0.02, 0.02]), S)
    arm.add_joints(joints(["f1", "f2"], []), S + S // 100)
    assert arm.openness(S) == pytest.approx(0.5) and arm.skipped["joint_states"] == 1


@pytest.mark.parametrize("value, words", [(100.0, "0 to 100"), (-1.0, "-1 to 1"), (200.0, "0 to 255")])
def test_a_command_of_another_range_gives_no_openness_and_names_the_range(value, words):
    arm = state()
    arm.add_joints(joints(["f1", "f2"], [0.04, 0.04]), S)
    arm.add_command(value, S)
    with pytest.raises(ValueError, match=words):
        arm.openness(S)
    arm.add_command(0.0, S + 10)
    assert arm.openness(S + 20) == 0.0
