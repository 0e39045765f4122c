import json
from pathlib import Path

import pytest
from wan_folder import tiny_denoiser

from action_images_ros.world_model.wan.tensor_names import (
    compare,
    config_from_shapes,
    from_published,
    listed,
    meta_denoiser,
    published_manifest,
    to_published,
)

MANIFEST = Path(__file__).parents[2] / "data" / "golden_wan_manifest.json"


def published():
    return {name: tuple(shape) for name, shape in json.loads(MANIFEST.read_text()).items()}


def test_every_name_and_shape_of_the_published_checkpoint_is_accounted_for():
    assert len(published()) == 945
    assert compare(published_manifest(), published()) == []


def test_names_translate_both_ways():
    ours = {from_published(name) for name in published()}
    assert ours == set(meta_denoiser().state_dict())
    assert all(to_published(from_published(name)) == name for name in published())


@pytest.mark.parametrize(
    "name",
    [
        "blocks.0.self_attn.x.weight",
        "blocks.0.cam_encoder.1.weight",
        "head.norm.weight",
        "blocks.x.ffn.0.weight",
        "optimizer",
        "",
    ],
)
def test_a_foreign_name_has_no_translation(name):
    assert from_published(name) is None
    with pytest.raises(KeyError):
        to_published(name)


def test_what_differs_is_told_name_by_name():
    found = {"a": (1,), "b": (2, 3), "x": (1,)}
    lines = compare(found, {"a": (1,), "b": (3, 2), "c": (4,)})
    assert lines == ["c: missing", "x: unknown", "b: shape [2, 3] where [3, 2] is wanted"]
    assert listed(lines, 1).endswith("and 2 more")


def test_shapes_tell_the_configuration():
    config = config_from_shapes(published())
    assert {k: v for k, v in meta_denoiser().config.items() if k in config} == config | {"patch_size": (1, 2, 2)}
    tiny = {to_published(n): tuple(t.shape) for n, t in tiny_denoiser(attention_head_dim=128).state_dict().items()}
    assert config_from_shapes(tiny)["num_layers"] == 2 and config_from_shapes(tiny)["num_attention_heads"] == 2


def test_shapes_of_another_kind_of_model_are_refused():
    with pytest.raises(ValueError, match="conv.weight"):
        config_from_shapes({"conv.weight": (3, 3)})
