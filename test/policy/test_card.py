import json
from pathlib import Path

import pytest

from action_images_ros.policy.card import CardError, ModelCard

CARD = ModelCard(name="tiny", image_size=(32, 48), frames=9, dt=0.2, tasks=("reach_target",))


@pytest.fixture
def folder(tmp_path):
    CARD.save(tmp_path)
    return tmp_path


def test_the_card_survives_and_tells_the_horizon(folder):
    assert ModelCard.load(folder) == CARD
    assert json.loads((folder / "model_card.json").read_text())["horizon"] == pytest.approx(1.6)


WRONG = [
    ("frames", 10),
    ("frames", 1),
    ("frames", 9.0),
    ("frames", "9"),
    ("frames", True),
    ("frames", None),
    ("dt", 0.0),
    ("dt", -0.2),
    ("dt", "0.2"),
    ("dt", None),
    ("dt", float("nan")),
    ("dt", float("inf")),
    ("dt", True),
    ("image_size", [30, 48]),
    ("image_size", [16, 48]),
    ("image_size", [48]),
    ("image_size", [32, 48, 3]),
    ("image_size", 48),
    ("image_size", "4848"),
    ("image_size", [32.0, 48]),
    ("image_size", [-32, 48]),
    ("image_size", None),
    ("name", ""),
    ("name", 5),
    ("backend", "tflite"),
    ("backend", None),
    ("tasks", "reach_target"),
    ("tasks", [1]),
    ("tasks", None),
    ("recipe", []),
    ("data", None),
    ("figures", "good"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_value_that_cannot_be_is_named(folder, key, value):
    values = json.loads((folder / "model_card.json").read_text()) | {key: value}
    (folder / "model_card.json").write_text(json.dumps(values))
    with pytest.raises(CardError, match="model_card.json") as refusal:
        ModelCard.load(folder)
    assert refusal.value.field == key


@pytest.mark.parametrize("key", ["name", "image_size", "frames", "dt"])
def test_a_missing_field_is_named(folder, key):
    values = json.loads((folder / "model_card.json").read_text())
    del values[key]
    with pytest.raises(CardError) as refusal:
        ModelCard.parse(values)
    assert refusal.value.field == key


def test_an_unknown_field_is_refused_with_the_nearest_name(folder):
    values = json.loads((folder / "model_card.json").read_text()) | {"framse": 9}
    with pytest.raises(CardError, match="frames") as refusal:
        ModelCard.parse(values)
    assert refusal.value.field == "framse"


@pytest.mark.parametrize("text", ["", "[1, 2]", "null", "{", "9"])
def test_a_file_that_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "model_card.json").write_text(text)
    with pytest.raises(CardError, match="model_card.json"):
        ModelCard.load(tmp_path)


def test_every_card_of_this_repository_is_read():
    for path in (Path(__file__).parents[2] / "models").glob("*/model_card.json"):
        assert ModelCard.load(path.parent).frames > 1


def test_a_folder_without_card_says_what_is_wanted(tmp_path):
    with pytest.raises(FileNotFoundError, match="model_card.json.*models/nano"):
        ModelCard.load(tmp_path)
