import dataclasses

import numpy as np
import pytest
from control_rig import DOWN, SECOND, START, TICK, Arm, changed, check_law, make_chunk

from action_images_ros.control.executor import ChunkExecutor, ChunkRejected
from action_images_ros.control.settings import AcceptanceRules, ExecutorSettings, Limits


def follow(arm, chunk):
    """Add a chunk stamped now whose first pose is the arm's."""
    return arm.executor.add(chunk, arm.now_ns)


def chunk_from_here(arm, **arguments):
    # the last remembered pose is that of the tick before now
    return make_chunk(stamp_ns=arm.times[-1], start=arm.pose[:3], **arguments)


def test_a_chunk_is_followed_to_its_last_pose_and_then_held(arm):
    chunk = chunk_from_here(arm, velocity=(0.1, 0.05, 0))
    assert follow(arm, chunk) == 9
    assert arm.run(1.0).state == "executing"
    command = arm.run(2.0)
    assert command.state == "holding" and "used up" in command.reason
    np.testing.assert_allclose(arm.pose, chunk.poses[-1], atol=1e-3)


def test_a_chunk_is_followed_at_the_times_it_was_meant_for(limits):
    arm = Arm(lambda clock: ChunkExecutor(limits, settings=ExecutorSettings(alignment="stamp"), steady_clock=clock))
    arm.executor.enable()
    arm.run(0.3)
    chunk = chunk_from_here(arm, velocity=(0.1, 0, 0), turn=(0, 0, 0.3))
    follow(arm, chunk)
    arm.run(0.5)
    for _ in range(60):
        now_ns = arm.now_ns
        np.testing.assert_allclose(arm.tick().pose[:3], chunk.sample(now_ns)[0][:3], atol=2e-4)


def test_nothing_is_commanded_before_enabling_and_after_disabling(arm):
    arm.executor.disable()
    with pytest.raises(ChunkRejected, match="disabled"):
        follow(arm, chunk_from_here(arm))
    for _ in range(3):
        command = arm.tick()
        assert command.pose is None and command.openness is None and command.state == "disabled"
    arm.executor.enable()
    assert arm.run(0.4).state == "idle"
    follow(arm, chunk_from_here(arm))
    assert arm.tick().state == "executing"


def test_disabling_in_motion_brakes_and_then_commands_nothing(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.8)
    arm.executor.disable()
    before = len(arm.commands)
    arm.run(0.6)
    braking = [command for command in arm.commands[before:] if command.pose is not None]
    assert 5 < len(braking) < 50 and arm.commands[-1].pose is None
    assert {command.state for command in arm.commands[before:]} == {"disabled"}
    check_smooth(arm, limits)


def test_enabling_while_the_arm_brakes_lets_it_come_to_rest_first(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.8)
    arm.executor.disable()
    arm.run(0.05)
    arm.executor.enable()
    assert arm.run(1.0).state == "idle"
    check_smooth(arm, limits)


def test_enabling_starts_from_where_the_arm_is_now_not_where_it_was(arm):
    follow(arm, chunk_from_here(arm))
    arm.run(0.5)
    arm.executor.disable()
    arm.run(0.5)
    arm.pose = np.concatenate([[0.3, 0.2, 0.5], DOWN])
    arm.tick()
    arm.executor.enable()
    arm.run(0.15)
    first = next(command for command in reversed(arm.commands) if command.pose is not None)
    np.testing.assert_allclose(first.pose, [0.3, 0.2, 0.5, *DOWN])


@pytest.mark.parametrize("interrupt", [lambda e: e.stop(), lambda e: e.disable(), lambda e: e.fail("a test")])
@pytest.mark.parametrize("ticks", [1, 10, 100])
def test_enabling_never_lets_the_commands_jump_to_a_measurement(arm, limits, interrupt, ticks):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.8)
    interrupt(arm.executor)
    offset = np.array([0.0, 0.05, 0, 0, 0, 0, 0])
    sequences, last = [[]], None
    for tick in range(150):
        if tick == ticks:
            arm.executor.enable()
        command = arm.executor.command(arm.now_ns, arm.pose + offset)
        arm.now_ns += TICK
        if command.pose is not None:
            arm.pose = command.pose.copy()
            sequences[-1].append(command.pose)
        elif sequences[-1]:
            sequences.append([])
        last = command.state
    steps = [np.abs(np.diff(poses, axis=0)).max() for poses in sequences if len(poses) > 1]
    assert max(steps) < 0.4 * 0.0101 and last == "faulted"


