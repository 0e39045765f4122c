import pytest

from action_images_ros.benchmarks.robot_check import robot_check_table
from action_images_ros.evaluation.closed_loop import evaluate


def test_a_row_per_number_of_frames():
    rows = robot_check_table((2, 9), chunks=3)
    assert [row["frames"] for row in rows] == [2, 9]
    assert all(0 < row["cpu_ms_median"] <= row["cpu_ms_p95"] for row in rows)
    with pytest.raises(ValueError, match="frames"):
        robot_check_table((1,))


def test_robot_limits_are_on_or_off():
    with pytest.raises(ValueError, match="robot_limits"):
        evaluate(tasks=["reach_target"], episodes=1, mode="replay", robot_limits="maybe", quiet=True)
    result = evaluate(tasks=["reach_target"], episodes=1, mode="replay", quiet=True)
    assert result["settings"]["robot_limits"] == "on" and result["rows"][0]["limited"] == 0
