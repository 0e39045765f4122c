import pytest

from action_images_ros.benchmarks.loader import measure


def test_loader_and_model_are_measured_on_the_recipe(episode_folder, config):
    rows = measure(config, [episode_folder], workers=(0, 1), seconds=0.05, threads=1)
    assert [row["part"] for row in rows] == ["loader, 0 processes", "loader, 1 processes", "model"]
    for row in rows:
        assert row["steps_per_second"] > 0
        assert row["samples_per_second"] == pytest.approx(3 * row["steps_per_second"])


def test_no_time_to_measure_in_is_refused(episode_folder, config):
    with pytest.raises(ValueError, match="seconds is 0"):
        measure(config, [episode_folder], seconds=0)