def check_smooth(arm, limits):
    check_law([command.pose for command in arm.commands if command.pose is not None], limits)


@pytest.mark.parametrize("alignment", ["stamp", "nearest"])
def test_speed_and_acceleration_stay_bounded_over_splices_with_contradicting_chunks(alignment):
    limits = Limits((-1, -1, -1), (2, 1, 2))
    arm = Arm(lambda clock: ChunkExecutor(limits, settings=ExecutorSettings(alignment=alignment), steady_clock=clock))
    arm.executor.enable()
    arm.run(0.2)
    rng = np.random.default_rng(2)
    for _ in range(12):
        toward = START[:3] - arm.pose[:3]
        velocity = rng.normal(0, 0.12, 3) + 0.5 * toward
        chunk = make_chunk(stamp_ns=arm.times[-1], start=arm.pose[:3] + rng.normal(0, 0.01, 3), velocity=velocity)
        turned = chunk.poses.copy()
        turned[:, 3:] = arm.pose[3:] * rng.choice([-1, 1], (len(chunk), 1))
        chunk = changed(chunk, poses=turned)
        arm.run(rng.uniform(0, 0.6))
        follow(arm, chunk)
        arm.run(rng.uniform(0.05, 1.0))
    assert sum(command.state == "executing" for command in arm.commands) > 300
    check_smooth(arm, limits)


def test_turning_chunks_are_spliced_without_a_jump_of_orientation(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0, 0, 0), turn=(0, 0, 0.8)))
    arm.run(0.6)
    before = arm.pose
    chunk = changed(chunk_from_here(arm, velocity=(0, 0, 0)), poses=np.repeat(before[None], 9, axis=0))
    follow(arm, chunk)
    arm.run(1.5)
    check_smooth(arm, limits)
    assert abs(arm.pose[3:] @ before[3:]) == pytest.approx(1, abs=1e-6)


def test_agreeing_chunks_move_on_at_constant_speed(arm):
    follow(arm, chunk_from_here(arm, velocity=(0.1, 0, 0)))
    arm.run(0.8)
    for _ in range(4):
        follow(arm, chunk_from_here(arm, velocity=(0.1, 0, 0)))
        arm.run(0.4)
    np.testing.assert_allclose(arm.velocities()[-190:], np.tile([0.1, 0, 0], (190, 1)), atol=2e-3)


def test_a_chunk_that_comes_late_to_a_waiting_arm_is_followed_from_its_beginning(arm, limits):
    chunk = chunk_from_here(arm, velocity=(0.25, 0, 0))
    corner = chunk.poses.copy()
    corner[4:, :3] = corner[4, :3] + np.arange(5)[:, None] * [0, 0.05, 0]
    chunk = changed(chunk, poses=corner)
    arm.run(1.4)
    follow(arm, chunk)
    path = []
    for _ in range(300):
        path.append(arm.tick().pose[:3])
    path = np.array(path)
    to_corner = np.linalg.norm(path - corner[4, :3], axis=1).min()
    assert to_corner < 0.02
    check_smooth(arm, limits)
    np.testing.assert_allclose(arm.pose[:3], corner[-1, :3], atol=2e-3)


def test_an_arm_that_lags_behind_its_command_is_not_pulled_back_at_a_splice(limits):
    executor = ChunkExecutor(limits, steady_clock=lambda: 0.0)
    executor.enable()
    measured, now_ns, commanded = START.copy(), 0, []
    lag = 0.15
    for step in range(300):
        command = executor.command(now_ns, measured)
        if command.pose is not None:
            commanded.append(command.pose[0])
            measured = measured.copy()
            measured[:3] += (command.pose[:3] - measured[:3]) * 0.01 / lag
        if step % 40 == 5:
            executor.add(make_chunk(stamp_ns=now_ns, start=measured[:3], velocity=(0.1, 0, 0)), now_ns)
        now_ns += TICK
    assert np.all(np.diff(commanded) >= -1e-6)


