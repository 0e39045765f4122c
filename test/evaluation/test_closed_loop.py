import json

import numpy as np
import pytest
from scripted_model import ScriptedModel

from action_images_ros.cell.cell import Cell
from action_images_ros.cell.demonstrate import demonstrate
from action_images_ros.cell.scene.conditions import CONDITIONS, Condition
from action_images_ros.evaluation import closed_loop as module
from action_images_ros.evaluation.cell_episodes import run_episode
from action_images_ros.evaluation.chunk_sources import CodecReplaySource, ReplaySource, draw_views, observe_cell
from action_images_ros.evaluation.closed_loop import evaluate
from action_images_ros.evaluation.results import summarise
from action_images_ros.evaluation.rollout import RolloutSettings

SETTINGS = RolloutSettings(time_limit=8.0)


def ball_of(seed):
    with Cell("reach_target", seed) as cell:
        return cell.object_position.copy()


@pytest.mark.parametrize("task", ["reach_target", "push_button", "lift_block"])
@pytest.mark.parametrize("mode", ["replay", "replay-codec"])
def test_the_experts_poses_succeed_through_the_controller_and_through_the_codec(task, mode):
    row = run_episode(task, 3, mode, SETTINGS)
    assert row["success"] and row["rejected"] == 0 and row["chunks"] >= 2


def test_a_policy_that_draws_the_way_reaches_the_ball_from_images_alone():
    model = ScriptedModel(ball_of(5))
    row = run_episode("reach_target", 5, "policy", SETTINGS, model)
    assert row["success"] and row["chunk_seconds"] > 0 and row["chunks"] == len(model.observations)
    seen = model.observations[0]
    assert seen.images.shape == (2, 96, 96, 3) and list(seen.camera_names) == row["cameras"]
    assert seen.instruction == row["instruction"]


def test_a_policy_that_draws_garbage_moves_nothing():
    model = ScriptedModel([0, 0, 0], garbage=True)
    row = run_episode("reach_target", 5, "policy", RolloutSettings(time_limit=2.0), model)
    assert not row["success"] and row["rejected"] == row["chunks"] > 0
    assert row["hold_seconds"] == pytest.approx(row["seconds"])


def test_the_blind_control_sees_another_scene_at_the_true_pose():
    sighted, blind = ScriptedModel(ball_of(5)), ScriptedModel(ball_of(5))
    run_episode("reach_target", 5, "policy", SETTINGS, sighted)
    run_episode("reach_target", 5, "blind", SETTINGS, blind)
    a, b = sighted.observations[0], blind.observations[0]
    np.testing.assert_allclose(a.tool_pose, b.tool_pose)
    assert a.instruction == b.instruction
    assert np.abs(a.images.astype(int) - b.images).mean() > 10
    assert not np.allclose(a.world_from_camera, b.world_from_camera)


def test_the_openness_shown_is_the_command_not_the_width_of_what_is_held():
    with Cell("lift_block", 0) as cell:
        cell.step(cell.tcp_pose, 0.0, 0.02)
        assert cell.openness > 0.5
        assert observe_cell(cell, (0, 1), (96, 96)).openness == 0.0


def test_the_same_seed_uses_the_same_cameras_and_all_pairs_occur():
    pairs = [draw_views(seed, 3) for seed in range(30)]
    assert pairs == [draw_views(seed, 3) for seed in range(30)]
    assert set(pairs) == {(0, 1), (0, 2), (1, 2)}


def test_results_are_written_with_rows_summary_and_intervals(tmp_path):
    path = tmp_path / "deep" / "result.json"
    result = evaluate(tasks=["reach_target"], episodes=2, seed=7, mode="replay", json_path=path, quiet=True)
    written = json.loads(path.read_text())
    assert written == json.loads(json.dumps(result))
    assert [row["seed"] for row in written["rows"]] == [7, 8]
    assert {"task", "seed", "success", "steps", "chunk_seconds"} <= set(written["rows"][0])
    (summary,) = written["summary"]
    assert summary["successes"] == 2 and summary["low"] < 0.4 and summary["high"] == 1.0


def test_an_interrupted_evaluation_keeps_its_rows(tmp_path, monkeypatch):
    def run(job):
        if job.seed == 9:
            raise KeyboardInterrupt
        return {
            "task": job.task,
            "seed": job.seed,
            "condition": job.condition,
            "success": True,
            "wrong_object": False,
            "seconds": 1.0,
            "chunk_seconds": 0.1,
        }

    monkeypatch.setattr(module, "run_job", run)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tasks=["reach_target"], episodes=5, seed=7, mode="replay", json_path=tmp_path / "r.json", quiet=True)
    assert [row["seed"] for row in json.loads((tmp_path / "r.json").read_text())["rows"]] == [7, 8]


