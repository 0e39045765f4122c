import pytest

from action_images_ros.policy.registry import load_policy
from action_images_ros.world_model.nano.model import WorldModel
from action_images_ros.world_model.onnx.model import OnnxWorldModel


def test_every_runtime_has_the_same_interface(exported_folder):
    torch_model, onnx_model = load_policy(exported_folder), load_policy(exported_folder, runtime="onnx")
    assert isinstance(torch_model, WorldModel) and isinstance(onnx_model, OnnxWorldModel)
    assert torch_model.card == onnx_model.card


def test_bf16_is_a_runtime_of_torch(exported_folder):
    assert load_policy(exported_folder, runtime="torch-bf16").bfloat16


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"runtime": "tflite"}, "'tflite'.*torch, torch-bf16, onnx, onnx-int8"),
        ({"runtime": "onnx", "threads": 0}, "threads is 0"),
        ({"runtime": "torch", "providers": ["CUDAExecutionProvider"]}, "CUDAExecutionProvider.*onnx"),
    ],
)
def test_arguments_that_cannot_be_are_refused(exported_folder, arguments, words):
    with pytest.raises(ValueError, match=words):
        load_policy(exported_folder, **arguments)


def test_what_will_be_asked_for_is_refused_at_once_where_it_is_not_exported(exported_folder):
    load_policy(exported_folder, runtime="onnx", views=2, video=True)
    with pytest.raises(FileNotFoundError, match="policy_3views.onnx.*--views 3"):
        load_policy(exported_folder, runtime="onnx", views=3)
    with pytest.raises(FileNotFoundError, match="--int8"):
        load_policy(exported_folder, runtime="onnx-int8", views=2)