@pytest.mark.parametrize(
    "broken, reason",
    [
        (lambda c: changed(c, stamp_ns=c.stamp_ns - 4 * SECOND), "stale"),
        (lambda c: changed(c, stamp_ns=c.stamp_ns + SECOND), "in the future"),
        (lambda c: changed(c, valid=np.arange(9) < 1), "only 1 of 9 frames are valid"),
        (lambda c: changed(c, covariance=c.covariance * np.nan), "only 0 of 9 frames are valid"),
        (lambda c: changed(c, covariance=c.covariance * 1e4), "only 0 of 9 frames are valid"),
        (lambda c: changed(c, poses=np.where(np.arange(63).reshape(9, 7) == 30, np.nan, c.poses)), "frame 4 .* NaN"),
        (lambda c: changed(c, openness=np.full(9, np.nan)), "frame 0 .* NaN"),
        (lambda c: changed(c, openness=np.full(9, 1.5)), "openness"),
        (lambda c: changed(c, poses=c.poses * [1, 1, 1, 0, 0, 0, 0]), "quaternion of length 0"),
        (lambda c: changed(c, poses=c.poses + [0.06, 0, 0, 0, 0, 0, 0]), "first pose is 60 mm"),
        (lambda c: changed(c, poses=c.poses[:, [0, 1, 2, 4, 3, 5, 6]]), "180 deg from where the arm was"),
        (
            lambda c: changed(c, poses=c.poses + np.arange(9)[:, None] * [0, 0.15, 0, 0, 0, 0, 0]),
            "outside the workspace",
        ),
        (lambda c: changed(c, poses=c.poses + np.arange(9)[:, None] * [0, 0.5, 0, 0, 0, 0, 0]), "plausible speed"),
    ],
)
def test_a_chunk_that_must_not_move_the_arm_is_refused_with_the_reason(arm, broken, reason):
    with pytest.raises(ChunkRejected, match=reason):
        arm.executor.add(broken(chunk_from_here(arm)), arm.now_ns)
    before = arm.pose.copy()
    assert arm.run(0.5).state == "idle"
    np.testing.assert_array_equal(arm.pose, before)


def test_refusing_a_chunk_leaves_the_present_one_going(arm):
    follow(arm, chunk_from_here(arm))
    arm.run(0.2)
    with pytest.raises(ChunkRejected):
        follow(arm, changed(chunk_from_here(arm), valid=np.zeros(9, dtype=bool)))
    assert arm.tick().state == "executing"


def test_an_older_or_equal_chunk_does_not_replace_the_present_one(arm):
    chunk = chunk_from_here(arm)
    follow(arm, chunk)
    arm.run(0.1)
    for stamp in (chunk.stamp_ns, chunk.stamp_ns - 1):
        with pytest.raises(ChunkRejected, match="not newer"):
            follow(arm, changed(chunk, stamp_ns=stamp))


def test_a_chunk_ends_before_its_first_invalid_frame(arm):
    chunk = chunk_from_here(arm, velocity=(0.1, 0, 0))
    poses, valid = chunk.poses.copy(), chunk.valid.copy()
    poses[5:], valid[5] = np.nan, False
    assert follow(arm, changed(chunk, poses=poses, valid=valid)) == 5
    assert arm.run(3).state == "holding"
    np.testing.assert_allclose(arm.pose[:3], chunk.poses[4, :3], atol=1e-3)


def unreadable(chunk, *frames):
    """The chunk with these frames invalid and NaN."""
    poses, openness, valid = chunk.poses.copy(), chunk.openness.copy(), chunk.valid.copy()
    for array, value in ((poses, np.nan), (openness, np.nan), (valid, False)):
        array[list(frames)] = value
    return changed(chunk, poses=poses, openness=openness, valid=valid)


@pytest.mark.parametrize("frames", [(0,), (0, 1)])
def test_an_unreadable_beginning_is_bridged_from_where_the_arm_was(arm, limits, frames):
    chunk = chunk_from_here(arm, velocity=(0.15, 0.05, 0))
    assert follow(arm, unreadable(chunk, *frames)) == 9
    arm.run(3)
    check_smooth(arm, limits)
    assert not any(np.any(velocity[:1] < -1e-9) for velocity in arm.velocities())
    np.testing.assert_allclose(arm.pose, chunk.poses[-1], atol=1e-3)


