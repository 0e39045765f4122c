import pytest

from action_images_ros.world_model.onnx.export import export_graph
from action_images_ros.world_model.onnx.files import INPUTS, OUTPUTS, weights_hash


def test_a_graph_says_what_it_is_and_takes_what_is_documented(exported_folder):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(exported_folder / "policy_2views.onnx"), providers=["CPUExecutionProvider"]
    )
    assert tuple(i.name for i in session.get_inputs()) == INPUTS
    assert tuple(o.name for o in session.get_outputs()) == OUTPUTS
    assert session.get_outputs()[0].shape == [2, 9, 32, 48, 3] and session.get_outputs()[0].type == "tensor(uint8)"
    said = session.get_modelmeta().custom_metadata_map
    assert said["weights_sha256"] == weights_hash(exported_folder) and said["views"] == "2"


def test_a_mode_without_graph_is_refused(exported_folder, tmp_path):
    with pytest.raises(ValueError, match="'label'.*policy and world"):
        export_graph(exported_folder, tmp_path, "label")


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="model_card.json"):
        export_graph(tmp_path, tmp_path)
