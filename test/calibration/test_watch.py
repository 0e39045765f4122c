from dataclasses import replace

import numpy as np
import pytest
from calibration_rigs import cameras, moved, readings, tool_poses

from action_images_ros.calibration.watch import CHECK, CORRECT, CameraWatch, WatchSettings

DEG = np.pi / 180


def rig(seed=0):
    rng = np.random.default_rng(seed)
    K, E = cameras(rng)
    return rng, K, E


def chunk(rng, K, E, number, frames=5):
    r = readings(rng, tool_poses(rng, frames), K, E, 0.3)
    stamps = (number * 800 + 200 * np.arange(frames)) * 1_000_000
    return replace(r, stamps_ns=stamps)


@pytest.mark.parametrize("mode", [CHECK, CORRECT])
def test_right_cameras_are_left_alone_and_never_hold(mode):
    for seed in range(4):
        rng, K, E = rig(seed)
        watch = CameraWatch(("left", "right"), mode)
        for number in range(6):
            watch.add(chunk(rng, K, E, number), E)
            assert not watch.hold
            assert np.array_equal(watch.world_from_camera(E), E)


def test_a_wrong_calibration_is_corrected_only_in_mode_correct():
    rng, K, E = rig()
    told = moved(E, rng, 0.03, 2 * DEG)
    for mode in (CHECK, CORRECT):
        watch = CameraWatch(("left", "right"), mode)
        for number in range(4):
            watch.add(chunk(rng, K, E, number), told)
        used = watch.world_from_camera(told)
        assert not watch.hold  # it did not move: it was wrong from the start
        assert np.array_equal(used, told) == (mode == CHECK)
        assert any(state.reason for state in watch.states.values())
        assert any(np.trace(state.covariance) > 0 for state in watch.states.values()) == (mode == CORRECT)


def test_a_bump_raises_an_alarm_for_that_camera_within_one_chunk_and_holds_in_check():
    for mode in (CHECK, CORRECT):
        rng, K, E = rig(2)
        watch = CameraWatch(("left", "right"), mode)
        for number in range(3):
            watch.add(chunk(rng, K, E, number), E)
        bumped = E.copy()
        bumped[1, :3, 3] += 0.04 * E[1, :3, 0]
        watch.add(chunk(rng, K, bumped, 3), E)
        assert watch.states["right"].alarm and not watch.states["left"].alarm
        if mode == CHECK:
            assert "right" in watch.hold and "left" not in watch.hold


def test_a_camera_that_moves_again_and_again_is_frozen_and_holds():
    rng, K, E = rig(3)
    watch = CameraWatch(("left", "right"), CORRECT)
    for number in range(8):
        now = E.copy()
        now[0, :3, 3] += (0.05 if number in (3, 5, 7) else 0.0) * E[0, :3, 0]
        watch.add(chunk(rng, K, now, number), E)
    assert "left" in watch.hold


def test_a_new_given_calibration_starts_anew():
    rng, K, E = rig(4)
    told = moved(E, rng, 0.03, 2 * DEG)
    watch = CameraWatch(("left", "right"), CORRECT)
    for number in range(3):
        watch.add(chunk(rng, K, E, number), told)
    assert np.array_equal(watch.world_from_camera(E), E)
    watch.add(chunk(rng, K, E, 3), E)
    assert watch.states["left"].verdict == "good"


def test_other_intrinsics_start_anew():
    """The cameras of another scene: frames of both must not be solved with the focal length of one."""
    rng, K, E = rig(5)
    watch = CameraWatch(("left", "right"), CHECK)
    for number in range(3):
        watch.add(chunk(rng, K, E, number), E)
    longer = K.copy()
    longer[:, [0, 1], [0, 1]] *= 1.15
    for number in range(3, 6):
        states = watch.add(chunk(rng, longer, E, number), E)
        assert {state.verdict for state in states.values()} == {"good"}
        assert max(state.workspace_m for state in states.values()) < 0.012 and not watch.hold


def test_a_shift_that_is_a_few_millimetres_at_the_workspace_is_no_move():
    rng, K, E = rig(2)
    watch = CameraWatch(("left", "right"), CHECK, WatchSettings(alarm_px=0.6))
    for number in range(3):
        watch.add(chunk(rng, K, E, number), E)
    bad = chunk(rng, K, E, 3)
    watch.add(replace(bad, uv=bad.uv + np.array([0.9, 0.0])), E)
    assert not watch.hold


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="self_calibration"):
        CameraWatch(("left",), "on")
