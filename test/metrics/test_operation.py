import numpy as np
import pytest

from action_images_ros.metrics.operation import operation_figures, rms_jerk, success_curve


def row(success, seconds, **more):
    return {"success": success, "seconds": seconds, "wrong_object": False, **more}


def test_jerk_of_a_cubic_path_is_its_third_derivative_whatever_the_sampling():
    for interval in (0.0125, 0.02, 0.05):
        t = np.arange(0, 2, interval)
        path = np.stack([t**3, 0 * t, -2 * t**3], axis=1)
        assert rms_jerk(path, interval) == pytest.approx(6 * np.sqrt(5), rel=1e-6)


def test_even_motion_and_rest_have_no_jerk_and_short_paths_none_that_is_known():
    assert rms_jerk(np.linspace(0, 1, 40)[:, None] * [1, 2, 3], 0.05) == pytest.approx(0, abs=1e-6)
    assert np.isnan(rms_jerk(np.zeros((3, 3)), 0.05))
    with pytest.raises(ValueError, match="positions"):
        rms_jerk(np.zeros((5, 2)), 0.05)
    with pytest.raises(ValueError, match="interval_s"):
        rms_jerk(np.zeros((5, 3)), 0)


def test_the_curve_counts_failures_as_never():
    curve = success_curve([row(True, 1.0), row(True, 3.0), row(False, 4.0), row(False, 4.0)], 4.0, points=4)
    assert curve == [[0.0, 0.0], [1.0, 0.25], [2.0, 0.25], [3.0, 0.5], [4.0, 0.5]]


def test_figures_of_a_mixed_run():
    rows = [row(True, 10.0, jerk_rms_m_s3=1.0), row(True, 20.0, jerk_rms_m_s3=3.0)]
    rows.append(row(False, 30.0, jerk_rms_m_s3=None))
    rows[2]["wrong_object"] = True
    figures = operation_figures(rows, 30.0)
    assert figures["successes_per_hour"] == 120.0 and figures["mean_time_between_failures_s"] == 60.0
    assert figures["median_seconds_to_success"] == 15.0 and figures["wrong_object"] == 1
    assert figures["jerk_rms_m_s3"] == 2.0 and figures["success_by"][-1] == [30.0, 0.6667]


def test_what_is_not_known_is_none_and_no_episodes_are_refused():
    assert operation_figures([row(True, 5.0)], 10.0)["mean_time_between_failures_s"] is None
    none = operation_figures([row(False, 5.0)], 10.0)
    assert none["median_seconds_to_success"] is None and none["successes_per_hour"] == 0.0
    assert none["jerk_rms_m_s3"] is None
    with pytest.raises(ValueError, match="rows"):
        operation_figures([], 10.0)