def test_rates_are_counted_per_task():
    rows = [
        {
            "task": task,
            "condition": "nominal",
            "success": success,
            "wrong_object": not success,
            "seconds": 1.0,
            "chunk_seconds": 0.5,
        }
        for task, success in (("a", True), ("a", False), ("b", True))
    ]
    summary = {row["task"]: row for row in summarise(rows)}
    assert summary["a"]["rate"] == 0.5 and summary["b"]["successes"] == 1
    assert summary["a"]["wrong_object"] == 1 and summary["b"]["wrong_object"] == 0


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"tasks": ["fly"]}, "task is 'fly'"),
        ({"mode": "guess"}, "mode is 'guess'"),
        ({"episodes": 0}, "episodes is 0"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_arguments_that_cannot_be_are_refused_before_anything_runs(arguments, error):
    with pytest.raises(ValueError, match=error):
        evaluate(**{"tasks": ["reach_target"], "mode": "replay", "quiet": True, **arguments})


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-model"):
        evaluate("no-such-model", tasks=["reach_target"], episodes=1, quiet=True)


def test_conditions_run_beside_nominal_on_the_same_seeds_and_are_paired_with_it(tmp_path):
    path = tmp_path / "r.json"
    result = evaluate(
        tasks=["reach_target"],
        episodes=1,
        seed=7,
        mode="replay-codec",
        json_path=path,
        quiet=True,
        conditions=["phrasings", "three_cameras"],
    )
    assert json.loads(path.read_text()) == json.loads(json.dumps(result))
    assert [row["condition"] for row in result["rows"]] == ["nominal", "phrasings", "three_cameras"]
    assert {row["seed"] for row in result["rows"]} == {7} and all(row["success"] for row in result["rows"])
    assert [len(row["cameras"]) for row in result["rows"]] == [2, 2, 3]
    assert result["rows"][0]["instruction"] == result["rows"][2]["instruction"] != result["rows"][1]["instruction"]
    assert [(pair["condition"], pair["lost"]) for pair in result["comparison"]] == [
        ("phrasings", 0),
        ("three_cameras", 0),
    ]
    assert [entry["condition"] for entry in result["summary"]] == ["nominal", "phrasings", "three_cameras"]


def test_the_model_is_told_the_calibration_and_shown_the_truth():
    told = {}
    for name in ("nominal", "calibration"):
        model = ScriptedModel(ball_of(5))
        run_episode("reach_target", 5, "policy", RolloutSettings(time_limit=0.3), model, condition=CONDITIONS[name])
        told[name] = model.observations[0]
    nominal, displaced = told["nominal"], told["calibration"]
    np.testing.assert_array_equal(nominal.images, displaced.images)
    moved = displaced.world_from_camera[:, :3, 3] - nominal.world_from_camera[:, :3, 3]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 0.02)


@pytest.mark.parametrize("metres", [0.0, 0.003])
def test_a_faultless_painter_is_off_by_about_as_much_as_the_calibration(metres):
    with Cell("reach_target", 5, condition=Condition("x", "", calibration_metres=metres)) as cell:
        episode, tool = demonstrate("reach_target", 5, size=(16, 16), images=False), cell.robot_tool_from_model_tool
        drawn, true = CodecReplaySource(episode, tool, (0, 1))(cell), ReplaySource(episode, tool)(cell)
    assert drawn.valid.all()
    error = np.linalg.norm(drawn.poses[:, :3] - true.poses[:, :3], axis=1).mean()
    assert metres / 4 <= error < 3 * metres + 3e-4


def test_the_blind_control_is_shown_another_scene_under_the_same_condition():
    model = ScriptedModel(ball_of(5))
    run_episode("reach_target", 5, "blind", RolloutSettings(time_limit=0.3), model, condition=CONDITIONS["cameras"])
    eyes = model.observations[0].world_from_camera[:, :3, 3] - [0.5, 0.0, 0.1]
    assert (np.abs(np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0]))) > 60 - 1e-6).all()


def test_a_condition_that_does_not_exist_is_refused_before_anything_runs():
    with pytest.raises(ValueError, match="condition is 'fog'"):
        evaluate(tasks=["reach_target"], mode="replay", conditions=["fog"], quiet=True)
