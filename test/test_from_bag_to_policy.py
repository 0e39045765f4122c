"""docs/from_bag_to_policy.sh, small: two demonstrations, two steps, one episode."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from action_images_ros.data.registry import recognise
from action_images_ros.paths import models_path
from action_images_ros.training.config import TrainConfig
from action_images_ros.world_model.nano.checkpoints import ModelCard

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "docs" / "from_bag_to_policy.sh"


def test_the_recipe_fits_the_weights_it_starts_from():
    recipe, card = TrainConfig.load(ROOT / "config/training/finetune.yaml"), ModelCard.load(models_path("nano"))
    assert tuple(recipe.image_size) == tuple(card.image_size)
    assert (recipe.frames, recipe.dt) == (card.frames, card.dt)


@pytest.mark.skipif(not SCRIPT.is_file(), reason="docs/ is not here")
def test_recordings_become_a_policy(tmp_path):
    out, programs = tmp_path / "out", tmp_path / "bin"
    programs.mkdir()
    command = programs / "action-images"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m action_images_ros.cli "$@"\n')
    command.chmod(0o755)
    recipe = {
        "base": str(ROOT / "config/training/finetune.yaml"),
        "steps": 2,
        "decay_steps": 1,
        "warmup_steps": 1,
        "batch_size": 2,
        "precision": "float32",
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OUT": str(out),
        "EPISODES": "2",
        "TASKS": "reach_target",
        "RECIPE": str(tmp_path / "recipe.yaml"),
        "INIT": str(models_path("nano")),
        "TRIALS": "1",
        "LIMIT": "1",
        "WORKERS": "1",
        "THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run([str(SCRIPT)], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert recognise(out / "bags").name == "rosbag2" and len(list((out / "bags").iterdir())) == 2
    assert ModelCard.load(out / "run" / "model").recipe["trained_steps"] == 2
    assert "reach_target" in json.dumps(json.loads((out / "success.json").read_text()))
