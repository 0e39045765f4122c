import json

import numpy as np
import pytest
from point_mass import PointMass
from scripted_model import ScriptedModel

from action_images_ros.environments import metaworld
from action_images_ros.environments.registry import find_benchmark
from action_images_ros.environments.rooms import Rooms
from action_images_ros.evaluation import benchmark as module
from action_images_ros.evaluation.benchmark import evaluate_benchmark, summarise
from action_images_ros.evaluation.benchmark_corrections import Lead
from action_images_ros.evaluation.benchmark_episodes import Watch, run_benchmark_episode
from action_images_ros.evaluation.rollout import RolloutSettings
from action_images_ros.world_model.nano.checkpoints import ModelCard, save_random_model

SETTINGS = RolloutSettings(time_limit=6.25)


class FastModel(ScriptedModel):
    card = ModelCard("fast", (96, 96), 9, 0.05)


@pytest.fixture(autouse=True)
def servers(monkeypatch):
    made = []
    monkeypatch.setattr(metaworld, "start_child", lambda: made.append(PointMass()) or made[-1])
    return made


@pytest.fixture
def rooms():
    return Rooms()


def goal_of(rooms, seed):
    environment = rooms.environment(find_benchmark("metaworld"), "reach-v3", (96, 96))
    environment.reset(seed)
    environment.step_expert(100)
    return environment.tcp_pose[:3]


@pytest.mark.parametrize("mode", ["replay", "replay-codec"])
def test_the_experts_poses_succeed_through_the_executor_and_the_codec(rooms, mode):
    row = run_benchmark_episode(find_benchmark("metaworld"), rooms, "push-v3", 1000, mode, SETTINGS)
    assert row["success"] and row["expert_succeeded"] and row["rejected"] == 0 and row["group"] == "hard"
    assert 0.1 < row["seconds"] < 1.0 and row["hold_seconds"] < 0.05


def test_a_policy_that_draws_the_way_succeeds_and_sees_two_calibrated_views(rooms):
    model = FastModel(goal_of(rooms, 3), speed=0.5)
    row = run_benchmark_episode(find_benchmark("metaworld"), rooms, "reach-v3", 3, "policy", SETTINGS, model=model)
    assert row["success"] and row["chunks"] == len(model.observations) and row["cameras"] == ["corner2", "corner"]
    assert model.observations[0].instruction == "Reach a goal position" and len(model.observations[0].K) == 2


def test_the_blind_control_sees_another_scene_at_the_true_pose(rooms):
    sighted, blind = FastModel([0.9, 0.3, 0.2]), FastModel([0.9, 0.3, 0.2])
    for model, mode in ((sighted, "policy"), (blind, "blind")):
        run_benchmark_episode(
            find_benchmark("metaworld"), rooms, "reach-v3", 3, mode, RolloutSettings(time_limit=0.5), model=model
        )
    np.testing.assert_allclose(sighted.observations[0].tool_pose, blind.observations[0].tool_pose)
    assert not np.array_equal(sighted.observations[0].images, blind.observations[0].images)


def test_an_episode_ends_with_the_benchmarks_steps(rooms):
    model = FastModel([0.3, 0.0, 0.2], garbage=True)
    row = run_benchmark_episode(
        find_benchmark("metaworld"),
        rooms,
        "reach-v3",
        3,
        "policy",
        RolloutSettings(execute_steps=40, time_limit=60.0),
        model=model,
    )
    assert not row["success"] and row["seconds"] <= 6.25 and row["rejected"] == row["chunks"]


def test_the_result_has_intervals_groups_lerobots_keys_and_pictures(tmp_path):
    file = tmp_path / "out.json"
    result = evaluate_benchmark(
        "metaworld",
        "unused",
        "push,reach-v3,button-press",
        2,
        1000,
        mode="replay",
        json_path=file,
        sheets=tmp_path / "sheets",
        quiet=True,
    )
    assert json.loads(file.read_text())["summary"] == result["summary"]
    assert [(row["level"], row["task"], row["successes"]) for row in result["summary"]] == [
        ("task", "push-v3", 2),
        ("task", "reach-v3", 2),
        ("task", "button-press-v3", 2),
        ("group", "hard", 2),
        ("group", "easy", 4),
        ("all", "all", 6),
    ]
    assert 0.5 < result["summary"][-1]["low"] < 1 == result["summary"][-1]["high"]
    assert result["overall"]["pc_success"] == 100.0 and result["overall"]["n_episodes"] == 6
    assert set(result["per_group"]) == {"hard", "easy"} and result["per_group"]["easy"]["n_episodes"] == 4
    assert result["per_task"][0]["task_id"] == "push-v3" and result["per_task"][0]["metrics"]["successes"] == [True] * 2
    assert result["operation"]["successes_per_hour"] > 0
    assert len(list((tmp_path / "sheets").glob("*.png"))) == 6


def test_the_mean_over_tasks_is_not_the_share_of_episodes():
    rows = [{"task": "a", "group": "easy", "success": True, "seconds": 1.0, "chunk_seconds": 0.1}] * 3
    rows += [{"task": "b", "group": "easy", "success": False, "seconds": 1.0, "chunk_seconds": 0.1}]
    overall = summarise(rows)[-1]
    assert overall["rate"] == 0.75 and overall["mean_rate"] == 0.5


def folder_of(tmp_path, **facts):
    arguments = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}
    save_random_model(tmp_path, arguments, ModelCard("tiny", (32, 32), 9, facts.pop("dt", 0.05), data=facts))
    return tmp_path


def test_a_model_of_another_pace_or_trained_on_these_seeds_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dt of model tiny is 0.2"):
        evaluate_benchmark("metaworld", folder_of(tmp_path / "slow", dt=0.2), "push", 1)
    trained = folder_of(tmp_path / "trained", sources=[{"seeds": [[5, 9]]}])
    with pytest.raises(ValueError, match="seeds 0..5 overlap 5..9"):
        evaluate_benchmark("metaworld", trained, "push", 6)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"mode": "dream"}, "mode is 'dream'"),
        ({"episodes": 0}, "episodes is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"workers": 0}, "workers is 0"),
        ({"seed": 1_000_000}, "seeds are 1000000"),
        ({"tasks": "pusch"}, "pusch"),
        ({"runtime": "abacus"}, "runtime"),
    ],
)
def test_bad_arguments_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        evaluate_benchmark("metaworld", "unused", **{"tasks": "push", "mode": "replay", **change})


def test_a_model_leads_until_the_expert_is_recorded_and_not_where_it_succeeds(rooms, monkeypatch):
    benchmark = find_benchmark("metaworld")
    goal = goal_of(rooms, 3)
    environment = rooms.environment(benchmark, "reach-v3", (96, 96))
    for model, wanted in ((FastModel(goal, speed=1.5), False), (FastModel([0.7, -0.3, 0.4]), True)):
        monkeypatch.setattr("action_images_ros.evaluation.benchmark_corrections._loaded", lambda name, m=model: m)
        monkeypatch.setattr("action_images_ros.evaluation.benchmark_corrections.LED_S", (1.0, 1.5))
        environment.reset(3)
        assert Lead("any")(environment, benchmark) is wanted
    assert environment.time_ns > 1e9


def test_pictures_are_taken_at_their_interval(rooms):
    watch = Watch(picture_s=0.1)
    run_benchmark_episode(find_benchmark("metaworld"), rooms, "push-v3", 3, "replay", SETTINGS, watch=watch)
    assert len(watch.pictures) == int(watch.positions and len(watch.positions) * 0.0125 / 0.1) + 1
    assert module.SHEET_EPISODES > 0
