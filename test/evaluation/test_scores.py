import numpy as np
import pytest

from action_images_ros.evaluation.scores import Scored, summarise


def scored(task, seed, by="model", far=False, start=0, **values):
    return Scored(task, seed, start, far, by, {name: np.asarray(value, float) for name, value in values.items()})


def test_groups_are_the_tasks_all_and_the_far_windows():
    rows = summarise([scored("a", 0, far=True, psnr=[10, 20]), scored("b", 0, psnr=[30])], ["a", "b"])
    assert {row["group"]: row["psnr"] for row in rows} == {"a": 15, "b": 30, "all": 20, "far": 15}
    assert {row["group"]: row["episodes"] for row in rows} == {"a": 1, "b": 1, "all": 2, "far": 1}


def test_poses_have_median_mean_and_p95_of_the_frames_that_are_known():
    row = summarise([scored("a", 0, position_mm=[1, 2, np.nan, 9])], ["a"])[0]
    assert (row["position_mm"], row["position_mm_mean"]) == (2, 4)
    assert row["position_mm_p95"] == pytest.approx(np.quantile([1, 2, 9], 0.95), abs=1e-4)


def test_a_share_of_all_frames_is_no_proof_with_few_episodes():
    row = summarise([scored("a", seed, valid=[1, 1, 1]) for seed in range(4)], ["a"])[0]
    assert row["valid"] == 1.0 and 0.4 < row["valid_low"] < 0.6 and row["valid_high"] == 1.0


def test_figures_that_do_not_exist_are_null_not_nan():
    one = scored("a", 0, position_mm=[np.nan], track_px=[np.inf], seen=[1], claimed=[0])
    one.values |= {name: one.values[name].astype(bool) for name in ("seen", "claimed")}
    row = summarise([one], ["a"])[0]
    assert row["position_mm"] is None and row["position_mm_p95"] is None and row["track_px"] is None
    assert row["jaccard_4px"] == row["average_jaccard"] == 0.0
    assert one.row()["position_mm"] is None


def test_methods_stand_apart():
    rows = summarise([scored("a", 0, psnr=[10]), scored("a", 0, by="repeat first frame", psnr=[20])], ["a"])
    assert [(row["by"], row["psnr"]) for row in rows if row["group"] == "a"] == [
        ("model", 10),
        ("repeat first frame", 20),
    ]
