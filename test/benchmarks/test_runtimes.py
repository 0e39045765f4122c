import os

import psutil
import pytest
import yaml
from observations import noise_observation

from action_images_ros.benchmarks import runtimes as speed
from action_images_ros.benchmarks.runtimes import STAGES, measure, model_table

SIZE = (32, 48)


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(
        speed, "expert_observations", lambda count, size, views: [noise_observation(size, views=views)] * count
    )


def test_a_row_has_every_stage_and_their_sum_is_the_chunk(exported_folder):
    row = measure(exported_folder, "onnx", 1, [noise_observation(SIZE)], chunks=5)
    assert set(STAGES) < set(row) and row["paint"] == 0.0
    assert sum(row[stage] for stage in STAGES) == pytest.approx(row["total"], rel=0.5)
    assert row["total"] <= row["p95"]
    assert row["megabytes"] == pytest.approx(psutil.Process().memory_info().rss / 1e6, rel=0.2)


def test_a_recipe_is_measured_with_random_weights_and_says_so(tmp_path, cheap, monkeypatch):
    processes = []
    monkeypatch.setattr(
        speed, "_in_a_process", lambda *arguments: processes.append(arguments[1:3]) or measure(*arguments)
    )
    recipe = tmp_path / "wide.yaml"
    recipe.write_text(
        yaml.safe_dump(
            {
                "image_size": list(SIZE),
                "frames": 5,
                "model": {
                    "width": 24,
                    "layers": 1,
                    "heads": 2,
                    "quarter_channels": 8,
                    "eighth_channels": 8,
                    "condition": 16,
                },
            }
        )
    )
    result = model_table(recipe=recipe, backends=["torch:1"], steps=[1, 2], chunks=2)
    assert "RANDOM weights" in result["what"] and "32x48 px, 5 frames" in result["what"]
    assert processes == [("torch", 1)] * 2 and [row["steps"] for row in result["rows"]] == [1, 2]


def test_rows_are_measured_in_processes_of_their_own(monkeypatch):
    monkeypatch.setattr(speed, "measure", os.getpid)
    assert speed._in_a_process() != os.getpid()


def test_success_is_measured_once_per_runtime_and_number_of_steps(exported_folder, cheap, monkeypatch):
    asked = []
    monkeypatch.setattr(speed, "_in_a_process", lambda folder, runtime, threads, *_: {"runtime": runtime})
    monkeypatch.setattr(
        "action_images_ros.evaluation.closed_loop.evaluate",
        lambda *arguments, **how: (
            asked.append((how["runtime"], how["steps"]))
            or {"summary": [{"task": "reach_target", "successes": 3, "episodes": 4}]}
        ),
    )
    rows = model_table(
        exported_folder, backends=["torch:1", "torch:2"], steps=[1, 4], success=4, tasks=["reach_target"]
    )["rows"]
    assert asked == [("torch", 1), ("torch", 4)]
    assert [row["reach_target"] for row in rows] == ["3/4"] * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"backends": ["tflite:1"]}, "'tflite:1'.*torch-bf16"),
        ({"backends": ["onnx"]}, "'onnx'.*onnx:1"),
        ({"steps": [0]}, "steps is 0"),
        ({"chunks": 0}, "chunks is 0"),
        ({"recipe": "config/training/nano.yaml", "success": 3}, "success is 3.*random"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        model_table("nano", **arguments)


def test_a_folder_without_weights_is_refused(tmp_path, exported_folder):
    (tmp_path / "model_card.json").write_bytes((exported_folder / "model_card.json").read_bytes())
    with pytest.raises(FileNotFoundError, match="config.json"):
        model_table(tmp_path, backends=["torch:1"])
