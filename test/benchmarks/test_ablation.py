import shutil

import numpy as np
import pytest

from action_images_ros.benchmarks import ablation
from action_images_ros.benchmarks.ablation import STAGES, Stage, ablation_table
from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.evaluation.held_out import HeldOutWindow
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.policy.prediction import Prediction
from action_images_ros.world_model.onnx.files import export_name


def test_stages_are_measured_on_a_real_model_beside_the_slow_way(monkeypatch, exported_folder):
    made = exported_folder / export_name("policy", 2)  # exporting is slow, and tested in test_export.py
    monkeypatch.setattr(ablation, "export_model", lambda folder, int8: shutil.copy(made, folder))
    names = ("joint canvas, 10 steps", "1 step", "bfloat16", "onnxruntime")
    stages = [stage for stage in STAGES if stage.name in names]
    table = ablation_table(exported_folder, tasks=["reach_target"], episodes=2, seed=500, stages=stages)
    assert [row["stage"] for row in table["rows"]] == [stage.name for stage in stages] and len(stages) == 4
    assert table["rows"][0]["faster"] == 1.0 and "2 windows" in table["what"]
    assert all(row["seconds"] > 0 for row in table["rows"])


def test_figures_are_those_of_the_predicted_frames(monkeypatch, exported_folder):
    """A model that is 10 mm off after the first stage, and turns the gripper the wrong way."""
    K = np.array([[[110.0, 0, 47.5], [0, 110, 47.5], [0, 0, 1]]] * 2)
    looking = np.array(
        [
            [[1.0, 0, 0, 0.5], [0, -1, 0, 0], [0, 0, -1, 1.2], [0, 0, 0, 1]],
            [[0, 0, 1.0, -0.7], [-1, 0, 0, 0], [0, -1, 0, 0.3], [0, 0, 0, 1]],
        ]
    )
    poses = np.tile([0.5, 0.0, 0.3, 1.0, 0, 0, 0], (9, 1))
    poses[:, 1] += np.linspace(-0.1, 0.1, 9)
    window = HeldOutWindow(
        "reach_target", 3, 0, "reach", np.zeros((2, 9, 96, 96, 3), np.uint8), K, looking, poses, np.ones(9)
    )

    class Model:
        def __init__(self, off, openness):
            self.off, self.openness = off, openness

        def predict(self, observation, *, mode, seed, steps):
            moved = poses + np.array([0, 0, self.off, 0, 0, 0, 0])
            drawn = encode(matrix_from_pose7(moved), np.full(9, self.openness), K, looking, (96, 96)).images
            return Prediction.from_images(observation, 0.2, to_uint8(drawn))

    models = iter([Model(0.0, 1.0), Model(0.010, 0.0)])
    monkeypatch.setattr(ablation, "load_policy", lambda *_, **__: next(models))
    monkeypatch.setattr(ablation, "made_episodes", lambda *_, **__: [None])
    monkeypatch.setattr(ablation, "windows_of", lambda *_: [window])
    exact, off = ablation_table(exported_folder, stages=[Stage("a", "joint", 2), Stage("b", "policy", 1)])["rows"]
    assert exact["position_mm"] < 0.2 and exact["apart_mm"] == 0.0 and exact["openness"] == exact["valid"] == 1.0
    assert off["position_mm"] == pytest.approx(10, abs=0.3) and off["apart_mm"] == pytest.approx(10, abs=0.3)
    assert off["openness"] == 0.0 and off["rotation_deg"] < 0.2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"episodes": 0}, "episodes is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"tasks": ["fly"]}, "fly"),
        ({"model": "none/such"}, "none/such"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        ablation_table(**arguments)
