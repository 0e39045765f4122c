"""Steps of one period each, whatever the ticks do, and none that stands for a time before it was allowed."""

import pytest

from action_images_ros.control.pacing import Pacing

MS = 1_000_000


@pytest.fixture
def pacing():
    return Pacing(0.01, 0.1, 0.5, lambda: 0.0)


def test_late_ticks_are_made_up_one_period_at_a_time(pacing):
    pacing.tick(0)
    late = [pacing.tick(now) for now in (25 * MS, 26 * MS, 27 * MS)]
    assert [tick.step for tick in late] == [True, True, False]
    assert [tick.time_ns for tick in late[:2]] == [10 * MS, 20 * MS]


def test_after_a_restart_a_step_stands_for_the_time_of_its_tick(pacing):
    pacing.tick(0)
    pacing.tick(29 * MS)
    pacing.restart()
    tick = pacing.tick(35 * MS)
    assert tick.step and tick.time_ns == 35 * MS
    assert not pacing.tick(44 * MS).step
    assert pacing.tick(45 * MS).time_ns == 45 * MS
