import signal

import pytest

from action_images_ros.training.interrupt import GRACE, Interrupt


@pytest.fixture
def handlers():
    """As a process in the foreground has them, and has them again afterwards."""
    before = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    found = {number: signal.signal(number, handler) for number, handler in before.items()}
    yield
    left = {number: signal.signal(number, handler) for number, handler in found.items()}
    assert left == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_nothing_else(handlers, number):
    with Interrupt() as interrupt:
        assert interrupt.number == 0
        signal.raise_signal(number)
        assert interrupt.number == number


def test_what_a_launcher_passes_on_is_the_same_signal_but_a_later_one_acts(handlers):
    now = 0.0
    with pytest.raises(KeyboardInterrupt), Interrupt(lambda: now) as interrupt:
        signal.raise_signal(signal.SIGINT)
        now = GRACE / 2
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.number == signal.SIGINT
        now = GRACE * 2
        signal.raise_signal(signal.SIGINT)