def test_the_gripper_keeps_still_while_a_beginning_is_bridged(arm):
    follow(arm, chunk_from_here(arm, velocity=(0, 0, 0), openness=1.0))
    arm.run(0.5)
    follow(arm, unreadable(chunk_from_here(arm, velocity=(0, 0, 0), openness=0.0), 0, 1))
    assert arm.run(0.3).openness == 1.0
    assert arm.run(0.3).openness == 0.0


def test_a_beginning_is_bridged_only_to_where_the_limits_allow_to_be_by_then(arm):
    far = make_chunk(stamp_ns=arm.times[-1], start=arm.pose[:3] + [0, 0.2, 0])
    with pytest.raises(ChunkRejected, match="frame 1 .*limits"):
        follow(arm, unreadable(far, 0))


@pytest.mark.parametrize("frames", [(4,), (1, 2), (0, 3), (2, 5, 6)])
def test_short_gaps_between_certain_frames_are_bridged_straight(arm, limits, frames):
    chunk = chunk_from_here(arm, velocity=(0.1, 0.05, 0))
    assert follow(arm, unreadable(chunk, *frames)) == 9
    arm.run(3)
    check_smooth(arm, limits)
    np.testing.assert_allclose(arm.pose, chunk.poses[-1], atol=1e-3)


def test_the_gripper_switches_only_at_a_frame_that_was_read(arm):
    chunk = chunk_from_here(arm, velocity=(0, 0, 0), openness=1.0)
    follow(arm, unreadable(changed(chunk, openness=np.where(np.arange(9) < 2, 1.0, 0.0)), 2, 3))
    assert arm.run(0.7).openness == 1.0
    assert arm.run(0.3).openness == 0.0


def test_a_longer_gap_ends_the_chunk(arm):
    assert follow(arm, unreadable(chunk_from_here(arm), 4, 5, 6)) == 4


@pytest.mark.parametrize("frames", [(0, 1, 2), (1, 2, 3)])
def test_no_longer_gap_at_the_beginning_is_bridged(arm, frames):
    with pytest.raises(ChunkRejected, match="valid and certain enough"):
        follow(arm, unreadable(chunk_from_here(arm), *frames))


def test_bridging_can_be_forbidden(limits):
    executor = ChunkExecutor(limits, rules=AcceptanceRules(max_bridged_frames=0))
    executor.enable()
    executor.command(0, START)
    with pytest.raises(ChunkRejected, match="only 0 of 9"):
        executor.add(unreadable(make_chunk(), 0), TICK)


def test_outside_the_workspace_a_chunk_can_be_cut_short_instead():
    limits = Limits((0.2, -0.5, 0.0), (0.8, 0.5, 0.8), max_linear_speed=0.5)
    rules = AcceptanceRules(outside_workspace="truncate")
    arm = Arm(lambda clock: ChunkExecutor(limits, rules=rules, steady_clock=clock))
    arm.executor.enable()
    arm.run(0.2)
    chunk = chunk_from_here(arm, velocity=(0, 0.45, 0))
    assert follow(arm, chunk) == 6
    arm.run(4)
    assert limits.contains(np.array([c.pose[:3] for c in arm.commands if c.pose is not None])).all()
    np.testing.assert_allclose(arm.pose[:3], chunk.poses[5, :3], atol=2e-3)


def test_an_arm_outside_the_workspace_is_not_moved(limits):
    outside = np.concatenate([[0.5, 0.0, 0.9], DOWN])
    arm = Arm(lambda clock: ChunkExecutor(limits, steady_clock=clock), pose=outside)
    arm.executor.enable()
    command = arm.run(0.2)
    assert command.state == "faulted" and "outside the workspace" in command.reason
    assert all(command.pose is None for command in arm.commands)
    with pytest.raises(ChunkRejected, match="outside the workspace"):
        follow(arm, chunk_from_here(arm, velocity=(0, 0, -0.1)))


