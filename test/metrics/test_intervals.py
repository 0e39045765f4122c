import numpy as np
import pytest

from action_images_ros.metrics.intervals import _weighted_medians, bootstrap, wilson


def test_known_values():
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)  # Brown, Cai and DasGupta's formula by hand
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


@pytest.mark.parametrize(
    "arguments, name", [((1, 0), "trials"), ((-1, 5), "successes"), ((6, 5), "successes"), ((1, 5, 1.0), "confidence")]
)
def test_impossible_counts_are_refused(arguments, name):
    with pytest.raises(ValueError, match=name):
        wilson(*arguments)


def test_a_bootstrap_interval_is_as_wide_as_the_spread_between_episodes():
    """100 equal frames of an episode tell no more than one."""
    rng = np.random.default_rng(0)
    means = rng.normal(10, 2, 50)
    few, many = (bootstrap(np.repeat(means, n), np.repeat(np.arange(50), n)) for n in (1, 100))
    assert few == pytest.approx(many)
    assert few[1] - few[0] == pytest.approx(2 * 1.96 * 2 / np.sqrt(50), rel=0.25)
    assert few[0] < means.mean() < few[1]


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_the_interval_of_one_value_is_that_value_and_gaps_are_left_out(statistic):
    assert bootstrap([3.0, np.nan, 3.0], ["a", "b", "c"], statistic) == (3.0, 3.0)
    assert all(np.isnan(bootstrap([np.nan], ["a"], statistic)))


def test_the_median_lies_in_its_interval():
    values, labels = np.arange(20.0), np.repeat(np.arange(10), 2)
    low, high = bootstrap(values, labels, "median")
    assert low < np.median(values) < high


def test_a_bootstrap_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="statistic is 'mode'"):
        bootstrap([1.0], [0], "mode")
    with pytest.raises(ValueError, match="one label per value"):
        bootstrap([1.0, 2.0], [0])


def test_medians_are_those_of_the_values_repeated():
    rng = np.random.default_rng(0)
    values, weights = np.sort(rng.normal(size=15)), rng.integers(0, 3, (40, 15))
    expected = [np.median(np.repeat(values, row)) for row in weights]
    np.testing.assert_allclose(_weighted_medians(values, weights), expected)
