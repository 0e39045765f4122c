import math

import pytest

from action_images_ros.control.gripper import GripperSwitch
from action_images_ros.control.settings import GripperSettings

SECOND = 1_000_000_000


def test_values_between_the_thresholds_never_switch():
    switch = GripperSwitch()
    assert switch.update(1.0, 0)
    changes = [switch.update(0.41 + 0.18 * (i % 2), i * SECOND) for i in range(1, 20)]
    assert not any(changes) and switch.openness == 1.0


def test_it_changes_once_per_crossing():
    switch = GripperSwitch()
    values = [1.0, 0.9, 0.3, 0.2, 0.3, 0.45, 0.7, 0.9]
    changes = [switch.update(value, i * SECOND) for i, value in enumerate(values)]
    assert changes == [True, False, True, False, False, False, True, False]


def test_a_flicker_within_the_dwell_time_is_ignored():
    switch = GripperSwitch(GripperSettings(gripper_dwell=0.3))
    switch.update(1.0, 10 * SECOND)
    assert not switch.update(0.0, 10 * SECOND + 200_000_000)
    assert switch.openness == 1.0
    assert switch.update(0.0, 10 * SECOND + 300_000_000)


def test_nan_changes_nothing():
    switch = GripperSwitch()
    switch.update(0.0, 0)
    assert not switch.update(math.nan, SECOND) and switch.openness == 0.0


def test_it_says_nothing_before_the_first_value_and_repeats_itself_after_a_reset():
    switch = GripperSwitch()
    assert switch.openness is None
    switch.update(0.45, 0)
    assert switch.openness == 0.0
    switch.reset()
    assert switch.openness is None and switch.update(0.0, 1)


@pytest.mark.parametrize("low, high", [(0.6, 0.4), (0.0, 0.5), (0.5, 1.0), (math.nan, 0.5)])
def test_thresholds_must_be_ordered_inside_the_range(low, high):
    with pytest.raises(ValueError, match="gripper_"):
        GripperSettings(gripper_close_below=low, gripper_open_above=high)
