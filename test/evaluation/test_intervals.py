import pytest

from action_images_ros.evaluation.intervals import wilson


def test_known_values():
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)       # Brown, Cai and DasGupta's formula by hand
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_it_stays_inside_zero_and_one_and_never_has_zero_width():
    for successes in (0, 1, 49, 50):
        low, high = wilson(successes, 50)
        assert 0 <= low <= successes / 50 <= high <= 1 and high - low > 0.05


def test_more_trials_narrow_it_and_more_confidence_widens_it():
    def width(*arguments):
        low, high = wilson(*arguments)
        return high - low
    assert width(80, 100) < width(8, 10)
    assert width(8, 10, 0.99) > width(8, 10, 0.95)


def test_successes_and_failures_are_symmetric():
    low, high = wilson(3, 20)
    assert wilson(17, 20) == pytest.approx((1 - high, 1 - low))


def test_it_covers_the_true_rate_about_as_often_as_promised():
    import numpy as np

    counts = np.random.default_rng(0).binomial(50, 0.3, 2000)
    covered = np.mean([low <= 0.3 <= high for low, high in (wilson(int(count), 50) for count in counts)])
    assert 0.93 < covered < 0.97


@pytest.mark.parametrize("arguments, name", [((1, 0), "trials"), ((-1, 5), "successes"), ((6, 5), "successes"),
                                             ((1, 5, 1.0), "confidence")])
def test_impossible_counts_are_refused(arguments, name):
    with pytest.raises(ValueError, match=name):
        wilson(*arguments)
