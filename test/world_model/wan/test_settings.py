import json

import pytest

from action_images_ros.paths import models_path
from action_images_ros.world_model.wan.settings import WanSettings


def test_the_shipped_settings_are_the_published_protocol():
    settings = WanSettings.load(models_path("wan2.2-ti2v-5b"))
    assert settings == WanSettings()
    assert (settings.steps, settings.shift, settings.guidance, settings.views) == (50, 5.0, 7.5, 2)


def test_overrides_win_over_the_folder(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"steps": 4, "guidance": 1}))
    assert WanSettings.load(tmp_path, {"steps": 2}) == WanSettings(steps=2, guidance=1)


@pytest.mark.parametrize(
    "values, words",
    [
        ({"steps": 0}, "steps = 0"),
        ({"steps": "many"}, "steps = 'many'"),
        ({"guidance": 0.5}, "guidance = 0.5"),
        ({"shift": 0}, "shift = 0"),
        ({"dtype": "int8"}, "dtype = 'int8'.*bfloat16"),
        ({"step": 3}, "unknown setting step"),
        ({"solver": "heun"}, "solver = 'heun'.*unipc"),
        ({"frames_first": 4}, "frames_first = 4.*1 . 4 k"),
        ({"cache": "mag"}, "mag_ratios.*mag_calibrate"),
        ({"offload": "some"}, "offload = 'some'.*text"),
        ({"guidance": "x"}, "wrong type"),
        ({"views": 0}, "views = 0"),
    ],
)
def test_values_that_make_no_sense_are_named(tmp_path, values, words):
    with pytest.raises(ValueError, match=words):
        WanSettings.load(tmp_path, values)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "settings.json").write_text("[1")
    with pytest.raises(ValueError, match="settings.json"):
        WanSettings.load(tmp_path)


@pytest.mark.parametrize("name", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=f"device = '{name}'"):
        WanSettings(device=name).torch_device()
