from functools import partial

import numpy as np
import pytest
from training_fixtures import config, episode_folder, episodes, tiny  # noqa: F401

from action_images_ros.training import objectives
from action_images_ros.training.validate import validate


@pytest.fixture
def quick_validation(monkeypatch):
    """Validations on few windows: what they measure is tested elsewhere."""
    monkeypatch.setattr(objectives, "validate", partial(validate, size=2))


@pytest.fixture
def encode_text():
    def encode(texts):
        tokens = np.zeros((len(texts), 24, 384), np.float32)
        tokens[:, :5] = 0.1
        return tokens, tokens[..., 0] > 0

    return encode
