"""After enabling the arm is watched until it stands still; what was measured before counts for nothing."""

import numpy as np
import pytest
from control_rig import START, TICK, Arm, make_chunk

from action_images_ros.control.executor import ChunkExecutor, ChunkRejected

ELSEWHERE = START + [0.1, 0.2, 0.05, 0, 0, 0, 0]


@pytest.fixture
def enabled(limits):
    arm = Arm(lambda clock: ChunkExecutor(limits, steady_clock=clock))
    arm.run(0.2)
    arm.executor.enable()
    return arm


@pytest.mark.parametrize("ticks", [1, 5, 9])
def test_an_arm_that_appears_elsewhere_after_enabling_is_held_at_its_new_place(enabled, ticks):
    for _ in range(ticks):
        assert enabled.tick().pose is None
    enabled.pose = ELSEWHERE.copy()  # a new scene
    enabled.run(1.0)
    commanded = [c.pose for c in enabled.commands if c.pose is not None]
    assert enabled.commands[-1].state == "idle" and len(commanded) > 50
    np.testing.assert_array_equal(commanded, np.tile(ELSEWHERE, (len(commanded), 1)))


def test_a_chunk_of_the_scene_before_is_given_up(enabled):
    enabled.tick()
    enabled.executor.add(make_chunk(enabled.times[-1], start=START[:3]), enabled.now_ns)
    old_ns = enabled.times[-1]
    enabled.run(0.05)
    enabled.pose = ELSEWHERE.copy()
    assert enabled.run(1.0).state == "idle"
    np.testing.assert_array_equal(enabled.pose, ELSEWHERE)
    with pytest.raises(ChunkRejected):
        enabled.executor.add(make_chunk(old_ns + 1, start=START[:3]), enabled.now_ns)
    assert enabled.executor.add(make_chunk(enabled.times[-1], start=ELSEWHERE[:3]), enabled.now_ns)
    assert enabled.run(0.1).state == "executing"


def test_a_pose_measured_before_enabling_does_not_count(enabled):
    old_ns = enabled.now_ns - 5 * TICK
    for _ in range(15):
        command = enabled.executor.command(enabled.now_ns, START, old_ns)
        assert command.pose is None and command.state == "idle"
        enabled.now_ns += TICK
    assert enabled.run(0.15).pose is not None


def test_an_arm_that_keeps_moving_is_a_fault_and_is_never_commanded(enabled):
    for _ in range(300):
        enabled.pose = enabled.pose + [0, 0.001, 0, 0, 0, 0, 0]
        enabled.tick()
    assert enabled.commands[-1].state == "faulted" and "stand still" in enabled.executor.fault
    assert all(command.pose is None for command in enabled.commands)


@pytest.mark.parametrize("pose", [None, np.full(7, np.nan), START * [1, 1, 1, 0, 0, 0, 0]])
def test_an_arm_whose_pose_does_not_come_is_a_fault_and_unfit_to_be_enabled(limits, pose):
    executor = ChunkExecutor(limits, steady_clock=lambda: 0.0)
    executor.command(0, pose)
    assert executor.unfit
    executor.enable()
    states = [executor.command(tick * TICK, pose).state for tick in range(1, 300)]
    assert states[0] == "idle" and states[-1] == "faulted" and executor.fault == executor.unfit


def test_an_arm_outside_the_workspace_is_unfit_and_moved_inside_by_hand_it_is_fit(enabled):
    enabled.executor.disable()
    enabled.pose = np.concatenate([[0.5, 0.0, 0.9], START[3:]])
    enabled.run(0.05)
    assert "workspace" in enabled.executor.unfit
    enabled.pose = START.copy()
    enabled.run(0.05)
    assert not enabled.executor.unfit
