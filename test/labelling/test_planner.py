"""Windows overlap, end with their stretch, bridge what may be bridged, and every frame is accounted for."""

import numpy as np
import pytest
from cameras import in_front

from action_images_ros.data.rosbag2.frames import Frame
from action_images_ros.geometry.camera import intrinsics_from_fovy
from action_images_ros.labelling.planner import WindowPlanner

SIZE = (32, 32)
STEP = 200_000_000
K = intrinsics_from_fovy(50, *SIZE)
CAMERAS = ("left", "right", "top")


def frame(index, cameras=CAMERAS, instruction="lift", episode=1, gap=0.0, pose=None):
    views = {name: in_front(0.3 * i) for i, name in enumerate(CAMERAS) if name in cameras}
    images = {name: np.full((*SIZE, 3), index, np.uint8) for name in views}
    return Frame(
        index * STEP,
        images,
        dict.fromkeys(views, K),
        views,
        pose,
        None if pose is None else 1.0,
        instruction,
        {"episode": episode},
        gap,
        log_ns=index * STEP + 7,
    )


def planned(frames, stride=2, **options):
    """(first index, cameras, fresh) of every window, and (index, reason) of every frame without one."""
    planner = WindowPlanner(5, stride, 0.2, SIZE, **options)
    windows = [window for one in frames for window in planner.add(one)] + planner.finish()
    left = [(gap.stamp_ns // STEP, gap.reason) for gap in planner.take_unlabelled()]
    return [(int(w.stamps_ns[0]) // STEP, w) for w in windows], left


def test_windows_overlap_and_the_last_one_ends_with_the_stretch():
    for count, starts in ((5, [0]), (6, [0, 1]), (7, [0, 2]), (8, [0, 2, 3]), (12, [0, 2, 4, 6, 7])):
        windows, left = planned([frame(i) for i in range(count)])
        assert [start for start, _ in windows] == starts and not left
        for start, window in windows:
            np.testing.assert_array_equal(window.images[0, :, 0, 0, 0], start + np.arange(5))
            np.testing.assert_array_equal(window.logs_ns, window.stamps_ns + 7)


def test_a_stretch_ends_where_the_scene_or_the_words_change():
    for change in ({"instruction": "push"}, {"episode": 2}):
        windows, left = planned([frame(i) for i in range(6)] + [frame(i, **change) for i in range(6, 12)])
        assert [start for start, _ in windows] == [0, 1, 6, 7] and not left
    assert windows[0][1].instruction == "lift"


def test_frames_that_are_too_few_are_told_with_the_reason():
    windows, left = planned([frame(i) for i in range(4)])
    assert not windows and left == [(i, "stretch of 4 frames, the model needs 5") for i in range(4)]


def test_a_frame_without_instruction_ends_a_stretch():
    windows, left = planned([frame(0, instruction="")] + [frame(i) for i in range(1, 6)])
    assert [start for start, _ in windows] == [1] and left[0][0] == 0 and "--instruction" in left[0][1]


def test_a_lost_picture_is_held_and_its_frame_is_not_fresh():
    windows, _ = planned([frame(i, ("left",) if i == 2 else ("left", "right")) for i in range(5)])
    ((_, window),) = windows
    np.testing.assert_array_equal(window.fresh, [True, True, False, True, True])
    np.testing.assert_array_equal(window.images[1, :, 0, 0, 0], [0, 1, 1, 3, 4])
    windows, _ = planned([frame(i, ("left", "top") if i == 2 else CAMERAS) for i in range(5)])
    assert windows[0][1].fresh.all() and windows[0][1].cameras == CAMERAS  # two of three saw it


def test_a_longer_loss_leaves_the_camera_out_or_ends_the_stretch():
    lost = range(3, 6)
    windows, left = planned([frame(i, ("left", "top") if i in lost else CAMERAS) for i in range(9)])
    assert not left and [w.cameras for _, w in windows] == [CAMERAS, ("left", "top"), ("left", "top")]
    windows, left = planned([frame(i, ("left",) if i in lost else ("left", "right")) for i in range(11)])
    assert [start for start, _ in windows] == [0, 6]
    assert [index for index, _ in left] == [5] and "fewer than two cameras see" in left[0][1]


def test_a_gap_is_bridged_where_it_fits_and_splits_where_not():
    frames = [frame(i) for i in range(3)] + [frame(4, gap=0.2)] + [frame(i) for i in range(5, 8)]
    windows, left = planned(frames)
    assert [start for start, _ in windows] == [0, 2, 3] and not left
    np.testing.assert_array_equal(windows[0][1].fresh, [True, True, True, False, True])
    assert windows[0][1].stamps_ns[3] == 3 * STEP
    windows, left = planned([frame(i) for i in range(5)] + [frame(9, gap=0.8)] + [frame(i) for i in range(10, 14)])
    assert [start for start, _ in windows] == [0, 9] and not left
    assert not planned(frames, max_gap=0)[0]


def test_a_camera_that_moves_within_a_window_is_left_out_of_it_while_two_stand_still():
    frames = [frame(i) for i in range(5)]
    frames[3].world_from_camera["top"] = in_front(0.7)
    ((_, window),) = planned(frames)[0]
    assert window.cameras == ("left", "right")
    assert window.world_from_camera.shape == (2, 4, 4)
    frames[3].world_from_camera["right"] = in_front(0.8)
    ((_, window),) = planned(frames)[0]
    assert window.cameras == ("left", "right", "top") and window.world_from_camera.shape == (3, 5, 4, 4)
    np.testing.assert_array_equal(window.world_from_camera[1, 3], in_front(0.8))


def test_what_was_measured_is_kept_and_its_lack_shown():
    pose = np.array([0.5, 0, 0.3, 1, 0, 0, 0])
    ((_, window),) = planned([frame(i, pose=pose if i else None) for i in range(5)])[0]
    assert np.isnan(window.tool_pose[0]).all() and np.isnan(window.openness[0])
    np.testing.assert_array_equal(window.tool_pose[4], pose)


def test_a_stride_that_leaves_frames_out_is_refused():
    with pytest.raises(ValueError, match="stride is 5; give 1 to 4"):
        WindowPlanner(5, 5, 0.2, SIZE)
