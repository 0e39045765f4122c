"""Chunks of the cell, a third spoilt: the figures that are to foresee a wrong one, and how well they do."""

import numpy as np
import pytest
from ros_rig import DOWN
from scripted_model import ScriptedModel

from action_images_ros.benchmarks.video_agreement import SPOILS, area_under_roc, measure, summarise


class Painter(ScriptedModel):
    """Its video is what it drew, and it reads that as it stands."""

    def paint_video(self, prediction):
        self.painted = prediction.action_images
        return prediction.with_video(prediction.action_images, {})

    def label(self, clips, *, steps=1, seed=0):
        return self.painted[None]


def test_rows_name_what_was_spoilt_and_how_far_the_chunk_is_from_the_expert():
    policy = Painter(DOWN[:3])
    first, second = measure(policy, ["reach_target"], 2, seed=3)
    assert first["spoil"] in SPOILS and second["spoil"] == ""
    for row in (first, second):
        assert row["agreement_m"] == pytest.approx(0.0, abs=1e-6) and row["error_m"] > 0.0 and row["sigma_m"] > 0.0


def test_the_area_under_the_roc_counts_pairs():
    wrong = np.array([True, False, True, False])
    assert area_under_roc(np.array([4.0, 1.0, 3.0, 2.0]), wrong) == 1.0
    assert area_under_roc(np.array([1.0, 1.0, 1.0, 1.0]), wrong) == 0.5
    assert area_under_roc(np.array([np.inf, np.inf, 0.0, 1.0]), wrong) == 0.125 * 3
    assert np.isnan(area_under_roc(np.array([1.0]), np.array([True])))


def test_the_summary_compares_both_figures_alone_and_together():
    rows = [
        {"spoil": "", "error_m": 0.01, "sigma_m": 0.005, "agreement_m": 0.01},
        {"spoil": "", "error_m": 0.01, "sigma_m": 0.004, "agreement_m": 0.02},
        {"spoil": "occluded", "error_m": float("inf"), "sigma_m": 0.006, "agreement_m": float("inf")},
    ]
    summary = summarise(rows)
    assert (summary["chunks"], summary["spoilt"], summary["wrong"], summary["wrong_of_spoilt"]) == (3, 1, 1, 1)
    assert summary["auc_wrong_sigma"] == summary["auc_wrong_agreement"] == summary["auc_spoilt_both"] == 1.0
