import pytest
import torch

from action_images_ros.training.config import TrainConfig
from action_images_ros.training.precision import compiled_on, computing, precision_on

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"avx2": True, "avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True, "avx512_bf16": False}, "bfloat16"),
        ({"architecture": "arm64", "neon": True, "bf16": True}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_bfloat16_only_where_the_processor_has_instructions_for_it(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert precision_on(CPU, TrainConfig(precision="bfloat16")) == expected
    assert precision_on(CPU, TrainConfig(precision="float32")) == "float32"
    with computing(CPU, TrainConfig(precision="bfloat16")):
        assert str((torch.ones(2, 2) @ torch.ones(2, 2)).dtype) == f"torch.{expected}"


def test_a_gpu_computes_as_the_recipe_says(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert precision_on(torch.device("cuda"), TrainConfig(precision="bfloat16")) == "bfloat16"


def test_blocks_are_compiled_where_there_is_a_compiler(monkeypatch, tmp_path):
    recipe = TrainConfig(compile=True)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not compiled_on(CPU, recipe) and compiled_on(torch.device("cuda"), recipe)
    compiler = tmp_path / "c++"
    compiler.touch(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    assert compiled_on(CPU, recipe) and not compiled_on(CPU, TrainConfig(compile=False))