@pytest.mark.parametrize("pose", [None, np.full(7, np.nan), np.zeros(7), np.append(START[:3], [2, 0, 0, 0])])
def test_without_a_trustworthy_current_pose_the_arm_brakes_and_is_disabled(arm, limits, pose):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.8)
    poses = [arm.executor.command(arm.now_ns + i * TICK, pose).pose for i in range(40)]
    assert poses[-1] is None
    braking = np.array([pose for pose in poses if pose is not None])
    assert 0 < braking[-1, 0] - arm.pose[0] < 0.3**2 / limits.max_linear_acceleration
    command = arm.executor.command(arm.now_ns + SECOND, pose)
    assert command.state == "faulted" and "current pose" in command.reason
    assert arm.tick().pose is None and arm.tick().state == "faulted"


def test_a_chunk_is_refused_when_nobody_knows_where_the_arm_was(limits):
    executor = ChunkExecutor(limits)
    executor.enable()
    executor.command(0, None)
    with pytest.raises(ChunkRejected, match="current_pose"):
        executor.add(make_chunk(), TICK)


def test_the_first_pose_is_judged_by_where_the_arm_was_at_the_observation(arm):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.5)
    seen_at, there = arm.times[-1], arm.pose.copy()
    arm.run(0.5)
    assert arm.pose[0] - there[0] > 0.1
    arm.executor.add(make_chunk(stamp_ns=seen_at, start=there[:3], velocity=(0.3, 0, 0)), arm.now_ns)
    with pytest.raises(ChunkRejected, match="first pose"):
        arm.executor.add(make_chunk(stamp_ns=seen_at + 1, start=arm.pose[:3]), arm.now_ns)


def test_stop_brakes_holds_and_refuses_until_enabled_again(arm):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.7)
    arm.executor.stop()
    assert arm.tick().state == "stopped"
    arm.run(0.5)
    held = arm.pose.copy()
    with pytest.raises(ChunkRejected, match="stopped"):
        follow(arm, chunk_from_here(arm))
    command = arm.run(0.3)
    assert "stopped" in command.reason
    np.testing.assert_array_equal(arm.pose, held)
    arm.executor.enable()
    arm.run(0.4)
    follow(arm, chunk_from_here(arm))
    assert arm.tick().state == "executing"


def test_hold_gives_the_chunk_up_and_the_next_one_goes_on(arm):
    follow(arm, chunk_from_here(arm))
    arm.run(0.3)
    arm.executor.hold("policy silent")
    assert arm.tick().reason == "policy silent"
    arm.run(0.3)
    follow(arm, chunk_from_here(arm))
    assert arm.tick().state == "executing"


def test_an_arm_that_does_not_follow_is_braked_and_disabled_never_commanded_to_its_measured_pose(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    stuck, rng = arm.pose.copy(), np.random.default_rng(1)
    for _ in range(100):
        arm.commands.append(arm.executor.command(arm.now_ns, stuck + rng.normal(0, 1e-5, 7)))
        arm.now_ns += TICK
    assert arm.commands[-1].state == "faulted" and arm.commands[-1].pose is None
    assert "from its command" in arm.executor.fault
    check_smooth(arm, limits)


FLANGE = np.array([0.0, 0.0, 0.1034, 0, 0, 0, 0])


@pytest.mark.parametrize(
    "report",
    [
        lambda pose, tick: pose + FLANGE,
        lambda pose, tick: pose - FLANGE,
        lambda pose, tick: pose + [0.1, 0, 0, 0, 0, 0, 0],
        lambda pose, tick: np.append(pose[:3] * 1000, pose[3:]),
        lambda pose, tick: pose + [0, 0, 0.001 * tick, 0, 0, 0, 0],
    ],
)
def test_an_arm_measured_in_another_frame_does_not_run_away_when_enabled(limits, report):
    executor = ChunkExecutor(limits, steady_clock=lambda: 0.0)
    executor.enable()
    pose, commands = START.copy(), []
    for tick in range(300):
        command = executor.command(tick * TICK, report(pose, tick))
        if command.pose is not None:
            commands.append(command.pose)
            away = command.pose[:3] - pose[:3]
            pose = pose.copy()
            pose[:3] += away * min(1.0, 0.009 / max(np.linalg.norm(away), 1e-9))  # a quick arm: 0.9 m/s
    with pytest.raises(ChunkRejected):
        executor.add(make_chunk(tick * TICK, start=pose[:3]), tick * TICK)
    assert executor.command(300 * TICK, report(pose, 300)).state == "faulted" and executor.fault
    assert np.linalg.norm(pose[:3] - START[:3]) < 0.03
    assert all(np.array_equal(command, commands[0]) for command in commands)
    assert all(limits.contains(command[:3]) for command in commands)


@pytest.mark.parametrize("wrong", [[0, 0, -0.3, 0, 0, 0, 0], [0.1, 0, 0, 0, 0, 0, 0]])
@pytest.mark.parametrize("samples", [1, 100])
def test_a_measured_pose_that_moves_faster_than_the_arm_can_is_a_sensor_fault(arm, limits, wrong, samples):
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0)))
    arm.run(0.5)
    for _ in range(samples):
        arm.commands.append(arm.executor.command(arm.now_ns, arm.pose + wrong))
        arm.now_ns += TICK
    arm.run(0.5)
    assert arm.commands[-1].state == "faulted" and "jumped" in arm.executor.fault
    check_smooth(arm, limits)


