import pytest

from action_images_ros.evaluation.latency_sweep import sweep_latency
from action_images_ros.evaluation.rollout import RolloutSettings

figures = pytest.importorskip("matplotlib") and pytest.importorskip("action_images_ros.evaluation.figures")


def result_of(settings):
    wins = 4 - round(settings.latency_seconds * 2)
    rows = [{"success": i < wins, "seconds": 1.0} for i in range(4)]
    return {
        "rows": rows,
        "summary": [settings.latency_seconds],
        "operation": {"success_by": [[0.0, 0.0], [1.0, wins / 4]], "jerk_rms_m_s3": 1.0},
    }


def test_each_latency_runs_once_and_the_settings_own_is_the_result():
    asked = []
    result = sweep_latency(lambda s: asked.append(s.latency_seconds) or result_of(s), RolloutSettings(), [0, 0.5, 1.0])
    assert asked == [0, 0.5, 1.0] and result["summary"] == [0.0]
    swept = [(row["latency_seconds"], row["successes"]) for row in result["latency_sweep"]]
    assert swept == [(0, 4), (0.5, 3), (1.0, 2)]


@pytest.mark.parametrize("latencies", [[], [-0.1], [0.2, 0.2], [float("nan")]])
def test_latencies_that_cannot_be_are_refused(latencies):
    with pytest.raises(ValueError, match="latencies"):
        sweep_latency(result_of, RolloutSettings(), latencies)


def test_figures_are_drawn_and_the_same_again(tmp_path):
    result = sweep_latency(result_of, RolloutSettings(), [0, 0.5])
    files = figures.draw_figures(tmp_path / "a", [("one", result), ("two", result)])
    assert [file.name for file in files] == ["time_to_success.svg", "latency.svg"]
    again = figures.draw_figures(tmp_path / "b", [("one", result), ("two", result)])
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]
    assert len(figures.draw_figures(tmp_path / "c", [("one", result_of(RolloutSettings()))])) == 1
    with pytest.raises(ValueError, match="success_by"):
        figures.draw_figures(tmp_path / "d", [("none", {"rows": []})])
