"""Cases of spoilt recordings are understood, and each changes what it says."""

import numpy as np
import pytest
from labelling_small import TruthModel
from recordings import small_episode

from action_images_ros.benchmarks.label_robustness import Case, judge_labels, parse_cases, quality
from action_images_ros.labelling.corrupt import Corruption


def test_cases_are_read_and_the_clean_one_is_first():
    cases = parse_cases("drop=0.1; cameras; drop=0.2,no-pose,blur=3")
    assert cases == [
        Case("clean"),
        Case("drop=0.1", Corruption(drop=0.1)),
        Case("cameras", cameras=True),
        Case("drop=0.2,no-pose,blur=3", Corruption(0.2, 3.0), known_pose="no"),
    ]
    assert parse_cases("", "no") == [Case("clean", known_pose="no")]
    with pytest.raises(ValueError, match="fog.*cameras, wrist and no-pose"):
        parse_cases("fog=1")


def test_lost_pictures_cost_labels_and_a_pose_not_told_is_not_told():
    episode = small_episode(frames=30)
    model = TruthModel(episode)
    clean = judge_labels(model, [episode], Case("clean"))
    assert clean["labelled"] == clean["frames"] == 30 and clean["position_mm_median"] < 1
    assert clean["average_jaccard"] == pytest.approx(1, abs=0.05) and clean["episodes"] == 1
    model.seen.clear()
    spoilt = judge_labels(model, [episode], Case("x", Corruption(drop=0.15), known_pose="no"))
    assert spoilt["labelled"] < 30 and all(clips.poses is None for clips in model.seen)


def test_what_is_too_short_is_counted():
    episode = small_episode(frames=3)
    row = judge_labels(TruthModel(episode), [episode], Case("clean"))
    assert row["not_labelled"] == 1 and row["frames"] == 0 and row["position_mm_median"] is None


def test_recorded_episodes_cannot_be_seen_from_elsewhere(tmp_path):
    with pytest.raises(ValueError, match="cameras or wrist, with --data"):
        quality("nano", ["reach_target"], 1, 0, parse_cases("cameras"), data=tmp_path)


def test_the_clean_figures_are_of_all_episodes_together():
    episodes = [small_episode(seed, frames=6) for seed in (3, 4)]

    class Either:
        card = TruthModel(episodes[0]).card

        def label(self, clips, **options):
            right = min(
                episodes, key=lambda e: np.abs(e.images.astype(int) - clips.images[0, 0, 0]).mean(axis=(2, 3, 4)).min()
            )
            return TruthModel(right).label(clips, **options)

    assert judge_labels(Either(), episodes, Case("clean"))["frames"] == 12
