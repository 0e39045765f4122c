from types import SimpleNamespace

import numpy as np
import pytest
from observations import noise_observation
from scripted_model import ScriptedModel

from action_images_ros.evaluation.parity import compare, expert_observations
from action_images_ros.policy.prediction import Prediction

GOAL = np.array([0.55, 0.05, 0.25])


def test_the_same_model_is_the_same():
    parity = compare(ScriptedModel(GOAL), ScriptedModel(GOAL), [noise_observation()] * 2)
    assert parity.frames == 16 and parity.decoded > 0 and parity.same
    assert parity.position_mm_max == 0 and parity.levels_max == 0


def test_a_model_that_goes_elsewhere_is_told_by_how_many_millimetres():
    """Both move towards one goal, which neither reaches, one of them faster."""
    parity = compare(ScriptedModel(GOAL, speed=0.03), ScriptedModel(GOAL, speed=0.033), [noise_observation()])
    assert parity.position_mm_max == pytest.approx(0.003 * 8 * 0.2 * 1e3, rel=0.1)
    assert not parity.same


def test_pictures_that_nobody_can_decode_are_compared_as_pictures():
    grey = SimpleNamespace(predict=lambda seen, **_: _pictures(seen, 30))
    near = SimpleNamespace(predict=lambda seen, **_: _pictures(seen, 31))
    far = SimpleNamespace(predict=lambda seen, **_: _pictures(seen, 40))
    assert compare(grey, near, [noise_observation()]).same
    parity = compare(grey, far, [noise_observation()])
    assert parity.decoded == 0 and parity.levels_max == 10 and not parity.same


def test_observations_come_from_the_experts_at_work_in_every_view_asked_for():
    seen = expert_observations(2, (32, 48), views=3)
    assert [s.images.shape for s in seen] == [(3, 32, 48, 3)] * 2
    assert seen[0].instruction and not np.array_equal(seen[0].images, seen[1].images)
    with pytest.raises(ValueError, match="views is 5.*2 to 4"):
        expert_observations(1, (32, 48), views=5)


def _pictures(seen, level):
    images = np.full((2, 9, 96, 96, 3), level, np.uint8)
    return Prediction.from_images(seen, 0.2, images)
