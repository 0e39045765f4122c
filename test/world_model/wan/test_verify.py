import pytest
from safetensors.torch import load_file, save_file

from action_images_ros.world_model.wan.verify import verify_denoiser


def test_the_published_denoiser_is_reproduced(reference):
    result = verify_denoiser(reference)
    assert result.error < 1e-4 < 1 < result.scale
    assert result.parameters == 3_797_056


@pytest.mark.parametrize(
    "name",
    [
        "weights.blocks.1.projector.bias",
        "input.camera",
        "output.velocity",
        "weights.blocks.0.norm3.weight",
        "weights.blocks.0.cam_encoder.2.weight",
    ],
)
def test_another_weight_or_input_is_noticed(reference, tmp_path, name):
    tensors = load_file(reference)
    tensors[name] = tensors[name] + 0.5
    save_file(tensors, tmp_path / "changed.safetensors")
    assert verify_denoiser(tmp_path / "changed.safetensors").error > 1e-3


def test_a_file_without_what_is_compared_says_what_it_lacks(reference, tmp_path):
    tensors = load_file(reference)
    for name in ("input.camera", "output.velocity"):
        del tensors[name]
    save_file(tensors, tmp_path / "part.safetensors")
    with pytest.raises(ValueError, match="input.camera; output.velocity"):
        verify_denoiser(tmp_path / "part.safetensors")


def test_weights_of_another_model_are_listed(reference, tmp_path):
    tensors = load_file(reference)
    del tensors["weights.blocks.1.projector.bias"]
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="blocks.1.projector.bias: missing"):
        verify_denoiser(tmp_path / "other.safetensors")


def test_a_truncated_file_is_refused(reference, tmp_path):
    path = tmp_path / "short.safetensors"
    path.write_bytes(reference.read_bytes()[:100_000])
    with pytest.raises(ValueError, match="truncated"):
        verify_denoiser(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        verify_denoiser(tmp_path / "nowhere")


def test_the_command_tells_the_error_and_fails_above_the_tolerance(reference):
    from typer.testing import CliRunner

    from action_images_ros.cli.main import app

    good = CliRunner().invoke(app, ["verify-denoiser", str(reference)])
    assert good.exit_code == 0 and "largest absolute error" in good.output and "within 0.0001" in good.output
    strict = CliRunner().invoke(app, ["verify-denoiser", str(reference), "--tolerance", "1e-9"])
    assert strict.exit_code == 1 and "ABOVE 1e-09" in strict.output
