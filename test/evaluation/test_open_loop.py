import json
from types import SimpleNamespace

import numpy as np
import pytest
from motions import SIZE, STEP, falling

from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.evaluation import open_loop
from action_images_ros.evaluation.baselines import OPEN_MODES
from action_images_ros.evaluation.held_out import windows_of
from action_images_ros.evaluation.open_loop import evaluate_mode, judge
from action_images_ros.policy.clips import Clips, Pictures
from action_images_ros.world_model.clips import canvas_of

EPISODES = [falling(seed, frames=frames) for seed, frames in ((0, 11), (1, 9), (2, 7))]  # the last is too short


class Clairvoyant:
    """Generates exactly what will happen, knowing the episodes by their images; reads the arm off each frame."""

    card = SimpleNamespace(image_size=SIZE, frames=9, dt=0.2, recipe={}, tasks=("reach_target",))

    def __init__(self):
        self.calls = []
        self.known = {w.images[:, 0].tobytes(): w for e in EPISODES for w in windows_of(e, 9, 0.2, SIZE)}
        self.frames = {w.images[:, t].tobytes(): (w, t) for w in self.known.values() for t in range(9)}

    def generate(self, clips: Clips, mode, *, steps=1, seed=0):
        canvas_of(clips, mode, 9)
        self.calls.append((mode, clips.poses is not None, list(seed)))
        video = action = None
        if mode != "label":
            windows = [self.known[images[:, 0].tobytes()] for images in clips.images]
            video = np.stack([w.images for w in windows])
        if mode in ("joint", "label"):
            action = np.stack([self._drawn(images) for images in (clips.images if video is None else video)])
        return Pictures(video, action)

    def _drawn(self, images):
        seen = [self.frames[np.ascontiguousarray(images[:, t]).tobytes()] for t in range(9)]
        poses = np.stack([w.matrices[t] for w, t in seen])
        openness = np.array([w.openness[t] for w, t in seen])
        return to_uint8(encode(poses, openness, seen[0][0].K, seen[0][0].world_from_camera, SIZE).images)


@pytest.fixture(scope="module")
def results():
    return {mode: judge(Clairvoyant(), mode, EPISODES, ["reach_target"], batch=2) for mode in OPEN_MODES}


def entry(result, by, group="all"):
    (row,) = [row for row in result["summary"] if row["by"] == by and row["group"] == group]
    return row


@pytest.mark.parametrize("mode", ["joint", "world", "video"])
def test_a_perfect_video_scores_perfectly(results, mode):
    row = entry(results[mode], "model")
    assert row["psnr"] == pytest.approx(58.92, abs=0.01) and row["ssim"] == 1.0
    assert row["features"] == pytest.approx(0, abs=1e-4) and row["seams_16px"] == 0.0


@pytest.mark.parametrize("mode", ["joint", "world", "label", "label-unknown"])
def test_perfect_actions_score_perfectly(results, mode):
    row = entry(results[mode], "model")
    assert row["position_mm"] < 0.2 and row["position_mm_p95"] < 0.5 and row["rotation_deg"] < 0.2
    assert row["openness"] == row["valid"] == 1.0
    assert row["track_px"] < 0.2 and row["jaccard_4px"] == row["average_jaccard"] == 1.0


@pytest.mark.parametrize("mode", ["joint", "label"])
def test_the_held_pose_scores_as_computed(results, mode):
    row = entry(results[mode], "hold first pose")
    assert row["position_mm"] == pytest.approx(1e3 * STEP * 4.5)  # frames 1..8, frame 0 is given
    assert row["position_mm_mean"] == pytest.approx(1e3 * STEP * 4.5)
    right = [
        (e.openness[w.start + 1 : w.start + 9] > 0.5).mean() for e in EPISODES[:2] for w in windows_of(e, 9, 0.2, SIZE)
    ]
    assert row["openness"] == pytest.approx(np.mean(right), abs=1e-4)


@pytest.mark.parametrize("mode", ["joint", "world", "video"])
def test_the_repeated_frame_scores_as_computed(results, mode):
    errors = 8 * np.arange(1, 9)  # every frame is 8 levels brighter than the one before
    assert entry(results[mode], "repeat first frame")["psnr"] == pytest.approx(
        np.mean(20 * np.log10(255 / errors)), abs=1e-3
    )


def test_world_mode_reads_the_arm_off_each_video(results):
    assert entry(results["world"], "true video")["position_mm"] < 0.2
    still = entry(results["world"], "repeat first frame")  # backwards the arm should have begun at the end
    assert still["position_mm"] == pytest.approx(1e3 * STEP * 3.5, abs=0.5)


def test_who_reads_reads_backwards_too_but_nothing_off_a_frozen_video(results):
    assert entry(results["label"], "backwards")["position_mm"] < 0.2
    assert entry(results["label"], "frozen video")["position_mm"] == pytest.approx(1e3 * STEP * 4.5, abs=0.5)


def test_without_a_known_pose_nothing_is_given_and_the_rival_is_the_mean_pose():
    model = Clairvoyant()
    result = judge(model, "label-unknown", EPISODES, ["reach_target"])
    assert model.calls == [("label", False, [0, 2, 1000])] * 3
    heights = np.concatenate([w.poses[:, 2] for w in model.known.values()])
    row = entry(result, "mean pose")
    expected = np.median(np.abs(heights - heights.mean())) * 1e3
    assert row["position_mm"] == pytest.approx(expected, abs=1e-3)
    assert "hold first pose" not in {row["by"] for row in result["summary"]}


def test_rows_are_one_per_window_and_method_and_all_of_it_is_json(results):
    rows = json.loads(json.dumps(results["joint"], allow_nan=False))["rows"]
    assert len(rows) == 3 * 4
    assert {"task", "seed", "start", "far", "by", "psnr"} <= set(rows[0])
    assert results["joint"]["settings"]["windows"] == 3
    assert results["joint"]["settings"]["shorter_episodes_left_out"] == 1


def test_the_batch_changes_nothing_but_the_number_of_calls(results):
    one = judge(Clairvoyant(), "label", EPISODES, ["reach_target"], batch=1)
    assert one["summary"] == results["label"]["summary"]


def test_episodes_without_a_whole_window_are_an_error():
    with pytest.raises(ValueError, match="window of 9 frames"):
        judge(Clairvoyant(), "label", EPISODES[2:], ["reach_target"])


def test_the_command_writes_its_file_and_sheets(tmp_path, monkeypatch, capsys):
    import action_images_ros.world_model as package

    monkeypatch.setattr(package, "load_policy", lambda *_, **__: Clairvoyant(), raising=False)
    monkeypatch.setattr(open_loop, "made_episodes", lambda *_: iter(EPISODES))
    evaluate_mode("nano", "label", ["reach_target"], 3, json_path=tmp_path / "deep" / "r.json", sheets=tmp_path / "s")
    written = json.loads((tmp_path / "deep" / "r.json").read_text())
    assert written["settings"]["mode"] == "label" and written["settings"]["windows"] == 3
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["label_reach_target.png"]
    assert "hold first pose" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"mode": "guess"}, "mode is 'guess'"),
        ({"tasks": ["fly"]}, "task is 'fly'"),
        ({"batch": 0}, "batch is 0"),
        ({"steps": 0}, "steps is 0"),
    ],
)
def test_arguments_that_cannot_be_are_refused_before_anything_runs(arguments, error):
    with pytest.raises(ValueError, match=error):
        evaluate_mode(**{"mode": "joint", "quiet": True, **arguments})
