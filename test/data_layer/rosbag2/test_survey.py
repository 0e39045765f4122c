"""Rates, gaps, drift and clocks that run backwards are measured from the messages."""

import pytest
from recordings import record, rewritten, shifted, small_episode

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.data.rosbag2.survey import survey


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "demo", small_episode(frames=50, size=(8, 8), dt=0.1))


def measured(path):
    with Bag(path) as bag:
        return {row.name: row for row in survey(bag)}


def test_an_even_recording_has_its_rate_and_no_gaps(recording):
    rows = measured(recording)
    assert rows["/cell/left/image_raw"].rate_hz == pytest.approx(10)
    assert rows["/cell/left/image_raw"].stamped and not rows["/cell/gripper_command"].stamped
    assert rows["/cell/gripper_command"].rate_hz == pytest.approx(10, rel=1e-6)
    assert [row.gap_count + row.backwards + row.unstamped for row in rows.values()] == [0] * len(rows)


def test_gaps_are_counted_and_the_longest_told_first(recording, tmp_path):
    def change(m, c):
        return None if "left/image" in m.topic and (2.05e9 < m.log_ns < 2.55e9 or 3.95e9 < m.log_ns < 5.25e9) else c

    row = measured(rewritten(recording, tmp_path / "gaps", change))["/cell/left/image_raw"]
    assert row.gap_count == 2
    assert row.gaps == [
        (pytest.approx(2.9, abs=1e-6), pytest.approx(1.4)),
        (pytest.approx(1.0, abs=1e-6), pytest.approx(0.6)),
    ]


def test_a_clock_that_drifts_is_told_in_millionths(recording, tmp_path):
    slow = rewritten(
        recording,
        tmp_path / "slow",
        lambda m, c: shifted(c, 0.01 * (1e9 - m.log_ns) * 1e-9 - 0.2) if "right/image" in m.topic else c,
    )
    row = measured(slow)["/cell/right/image_raw"]
    assert row.drift_ppm == pytest.approx(10_101, abs=5) and row.drift == pytest.approx(0.049, abs=1e-3)
    assert row.delay == pytest.approx(0.2 + 0.01 * 2.45, abs=1e-3)


def test_stamps_that_run_backwards_or_are_empty_are_counted(recording, tmp_path):
    def change(m, c):
        if "current_pose" in m.topic and 2.95e9 < m.log_ns < 3.05e9:
            return shifted(c, -1.0)
        if "camera_info" in m.topic:
            c.header.stamp.sec = c.header.stamp.nanosec = 0
        return c

    rows = measured(rewritten(recording, tmp_path / "odd", change))
    assert rows["/cell/current_pose"].backwards == 1
    assert rows["/cell/left/camera_info"].unstamped == 50
    assert rows["/cell/left/camera_info"].rate_hz == pytest.approx(10, rel=1e-6), "by the time of recording then"
