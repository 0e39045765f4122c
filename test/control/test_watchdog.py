import math

import pytest

from action_images_ros.control.watchdog import Watchdog


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_source_never_heard_of_is_late():
    watchdog = Watchdog({"policy": 1.0}, Clock())
    assert watchdog.late() == {"policy": math.inf}
    assert watchdog.reason() == "policy never heard of"


def test_a_source_is_late_only_after_its_timeout():
    clock = Clock()
    watchdog = Watchdog({"policy": 1.0, "decoder": 0.5}, clock)
    watchdog.beat("policy")
    watchdog.beat("decoder")
    clock.now += 0.4
    assert watchdog.reason() is None
    clock.now += 0.3
    assert set(watchdog.late()) == {"decoder"}
    assert watchdog.reason() == "decoder silent for 0.70 s (limit 0.5 s)"
    clock.now += 0.5
    assert set(watchdog.late()) == {"policy", "decoder"}


def test_a_beat_ends_being_late():
    clock = Clock()
    watchdog = Watchdog({"policy": 1.0}, clock)
    watchdog.beat("policy")
    clock.now += 5
    watchdog.beat("policy")
    assert watchdog.late() == {} and watchdog.age("policy") == 0


def test_an_unknown_source_is_refused_with_the_names_known():
    with pytest.raises(ValueError, match="watched are decoder, policy"):
        Watchdog({"policy": 1.0, "decoder": 1.0}, Clock()).beat("polcy")


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf])
def test_a_timeout_must_be_positive_and_finite(timeout):
    with pytest.raises(ValueError, match="timeout of policy"):
        Watchdog({"policy": timeout}, Clock())
