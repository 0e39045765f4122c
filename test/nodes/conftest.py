"""What the tests of the nodes share."""

import json

import pytest


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A folder that holds a model's card and nothing else."""
    folder = tmp_path_factory.mktemp("card")
    card = {"name": "tiny", "image_size": [96, 96], "frames": 9, "dt": 0.2}
    (folder / "model_card.json").write_text(json.dumps(card))
    return str(folder)
