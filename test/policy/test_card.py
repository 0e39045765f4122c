import json

import pytest

from action_images_ros.policy.card import ModelCard

CARD = ModelCard(name="tiny", image_size=(32, 48), frames=9, dt=0.2, tasks=("reach_target",))


@pytest.fixture
def folder(tmp_path):
    CARD.save(tmp_path)
    return tmp_path


def test_the_card_survives_and_tells_the_horizon(folder):
    assert ModelCard.load(folder) == CARD
    assert json.loads((folder / "model_card.json").read_text())["horizon"] == pytest.approx(1.6)


@pytest.mark.parametrize(("key", "value"), [("frames", 10), ("dt", 0.0), ("image_size", [30, 48])])
def test_a_card_with_impossible_values_is_refused(folder, key, value):
    values = json.loads((folder / "model_card.json").read_text()) | {key: value}
    (folder / "model_card.json").write_text(json.dumps(values))
    with pytest.raises(ValueError):
        ModelCard.load(folder)


def test_a_folder_without_card_says_what_is_wanted(tmp_path):
    with pytest.raises(FileNotFoundError, match="model_card.json.*models/nano"):
        ModelCard.load(tmp_path)