def test_a_measured_pose_that_stands_still_while_the_arm_is_commanded_is_a_sensor_fault(arm):
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0)))
    arm.run(0.5)
    frozen = arm.pose.copy()
    for _ in range(60):
        command = arm.executor.command(arm.now_ns, frozen)
        arm.now_ns += TICK
    assert command.state == "faulted" and "not changed" in command.reason


@pytest.mark.parametrize("age_ns, words", [(SECOND // 2, "old by its stamp"), (-SECOND // 2, "future")])
def test_the_measured_poses_own_stamp_counts(arm, age_ns, words):
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0)))
    arm.run(0.5)
    command = arm.executor.command(arm.now_ns, arm.pose, arm.now_ns - age_ns)
    assert command.state == "faulted" and words in command.reason


def test_a_paused_clock_moves_nothing_and_then_brakes_by_the_steady_clock(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0)))
    arm.run(0.5)
    arm.now_ns -= TICK
    paused = []
    for _ in range(100):
        paused.append(arm.executor.command(arm.now_ns, arm.pose))
        arm.steady += 0.01
    waiting = [command for command in paused if not command.fresh]
    assert 40 <= len(waiting) <= 52 and all(np.array_equal(c.pose, waiting[0].pose) for c in waiting)
    assert paused[-1].state == "holding" and "stands still" in paused[-1].reason
    fresh = [command.pose for command in paused if command.fresh]
    np.testing.assert_array_equal(fresh[-1], fresh[-2])
    check_law([*(c.pose for c in arm.commands if c.pose is not None), *fresh], limits)


def test_time_that_jumps_back_ends_the_chunk_and_the_new_time_counts(arm):
    follow(arm, chunk_from_here(arm))
    arm.run(1.0)
    arm.now_ns = 5 * TICK
    assert "jumped back" in arm.tick().reason
    arm.run(0.1)
    follow(arm, chunk_from_here(arm))
    assert arm.tick().state == "executing"


def test_a_late_command_brakes_says_why_and_goes_on_from_rest(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    arm.run(0.5)
    arm.now_ns += SECOND // 2
    late = arm.tick()
    assert late.state == "holding" and "late" in late.reason
    arm.run(0.1)
    assert arm.commands[-1].state == "holding"
    assert arm.run(0.4).state == "executing"
    check_smooth(arm, limits)


def test_no_tick_however_late_makes_a_larger_step_than_a_period_allows(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.35, 0, 0)))
    arm.run(0.5)
    for _ in range(8):
        arm.now_ns += 80_000_000
        assert arm.tick().state == "executing"
    check_smooth(arm, limits)


def test_a_control_loop_that_is_always_late_holds_and_says_so(arm):
    before = arm.run(0.1).pose
    follow(arm, chunk_from_here(arm, velocity=(0.3, 0, 0)))
    for _ in range(5):
        arm.now_ns += SECOND // 5
        command = arm.tick()
        assert command.state == "holding" and "commands come late" in command.reason
        np.testing.assert_array_equal(command.pose, before)
    assert arm.tick().state == "executing"


def test_a_chunk_is_not_executed_beyond_its_age_limit(limits):
    settings = ExecutorSettings(max_execution_age=1.0)
    arm = Arm(lambda clock: ChunkExecutor(limits, settings=settings, steady_clock=clock))
    arm.executor.enable()
    arm.run(0.1)
    follow(arm, chunk_from_here(arm))
    assert arm.run(0.9).state == "executing"
    command = arm.run(0.2)
    assert command.state == "holding" and "stale" in command.reason


