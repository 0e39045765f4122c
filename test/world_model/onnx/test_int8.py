import shutil

import numpy as np
from observations import noise_observation

from action_images_ros.world_model.canvas import build_canvas
from action_images_ros.world_model.onnx.int8 import quantise_graph
from action_images_ros.world_model.onnx.model import OnnxWorldModel
from action_images_ros.world_model.schedule import noise

SIZE = (32, 48)


def test_a_quantised_graph_paints_nearly_the_same_and_says_that_it_is_one(exported_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(exported_folder, folder)
    exact = OnnxWorldModel(folder, threads=1)
    canvas = build_canvas("policy", 2, 9)
    feeds = [
        exact.inputs(noise_observation(SIZE, seed=seed))
        | {"noised": noise(canvas, SIZE, [seed]), "level": np.array(1, np.float32)}
        for seed in range(3)
    ]
    made = quantise_graph(folder / "policy_2views.onnx", folder / "policy_2views_int8.onnx", feeds)
    assert sorted(folder.glob("*.onnx")) == sorted([made, *exported_copies(folder)])
    seen = noise_observation(SIZE, seed=9)
    a, b = (
        model.predict(seen, seed=1).action_images.astype(int)
        for model in (exact, OnnxWorldModel(folder, threads=1, int8=True))
    )
    assert 0 < np.abs(a - b).max() and np.abs(a - b).mean() < 2


def exported_copies(folder):
    return [folder / "policy_2views.onnx", folder / "world_2views.onnx"]
