import json
import os
import re
from pathlib import Path

import pytest
import torch
from wan_folder import tiny_denoiser

from action_images_ros.world_model.wan import import_checkpoint as module
from action_images_ros.world_model.wan.denoiser import WanDenoiser
from action_images_ros.world_model.wan.import_checkpoint import import_checkpoint
from action_images_ros.world_model.wan.tensor_names import published_manifest, to_published


@pytest.fixture
def model():
    return tiny_denoiser().bfloat16()


@pytest.fixture
def config(model):
    return {k: v for k, v in model.config.items() if not k.startswith("_")}


@pytest.fixture
def published(model):
    """The model's tensors under their published names."""
    return {to_published(name): tensor for name, tensor in model.state_dict().items()}


@pytest.fixture
def checkpoint(published, tmp_path):
    torch.save(published, tmp_path / "published.ckpt")
    return tmp_path / "published.ckpt"


def nothing_left(out):
    return not out.exists() and not out.with_name(out.name + ".partial").exists()


def test_an_imported_checkpoint_is_the_same_model_in_several_shards(checkpoint, model, config, tmp_path):
    out = tmp_path / "denoiser"
    done = import_checkpoint(checkpoint, out, config=config, shard_bytes=20_000)
    assert done.tensors == len(model.state_dict()) and done.shards == 3
    assert done.parameters == sum(p.numel() for p in model.parameters())
    assert max(p.stat().st_size for p in out.glob("*.safetensors")) < 20_000 + 8_000  # header
    index = json.loads((out / "diffusion_pytorch_model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(model.state_dict())
    again = WanDenoiser.from_pretrained(out, torch_dtype=torch.bfloat16, local_files_only=True)
    wanted = model.state_dict()
    assert all(torch.equal(tensor.bfloat16(), wanted[name]) for name, tensor in again.state_dict().items())


def test_a_small_model_is_one_file(checkpoint, config, tmp_path):
    done = import_checkpoint(checkpoint, tmp_path / "denoiser", config=config)
    assert done.shards == 1 and (tmp_path / "denoiser" / "diffusion_pytorch_model.safetensors").is_file()


@pytest.mark.parametrize(
    "wrap", [lambda w: {"state_dict": w, "epoch": 3}, lambda w: {f"pipe.dit.{n}": t for n, t in w.items()}]
)
def test_wrapped_and_prefixed_names_are_understood(published, config, tmp_path, wrap):
    torch.save(wrap(published), tmp_path / "wrapped.ckpt")
    done = import_checkpoint(tmp_path / "wrapped.ckpt", tmp_path / "out", config=config)
    assert done.tensors == len(published)
    assert done.ignored in ((), ("epoch",))


def test_unknown_missing_and_misshapen_tensors_are_listed_and_refused(published, config, tmp_path):
    published["blocks.0.surprise.weight"] = torch.zeros(2)
    published["head.head.bias"] = torch.zeros(3)
    del published["blocks.1.projector.bias"]
    torch.save(published, tmp_path / "other.ckpt")
    with pytest.raises(ValueError) as error:
        import_checkpoint(tmp_path / "other.ckpt", tmp_path / "out", config=config)
    for words in ("blocks.1.projector.bias: missing", "blocks.0.surprise.weight: unknown", "head.head.bias: shape [3]"):
        assert words in str(error.value)
    assert nothing_left(tmp_path / "out")


def test_the_published_size_is_expected_unless_told_otherwise(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="945 tensors"):
        import_checkpoint(checkpoint, tmp_path / "out")


def test_a_model_of_another_kind_is_named_as_such(tmp_path):
    torch.save({"conv.weight": torch.zeros(3, 3)}, tmp_path / "conv.ckpt")
    with pytest.raises(ValueError, match="not those of a Wan denoiser"):
        import_checkpoint(tmp_path / "conv.ckpt", tmp_path / "out")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(checkpoint, config, tmp_path, share):
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match="truncated"):
        import_checkpoint(checkpoint, tmp_path / "out", config=config)
    assert nothing_left(tmp_path / "out")


def test_a_wrong_type_of_number_is_refused(published, config, tmp_path):
    published["head.head.bias"] = published["head.head.bias"].double()
    torch.save(published, tmp_path / "double.ckpt")
    with pytest.raises(ValueError, match="bfloat16.*head.head.bias is float64"):
        import_checkpoint(tmp_path / "double.ckpt", tmp_path / "out", config=config)


class Payload:
    def __reduce__(self):
        return (print, ("a stranger's code runs",))


def test_code_in_a_checkpoint_is_not_run(published, config, tmp_path, capsys):
    torch.save({"state_dict": published, "extra": Payload()}, tmp_path / "evil.ckpt")
    with pytest.raises(ValueError, match="pickle can run code"):
        import_checkpoint(tmp_path / "evil.ckpt", tmp_path / "out", config=config)
    assert "stranger" not in capsys.readouterr().out


def test_a_failure_halfway_leaves_nothing_behind(checkpoint, config, tmp_path, monkeypatch):
    def full_disk(tensors, path, metadata):
        if "00003" in path.name:
            raise OSError("no space left on device")
        save(tensors, path, metadata=metadata)

    save = module.save_file
    monkeypatch.setattr(module, "save_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        import_checkpoint(checkpoint, tmp_path / "out", config=config, shard_bytes=20_000)
    assert nothing_left(tmp_path / "out")


def test_too_little_space_is_told_before_anything_is_written(checkpoint, config, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match="GB free"):
        import_checkpoint(checkpoint, tmp_path / "out", config=config)
    assert nothing_left(tmp_path / "out")


def test_weights_that_are_there_are_only_replaced_on_demand_and_a_readme_stays(checkpoint, config, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine")
    (out / "config.json").write_text("{}")
    import_checkpoint(checkpoint, out, config=config)
    assert json.loads((out / "config.json").read_text())["num_layers"] == 2
    with pytest.raises(ValueError, match="--overwrite"):
        import_checkpoint(checkpoint, out, config=config)
    import_checkpoint(checkpoint, out, config=config, overwrite=True, shard_bytes=20_000)
    assert (out / "README.md").read_text() == "mine" and not (out / "diffusion_pytorch_model.safetensors").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "published.ckpt"]


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peak memory is read from Linux's /proc")
def test_memory_stays_below_two_shards(tmp_path):
    """Peak resident memory, over that before, of importing 82 MB in shards of 24 MB."""
    shard = 24_000_000
    config = {
        "num_attention_heads": 2,
        "attention_head_dim": 128,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": 16,
        "freq_dim": 16,
        "ffn_dim": 1024,
        "num_layers": 16,
        "camera_grid": (8, 8, 8),
    }
    for name, layers in (("small", 1), ("large", 16)):
        shapes = published_manifest(config | {"num_layers": layers})
        torch.save({n: torch.full(shape, 0.5) for n, shape in shapes.items()}, tmp_path / f"{name}.ckpt")
    import_checkpoint(tmp_path / "small.ckpt", tmp_path / "warm", config=config | {"num_layers": 1})

    def resident(key):
        status = Path("/proc/self/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = resident("VmRSS")
    done = import_checkpoint(tmp_path / "large.ckpt", tmp_path / "out", config=config, shard_bytes=shard)
    assert done.shards >= 4 and done.bytes > 3 * shard
    assert shard / 2 < resident("VmHWM") - before < 2 * shard


def test_the_command_counts_what_it_wrote(checkpoint, config, tmp_path):
    from typer.testing import CliRunner

    from action_images_ros.cli.main import app

    (tmp_path / "config.json").write_text(json.dumps(config))
    options = ["--config", tmp_path / "config.json", "--shard-gb", 2e-5]
    arguments = ["import-checkpoint", checkpoint, tmp_path / "out", *options]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0 and "77 tensors, 21,848 parameters, 0.00 GB in 3 file(s)" in result.output
