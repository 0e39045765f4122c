import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from observations import noise_observation

from action_images_ros.paths import models_path
from action_images_ros.policy.card import CARD, WEIGHTS, ModelCard
from action_images_ros.policy.prediction import Prediction
from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.onnx.model import OnnxWorldModel

SIZE = (32, 48)


@pytest.fixture
def folder(exported_folder, tmp_path):
    """A copy that a test may spoil."""
    shutil.copytree(exported_folder, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="module")
def models(exported_folder):
    return load_policy(exported_folder), OnnxWorldModel(exported_folder, threads=1)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_same_seed_paints_what_torch_paints(models, steps):
    """Equal to one level of 8 bits, in any number of steps: the noise and all arithmetic are the same."""
    seen = noise_observation(SIZE, seed=steps)
    a, b = (model.predict(seen, video=True, seed=5, steps=steps) for model in models)
    for first, second in ((a.action_images, b.action_images), (a.video, b.video)):
        assert first.shape == second.shape == (2, 9, *SIZE, 3) and second.dtype == np.uint8
        assert np.abs(first.astype(int) - second).max() <= 1
    other = models[1].predict(seen, seed=6, steps=steps)
    assert other.video is None and not np.array_equal(other.action_images, b.action_images)


def test_a_chunk_carries_the_observation_and_the_time_of_every_stage(models):
    seen = noise_observation(SIZE)
    prediction = models[1].predict(seen)
    assert prediction.stamp_ns == 123 and prediction.camera_names == ("a", "b") and prediction.dt == 0.2
    assert {"text", "encode", "denoise"} == set(prediction.stage_seconds)
    assert np.array_equal(prediction.K, seen.K)


def test_the_video_may_be_painted_later(models):
    """At once or later, in torch and in onnxruntime: the same."""
    for model in models:
        seen = noise_observation(SIZE, seed=2)
        at_once = model.predict(seen, video=True, seed=5)
        model.predict(noise_observation(SIZE, seed=1), seed=4)
        chunk = model.predict(seen, seed=5)
        assert chunk.video is None and "video" not in chunk.stage_seconds
        with pytest.raises(ValueError, match="prediction is of"):
            model.paint_video(at_once)
        later = model.paint_video(chunk)
        assert np.array_equal(later.video, at_once.video) and later.stage_seconds["video"] > 0
        assert np.array_equal(later.action_images, chunk.action_images) and later.stamp_ns == chunk.stamp_ns


def test_there_is_no_video_before_the_first_chunk(folder):
    seen = noise_observation(SIZE)
    chunk = Prediction.from_images(seen, 0.2, np.zeros((2, 9, *SIZE, 3), np.uint8))
    for model in (load_policy(folder), OnnxWorldModel(folder)):
        with pytest.raises(ValueError, match="call predict first"):
            model.paint_video(chunk)


def test_modes_that_are_not_exported_are_left_to_torch(models):
    with pytest.raises(ValueError, match="'joint'.*torch"):
        models[1].predict(noise_observation(SIZE), mode="joint")


def test_more_views_than_exported_are_refused_with_the_command(models):
    with pytest.raises(FileNotFoundError, match="policy_3views.onnx.*--views 3"):
        models[1].predict(noise_observation(SIZE, views=3))


def test_an_export_of_older_weights_is_refused(folder):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(ValueError, match="action-images export"):
        OnnxWorldModel(folder).prepare(2)


def test_an_export_that_does_not_fit_the_card_is_refused(folder):
    card = ModelCard.load(folder)
    ModelCard(card.name, card.image_size, 13, card.dt).save(folder)
    with pytest.raises(ValueError, match="frames = 9 instead of 13"):
        OnnxWorldModel(folder).prepare(2)


def test_exports_and_card_are_a_model_of_their_own(folder):
    (folder / WEIGHTS).unlink()
    OnnxWorldModel(folder).prepare(2, video=True)


def test_other_onnx_files_and_broken_ones_are_refused(folder):
    path = folder / "policy_2views.onnx"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="export"):
        OnnxWorldModel(folder).prepare(2)
    shutil.copyfile(models_path("minilm") / "model.onnx", path)
    with pytest.raises(ValueError, match="not an export"):
        OnnxWorldModel(folder).prepare(2)


def test_video_that_is_not_exported_is_refused_with_both_remedies(folder):
    (folder / "world_2views.onnx").unlink()
    with pytest.raises(FileNotFoundError, match="--video.*video_every: 0"):
        OnnxWorldModel(folder).prepare(2, video=True)


def test_a_provider_that_is_not_there_lists_those_that_are(exported_folder):
    with pytest.raises(ValueError, match="NoSuchExecutionProvider.*CPUExecutionProvider.*onnxruntime-gpu"):
        OnnxWorldModel(exported_folder, providers=["NoSuchExecutionProvider"])


def test_a_folder_without_card_is_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=CARD):
        OnnxWorldModel(tmp_path)


def test_loading_and_predicting_need_no_torch(exported_folder):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import no_torch; "
        "from observations import noise_observation; "
        "from action_images_ros.policy.registry import load_policy; "
        "model = load_policy(sys.argv[1], runtime='onnx', threads=1); "
        "print(model.predict(noise_observation((32, 48)), video=True).video.shape)"
    )
    support = str(Path(__file__).parents[2] / "support")
    ended = subprocess.run([sys.executable, "-c", code, str(exported_folder), support], capture_output=True, text=True)
    assert ended.stdout.strip() == "(2, 9, 32, 48, 3)", ended.stderr


def test_a_graph_with_weights_that_are_not_finite_gives_no_chunk(folder):
    import onnx
    from onnx import numpy_helper

    path = folder / "policy_2views.onnx"
    graph = onnx.load(str(path))
    weights = max(graph.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    weights.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(weights), np.nan), weights.name))
    onnx.save(graph, str(path))
    with pytest.raises(ValueError, match="policy_2views.onnx.*not finite"):
        OnnxWorldModel(folder, threads=1).predict(noise_observation(SIZE))
