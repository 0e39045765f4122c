import numpy as np
import pytest
from point_mass import PointMass
from rich.console import Console

from action_images_ros.data.episode import load_episodes
from action_images_ros.environments import metaworld
from action_images_ros.environments.collect import collect_benchmark

QUIET = Console(quiet=True)


@pytest.fixture
def server(monkeypatch):
    server = PointMass()
    monkeypatch.setattr(metaworld, "start_child", lambda: server)
    return server


def test_each_task_has_its_own_attempts_and_a_collection_goes_on(server, tmp_path):
    result, checks = collect_benchmark(tmp_path, "metaworld", "push,reach-v3", 2, size=32, console=QUIET)
    assert (result.written, result.skipped, len(checks)) == (4, 0, 4)
    assert sorted((e.task, e.seed) for e in load_episodes(tmp_path)) == [
        (task, 1_000_000 + i) for task in ("push-v3", "reach-v3") for i in range(2)
    ]
    assert server.calls.count("open") == 2
    again, _ = collect_benchmark(tmp_path, "metaworld", "push", 3, size=32, console=QUIET)
    assert (again.written, again.skipped) == (1, 2)


def test_corrections_begin_where_they_were_led(server, tmp_path):
    def lead(environment, benchmark):
        environment.step_expert(8)
        return environment.seed % 2 == 0

    result, _ = collect_benchmark(tmp_path, "metaworld", "push", 2, 1_200_000, size=32, lead=lead, console=QUIET)
    assert result.written == 1 and result.failed == [("push-v3", 1_200_001)]
    episode = load_episodes(tmp_path)[0]
    assert np.linalg.norm(episode.poses[0, :3] - [0.6, 0, 0.2]) > 0.03


def test_views_that_lose_the_points_are_refused(server, tmp_path):
    server.out_of_view = True
    with pytest.raises(ValueError, match="camera corner.* push-v3"):
        collect_benchmark(tmp_path, "metaworld", "push", 1, size=32, console=QUIET)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"tasks": "juggle"}, "juggle"),
        ({"episodes": 0}, "episodes is 0"),
        ({"seed": 5}, "seed is 5"),
        ({"size": 4}, "size is 4"),
        ({"name": "metawrold"}, "metaworld"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, change, words):
    with pytest.raises(ValueError, match=words):
        collect_benchmark(tmp_path / "new", **{"name": "metaworld", "tasks": "push", **change})
    assert not (tmp_path / "new").exists()