def test_the_gripper_is_commanded_once_per_change(arm):
    chunk = chunk_from_here(arm, velocity=(0, 0, 0))
    assert arm.commands[-1].openness is None
    follow(arm, changed(chunk, openness=np.array([1, 1, 0.9, 1, 0, 0, 0.3, 0, 0.0])))
    arm.run(1.6)
    changes = [command.openness for command in arm.commands if command.gripper_changed]
    assert changes == [1.0, 0.0]
    assert arm.tick().openness == 0.0


def test_a_hold_keeps_the_gripper_as_it_is(arm):
    follow(arm, chunk_from_here(arm, openness=0.0))
    arm.run(0.3)
    arm.executor.hold("policy silent")
    command = arm.run(0.2)
    assert command.openness == 0.0 and not command.gripper_changed


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"alignment": "fast"}, "alignment"),
        ({"splice_seconds": 0.0}, "splice_seconds"),
        ({"max_tracking_error": float("nan")}, "max_tracking_error"),
        ({"max_lead_seconds": -1.0}, "max_lead_seconds"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        ExecutorSettings(**arguments)


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"min_valid_frames": 1}, "min_valid_frames"),
        ({"max_bridged_frames": -1}, "max_bridged_frames"),
        ({"outside_workspace": "clamp"}, "outside_workspace"),
        ({"max_chunk_age": 0.0}, "max_chunk_age"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        AcceptanceRules(**arguments)


def test_a_command_takes_well_under_a_control_period(arm):
    import time

    chunk = chunk_from_here(arm)
    arm.run(1.0)
    follow(arm, chunk)
    begin = time.process_time()
    arm.run(1.0)
    assert (time.process_time() - begin) / 100 < 0.003


def test_the_first_command_after_enabling_is_not_meant_for_an_earlier_time(limits):
    arm = Arm(lambda clock: ChunkExecutor(limits, steady_clock=clock))
    arm.run(0.2)
    arm.tick(0.029)  # a tick comes late: time is kept
    arm.executor.enable()
    enabled_ns = arm.now_ns
    arm.run(0.2)
    assert next(c for c in arm.commands if c.pose is not None).time_ns >= enabled_ns


def _adjust(executor, **others):
    given = {
        "limits": executor.limits,
        "period_s": executor.law.period_s,
        "settings": executor.settings,
        "rules": executor.rules,
        "gripper": executor.gripper,
    }
    executor.adjust(**{**given, **others})


def test_other_limits_act_once_the_arm_has_braked_by_the_old_ones(arm, limits):
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0), frames=17))
    arm.run(0.8)
    _adjust(arm.executor, limits=dataclasses.replace(limits, max_linear_speed=0.02))
    assert arm.tick().state == "holding" and arm.executor.limits.max_linear_speed > 0.1
    with pytest.raises(ChunkRejected, match="limits"):
        follow(arm, chunk_from_here(arm))
    arm.run(0.5)
    check_smooth(arm, limits)
    assert arm.executor.limits.max_linear_speed == 0.02
    before = len(arm.commands)
    follow(arm, chunk_from_here(arm, velocity=(0.2, 0, 0)))
    arm.run(1.0)
    steps = np.diff([command.pose[:3] for command in arm.commands[before:]], axis=0)
    assert 0.015 < np.linalg.norm(steps, axis=1).max() * SECOND / TICK <= 0.02 + 1e-6


def test_a_workspace_set_around_another_place_is_a_fault_without_motion(arm, limits):
    before = arm.tick().pose
    _adjust(arm.executor, limits=dataclasses.replace(limits, workspace_min=(0.6, -0.1, 0.0)))
    command = arm.tick()
    assert command.state == "faulted" and "workspace" in command.reason
    np.testing.assert_allclose(arm.pose, before)


def test_other_rules_act_at_once_and_in_motion(arm):
    follow(arm, chunk_from_here(arm))
    arm.run(0.5)
    _adjust(arm.executor, rules=AcceptanceRules(min_valid_frames=20))
    assert arm.tick().state == "executing"
    with pytest.raises(ChunkRejected, match="frames"):
        follow(arm, chunk_from_here(arm))
