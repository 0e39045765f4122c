"""What a user may get wrong with --env: one line says what is wrong and what to do, before anything is written."""

import sys

import pytest
from point_mass import PointMass

from action_images_ros.cli import main as cli
from action_images_ros.environments import metaworld
from action_images_ros.world_model.nano.checkpoints import ModelCard, save_random_model

SMALL = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}


@pytest.fixture
def complaint(monkeypatch, capsys):
    """Run `action-images` with arguments; the one line that it ends with."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["action-images", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        lines = captured.err.strip().splitlines()
        assert end.value.code not in (0, None) and "Traceback" not in captured.err
        return " ".join(lines)

    return run


def model_of(folder, **facts):
    save_random_model(folder, SMALL, ModelCard("tiny", (32, 32), 9, facts.pop("dt", 0.05), data=facts))
    return folder


def test_a_benchmark_that_is_not_installed(complaint, monkeypatch, tmp_path):
    monkeypatch.setenv("ACTION_IMAGES_BENCHMARKS_PYTHON", str(tmp_path / "python"))
    words = complaint("evaluate", "--env", "metaworld", "--replay", "--tasks", "reach", "--episodes", 1)
    assert "metaworld" in words and "make benchmarks" in words
    words = complaint("collect", tmp_path / "new", "--env", "metaworld", "--tasks", "reach", "--episodes", 1)
    assert "make benchmarks" in words


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--env", "metawrld"], ["metawrld", "metaworld"]),
        (["--env", "metaworld", "--tasks", "raech"], ["raech", "reach-v3"]),
        (["--env", "metaworld", "--tasks", "hard:6"], ["hard:6", "0..5"]),
        (["--env", "metaworld", "--tasks", "reach", "--seed", 1_000_000], ["1000000"]),
    ],
)
def test_unknown_names_are_told_with_the_nearest_and_training_seeds_refused(complaint, arguments, words):
    told = complaint("evaluate", "--replay", "--episodes", 1, *arguments)
    assert all(word in told for word in words)


def test_a_model_whose_pace_or_seeds_do_not_suit(complaint, tmp_path):
    options = ["--env", "metaworld", "--tasks", "reach", "--episodes", 6]
    slow = complaint("evaluate", "--model", model_of(tmp_path / "slow", dt=0.2), *options)
    assert "0.2" in slow and "0.05" in slow
    trained = model_of(tmp_path / "trained", sources=[{"seeds": [[5, 9]]}])
    assert "5..9" in complaint("evaluate", "--model", trained, *options)


def test_views_that_lose_the_drawn_points(complaint, monkeypatch, tmp_path):
    monkeypatch.setattr(metaworld, "start_child", lambda: PointMass(out_of_view=True))
    words = complaint(
        "collect", tmp_path / "new", "--env", "metaworld", "--tasks", "push", "--episodes", 1, "--workers", 1
    )
    assert all(word in words for word in ("corner", "push-v3", "%")) and ("field of view" in words or "behind" in words)
