import shutil

import pytest
from observations import noise_observation

from action_images_ros.evaluation import export
from action_images_ros.evaluation.export import export_model
from action_images_ros.policy.card import ModelCard
from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.onnx import export as onnx_export


@pytest.fixture(autouse=True)
def cheap(exported_folder, monkeypatch):
    """Graphs exported once, observations of noise: what is tested is what is done with them."""
    monkeypatch.setattr(
        onnx_export,
        "export_graph",
        lambda folder, work, mode, views: shutil.copyfile(
            exported_folder / f"{mode}_2views.onnx", work / f"{mode}_{views}views.onnx"
        ),
    )
    monkeypatch.setattr(
        export,
        "expert_observations",
        lambda count, size, views=2, seed=0: [
            noise_observation(size, views=views, seed=index) for index in range(count)
        ],
    )
    monkeypatch.setattr(export, "CALIBRATION", 2)


@pytest.fixture
def folder(exported_folder, tmp_path):
    """The model alone, without exports."""
    shutil.copytree(exported_folder, tmp_path / "model", ignore=shutil.ignore_patterns("*.onnx"))
    return tmp_path / "model"


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix not in (".json", ".safetensors"))


def test_what_was_compared_with_torch_lies_beside_the_weights(folder):
    rows = export_model(folder, video=True, observations=1)
    assert [row["file"] for row in rows] == files(folder) == ["policy_2views.onnx", "world_2views.onnx"]
    assert all(row["levels_max"] <= 1 and row["megabytes"] > 0 for row in rows)
    load_policy(folder, runtime="onnx", views=2, video=True)


def test_another_folder_gets_the_card_and_can_be_loaded_alone(folder, tmp_path):
    rows = export_model(folder, out=tmp_path / "robot", int8=True, observations=1)
    assert files(folder) == []
    assert [row["file"] for row in rows] == ["policy_2views.onnx", "policy_2views_int8.onnx"]
    for runtime in ("onnx", "onnx-int8"):
        assert load_policy(tmp_path / "robot", runtime=runtime, views=2).card.name == "tiny"


def test_an_export_that_computes_something_else_leaves_nothing_behind(folder, monkeypatch):
    right = export.compare
    monkeypatch.setattr(export, "compare", lambda a, b, seen, **how: right(a, Inverted(b), seen, **how))
    with pytest.raises(ValueError, match="torch"):
        export_model(folder, observations=1)
    assert files(folder) == []


@pytest.mark.parametrize("views", [1, 5])
def test_numbers_of_views_that_cannot_be_checked_are_refused(folder, views):
    with pytest.raises(ValueError, match=f"views is {views}.*2 to 4"):
        export_model(folder, views=(2, views))


def test_the_folder_of_another_model_is_not_overwritten(folder, tmp_path):
    ModelCard("other", (32, 48), 13, 0.2).save(tmp_path)
    with pytest.raises(ValueError, match="another model"):
        export_model(folder, out=tmp_path)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="model_card.json"):
        export_model(tmp_path)


class Inverted:
    """A model whose pictures are inverted."""

    def __init__(self, model):
        self.model = model

    def predict(self, observation, **how):
        prediction = self.model.predict(observation, **how)
        prediction.action_images[:] = 255 - prediction.action_images
        return prediction
