import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from wan_folder import tiny_denoiser, tiny_text_encoder

from action_images_ros.world_model.wan import weight_files as weights
from action_images_ros.world_model.wan.weight_files import check_weights, require_memory

STEM = "diffusion_pytorch_model"


def check(folder):
    return check_weights("denoiser", folder / "denoiser", STEM, tiny_denoiser())


def test_whole_weights_pass_and_are_counted(folder):
    assert check(folder) == sum(p.numel() for p in tiny_denoiser().parameters())


def test_weights_stored_once_for_two_names_pass(folder):
    model = tiny_text_encoder()
    count = check_weights("text_encoder", folder / "text_encoder", "model", model)
    assert count == sum(p.numel() for p in model.parameters())
    path = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    save_file(tensors | {"encoder.embed_tokens.weight": tensors["shared.weight"].clone()}, path)  # and stored twice
    assert check_weights("text_encoder", folder / "text_encoder", "model", model) == count


def test_a_missing_shard_is_named(folder):
    shard = next((folder / "denoiser").glob("*-00002-of-*"))
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=f"denoiser.*lacks {shard.name}"):
        check(folder)


def test_a_truncated_shard_is_named(folder):
    shard = next((folder / "denoiser").glob("*-00002-of-*"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(ValueError, match=f"{shard.name} is truncated"):
        check(folder)


def test_an_unreadable_index_is_named(folder):
    (folder / "denoiser" / f"{STEM}.safetensors.index.json").write_text(json.dumps({"weight_map": 3}))
    with pytest.raises(ValueError, match="no index of shards"):
        check(folder)


def test_no_weights_at_all_points_to_the_readme(folder):
    for path in (folder / "denoiser").glob(f"{STEM}*"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="has neither.*README"):
        check(folder)


def test_weights_of_another_model_are_listed(folder):
    with pytest.raises(ValueError, match="blocks.2.*missing"):
        check_weights("denoiser", folder / "denoiser", STEM, tiny_denoiser(num_layers=3))


def test_a_wrong_type_of_number_is_named(folder):
    shard = next((folder / "denoiser").glob("*-00001-of-*"))
    tensors = load_file(shard)
    name = next(iter(tensors))
    save_file(tensors | {name: tensors[name].to(torch.float8_e4m3fn)}, shard)
    with pytest.raises(ValueError, match=f"BF16.*{name} is F8_E4M3"):
        check(folder)


def test_too_little_memory_says_how_much_each_part_needs(monkeypatch):
    monkeypatch.setattr(weights, "available_memory", lambda device: 16 * 2**30)
    counts = {"denoiser": 6_415_549_632, "vae": 704_688_668, "text_encoder": 5_680_910_336}
    with pytest.raises(
        ValueError,
        match=r"23.8 GiB.*denoiser 11.9, vae 1.31, text_encoder 10.6.*"
        "cpu has 16 GiB free",
    ):
        require_memory(counts, torch.bfloat16, torch.device("cpu"))
    require_memory({"denoiser": counts["denoiser"]}, torch.bfloat16, torch.device("cpu"))


def test_free_memory_of_this_machine_is_known():
    assert 2**20 < weights.available_memory(torch.device("cpu")) < 2**50
