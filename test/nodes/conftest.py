"""What the tests of the nodes share."""

import json

import pytest


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A folder that holds a model's card and nothing else."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "model_card.json").write_text(json.dumps({"image_size": [96, 96], "frames": 9, "dt": 0.2}))
    return str(folder)
