"""The demo shows the model only."""

import pytest

from action_images_ros.apps.demo import SCENES, demo


def test_the_oracle_is_refused():
    with pytest.raises(ValueError, match="policy is 'oracle'"):
        demo(policy="oracle")


def test_three_different_instructions_are_given():
    assert [task for task, _ in SCENES] == ["reach_target", "lift_block", "place_in_box"]
