from pathlib import Path

import pytest

from action_images_ros.policy.card import WEIGHTS, ModelCard
from action_images_ros.world_model.onnx.files import check_export, export_name, facts, weights_hash

CARD = ModelCard("tiny", (32, 48), 9, 0.2)
PATH = Path("somewhere/policy_2views.onnx")


def wanted(weights="abc", **changes):
    return facts(CARD, "policy", 2, False, weights) | changes


def test_names_tell_mode_views_and_precision():
    assert export_name("policy", 2) == "policy_2views.onnx"
    assert export_name("policy", 3, int8=True) == "policy_3views_int8.onnx"


def test_an_export_of_the_same_model_is_taken_also_without_weights_beside_it():
    check_export(PATH, wanted(), wanted())
    check_export(PATH, wanted(), wanted(weights=None))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "not an export"),
        (wanted(weights="old"), "other weights.*action-images export somewhere --views 2"),
        (wanted(frames="13"), "frames = 13 instead of 9.*action-images export"),
        (wanted(image_size="96x96"), "image_size = 96x96"),
        (wanted(format="0"), "format = 0"),
    ],
)
def test_an_export_of_something_else_is_refused_with_the_remedy(found, words):
    with pytest.raises(ValueError, match=words):
        check_export(PATH, found, wanted())


def test_the_hash_is_that_of_the_weights_or_none(tmp_path):
    assert weights_hash(tmp_path) is None
    (tmp_path / WEIGHTS).write_bytes(b"abc")
    assert weights_hash(tmp_path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
