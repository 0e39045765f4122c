import math

import pytest

from action_images_ros.control.watchdog import LostNodes, Watchdog


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


def _listen(lost, clock, seconds):
    for _ in range(round(seconds / 0.05)):
        clock.now += 0.05
        lost.listening()


def test_a_node_is_lost_when_it_falls_silent_or_is_not_active_any_more():
    clock = Clock()
    lost = LostNodes(0.5, clock)
    _listen(lost, clock, 5.0)
    assert lost.reason() == ""  # nobody came, nobody is missed
    lost.beat("policy", "inactive")
    _listen(lost, clock, 5.0)
    assert lost.reason() == ""
    lost.beat("policy", "active")
    lost.beat("decoder", "active")
    _listen(lost, clock, 0.5)
    assert lost.reason() == ""
    lost.beat("decoder", "active")
    _listen(lost, clock, 0.15)
    assert "policy is silent for 0.60 s" in lost.reason() and "decoder" not in lost.reason()
    lost.beat("policy", "active")
    lost.beat("decoder", "finalized")
    assert lost.reason() == "node decoder is finalized"


def test_a_listener_that_was_held_up_itself_misses_nobody():
    clock = Clock()
    lost = LostNodes(0.5, clock)
    lost.beat("policy", "active")
    _listen(lost, clock, 0.1)
    clock.now += 10.0
    lost.listening()  # what has queued up is delivered after this
    assert lost.reason() == ""
    lost.beat("policy", "active")
    _listen(lost, clock, 0.3)
    assert lost.reason() == ""


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan")])
def test_a_timeout_of_lost_nodes_that_makes_no_sense_is_refused(timeout_s):
    with pytest.raises(ValueError, match="timeout_s"):
        LostNodes(timeout_s)
