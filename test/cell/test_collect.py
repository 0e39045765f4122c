import numpy as np
import pytest
from rich.console import Console

from action_images_ros.cell import collect as module
from action_images_ros.cell.collect import collect, is_perturbed, main
from action_images_ros.cell.demonstrate import demonstrate
from action_images_ros.data.episode import load_episodes, read_index

QUIET = Console(quiet=True)


def test_workers_write_the_same_episodes_as_a_single_demonstration(tmp_path):
    result = collect(tmp_path, ["reach_target", "push_button"], 4, 80_000, workers=2, size=32, cameras=2, console=QUIET)
    assert (result.written, result.skipped, result.failed) == (4, 0, [])
    episodes = {(e.task, e.seed): e for e in load_episodes(tmp_path)}
    assert set(episodes) == {
        ("reach_target", 80_000),
        ("push_button", 80_001),
        ("reach_target", 80_002),
        ("push_button", 80_003),
    }
    stored = episodes["push_button", 80_001]
    again = demonstrate("push_button", 80_001, size=(32, 32), cameras=2, perturbed=stored.perturbed)
    np.testing.assert_array_equal(stored.images, again.images)
    np.testing.assert_array_equal(stored.poses, again.poses)
    assert stored.instruction == again.instruction


def test_a_collection_goes_on_where_it_stopped(tmp_path):
    options = {"size": 16, "cameras": 2, "console": QUIET}
    collect(tmp_path, ["reach_target"], 2, 81_000, **options)
    (tmp_path / ".reach_target_000081002.npz.1.part").write_bytes(b"half written")
    (tmp_path / "reach_target_000081001.npz").unlink()
    result = collect(tmp_path, ["reach_target"], 3, 81_000, **options)
    assert (result.written, result.skipped) == (2, 1)
    assert not list(tmp_path.glob(".*"))
    assert sorted(e.seed for e in load_episodes(tmp_path)) == [81_000, 81_001, 81_002]


def test_failures_are_counted_left_out_and_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "demonstrate", lambda *a, **k: demonstrate(*a, **k, limit_seconds=0.2))
    options = {"size": 16, "cameras": 2, "perturbed_fraction": 0.0, "console": QUIET}
    result = collect(tmp_path, ["lift_block"], 1, 82_000, **options)
    assert (result.written, result.failed) == (0, [("lift_block", 82_000)])
    assert not list(tmp_path.glob("*.npz"))
    assert [row["success"] for row in read_index(tmp_path)] == [False]
    assert collect(tmp_path, ["lift_block"], 1, 82_000, **options).skipped == 1


def test_a_third_is_perturbed_and_the_seed_decides():
    share = np.mean([is_perturbed(seed, 1 / 3) for seed in range(3000)])
    assert 0.3 < share < 0.37
    assert [is_perturbed(seed, 0.5) for seed in range(50)] == [is_perturbed(seed, 0.5) for seed in range(50)]
    assert not any(is_perturbed(seed, 0.0) for seed in range(50))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tasks": ["juggle"]}, "task is 'juggle'"),
        ({"tasks": []}, "tasks is empty"),
        ({"episodes": 0}, "episodes is 0"),
        ({"workers": 0}, "workers is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"size": 4}, "size is 4"),
        ({"perturbed_fraction": 1.5}, "perturbed_fraction is 1.5"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, change, words):
    arguments = {"tasks": ["reach_target"], "episodes": 1, "seed": 1, **change}
    with pytest.raises(ValueError, match=words):
        collect(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path / "new"), "--tasks", "juggle"]) == 2
    assert "reach_target" in capsys.readouterr().err
