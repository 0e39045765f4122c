"""Whatever the bytes of a model say, loading ends in a model, or in a sentence that names the file.

`ACTION_IMAGES_FUZZ=20000` sets how many examples of each are tried.
"""

import json
import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from action_images_ros.policy.card import ModelCard
from action_images_ros.world_model.nano.checkpoints import load_network, save_random_model

fuzzed = settings(
    max_examples=int(os.environ.get("ACTION_IMAGES_FUZZ", "15")),
    deadline=None,
    database=None,
    derandomize="ACTION_IMAGES_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
CHANGE = st.tuples(
    st.sampled_from(["cut", "overwrite", "insert", "empty", "remove"]),
    st.floats(0, 1, exclude_max=True) | st.floats(0, 0.02),
    st.binary(min_size=1, max_size=12) | st.sampled_from([b"\xff" * 8, b"[" * 5000, b"NaN", b"-1", b"1e999", b"null"]),
)
WEIGHTS = "diffusion_pytorch_model.safetensors"
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "1e9", "inf", "../../x", ".nan", "nano"])
    | st.text(max_size=8)
)
VALUE = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.text(max_size=6), SCALAR, max_size=3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A tiny model with random weights."""
    folder = tmp_path_factory.mktemp("tiny")
    arguments = {"width": 24, "layers": 1, "heads": 2, "quarter_channels": 8, "eighth_channels": 8, "condition": 16}
    save_random_model(folder, arguments, ModelCard("tiny", (32, 48), 9, 0.2))
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "model")


def quietly(call):
    try:
        return call()
    except (ValueError, FileNotFoundError) as error:
        text = str(error)
        assert text and len(text) < 3000, text[:300]
        return None


def changed(data, how, where, noise):
    at = int(where * len(data))
    return {
        "cut": data[:at],
        "overwrite": data[:at] + noise + data[at + len(noise) :],
        "insert": data[:at] + noise + data[at:],
        "empty": b"",
    }[how]


@pytest.mark.parametrize("name", ["model_card.json", "config.json", WEIGHTS])
def test_spoilt_folders_end_in_a_sentence(folder, name):
    path, data = folder / name, (folder / name).read_bytes()

    @fuzzed
    @given(CHANGE)
    def check(change):
        path.unlink(missing_ok=True)
        if change[0] != "remove":
            path.write_bytes(changed(data, *change))
        if name == "model_card.json":
            card = quietly(lambda: ModelCard.load(folder))
            assert card is None or (card.dt > 0 and card.frames >= 2)
        else:
            quietly(lambda: load_network(folder))

    check()


def test_any_values_of_a_configuration_end_in_a_sentence(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())

    @fuzzed
    @given(st.sampled_from(sorted(config)), VALUE)
    def check(key, value):
        path.write_text(json.dumps(config | {key: value}))
        quietly(lambda: load_network(folder))

    check()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_the_name_of_the_tensor(folder, value):
    tensors = load_file(folder / WEIGHTS)
    name = sorted(tensors)[3]
    tensors[name] = tensors[name].copy()
    tensors[name].reshape(-1)[0] = value
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        load_network(folder)
