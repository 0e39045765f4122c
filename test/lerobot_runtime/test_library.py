"""The lerobot library itself: it trains on what we write, its policy drives the graph, and it evaluates our models.

Needs an environment of its own (`make test-lerobot` makes it); skipped without.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from datasets_small import folder_of
from recordings import small_episode

from action_images_ros import ModelCard, Observation, load_policy
from action_images_ros.data.convert import convert
from action_images_ros.graph.options import GraphOptions
from action_images_ros.graph.session import Session

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("LEROBOT_PYTHON", ROOT / ".venv-lerobot" / "bin" / "python")).absolute()
RUN = ROOT / "test" / "support" / "lerobot_run.py"
PLUGIN = ROOT / "docs" / "examples" / "lerobot_policy_action_images"
pytestmark = pytest.mark.skipif(
    not PYTHON.is_file(), reason=f"no {PYTHON}: `make test-lerobot` makes the environment of the lerobot library"
)
CAMERAS = ("camera_0", "camera_1")
SMALL_ACT = {
    "pretrained_backbone_weights": "null",
    "dim_model": 32,
    "n_heads": 2,
    "dim_feedforward": 32,
    "n_encoder_layers": 1,
    "n_vae_encoder_layers": 1,
    "chunk_size": 8,
    "n_action_steps": 8,
}


def lerobot(folder, script, *options, path=""):
    """Run one of its scripts; its output."""
    variables = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "PYTHONPATH": path, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [PYTHON, RUN, script, *options], capture_output=True, text=True, env={**os.environ, **variables}, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """ACT after two steps of `lerobot-train` on a data set of ours, with a card: its folder."""
    folder = tmp_path_factory.mktemp("act")
    episodes = [small_episode(seed, frames=10, size=(96, 96), camera_names=CAMERAS) for seed in (3, 4)]
    convert(folder_of(folder / "cache", episodes), folder / "dataset", "lerobot")
    lerobot(
        folder,
        "lerobot_train",
        "--dataset.repo_id=local/converted",
        f"--dataset.root={folder / 'dataset'}",
        "--dataset.video_backend=pyav",
        "--policy.type=act",
        "--policy.device=cpu",
        "--policy.push_to_hub=false",
        *(f"--policy.{name}={value}" for name, value in SMALL_ACT.items()),
        "--steps=2",
        "--batch_size=2",
        "--num_workers=0",
        "--wandb.enable=false",
        "--eval_freq=0",
        f"--output_dir={folder / 'run'}",
    )
    model = folder / "run/checkpoints/last/pretrained_model"
    ModelCard("act", (96, 96), 9, 0.2, backend="lerobot", output="poses").save(model)
    return model


@pytest.fixture
def python_of_lerobot(monkeypatch):
    monkeypatch.setenv("ACTION_IMAGES_LEROBOT_PYTHON", str(PYTHON))


def test_a_trained_act_predicts_the_same_chunk_for_the_same_observation(trained, python_of_lerobot):
    policy = load_policy(trained, threads=1)
    assert policy.cameras == CAMERAS
    episode = small_episode(3, frames=2, size=(96, 96), camera_names=CAMERAS)
    seen = Observation(
        stamp_ns=1,
        camera_names=CAMERAS,
        images=episode.images[:, 0],
        K=episode.K,
        world_from_camera=episode.world_from_camera,
        tool_pose=episode.poses[0],
        openness=1.0,
        instruction=episode.instruction,
    )
    first, second = policy.predict(seen, seed=1).actions, policy.predict(seen, seed=1).actions
    assert first.poses.shape == (9, 7) and first.valid.all()
    np.testing.assert_array_equal(first.poses, second.poses)
    np.testing.assert_allclose(first.poses[0], seen.tool_pose)


def test_act_drives_the_live_graph_behind_its_limits(trained, python_of_lerobot, tmp_path):
    """Two steps of training know nothing: what counts is that chunks come and arm_command judges every one."""
    heard = {"chunk/poses": [], "chunk/confidence": []}
    options = GraphOptions(model=str(trained), overrides={"policy": {"nice": 0}, "cell": {"image_size": [96, 96]}})
    with Session(options, log=tmp_path / "graph.log") as client:
        client.set_up("reach_target", 1)
        for topic, messages in heard.items():
            client.listen(topic, messages.append)
        client.say("reach the red ball")
        client.wait_for("chunks of ACT", lambda: len(heard["chunk/poses"]) > 1, 120.0)
    message = heard["chunk/poses"][-1]
    assert len(message.points) == 9


def test_lerobot_evaluates_a_model_of_ours_in_the_cell(tmp_path):
    subprocess.run(
        [PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "plugin", PLUGIN], check=True
    )
    lerobot(
        tmp_path,
        "lerobot_eval",
        "--policy.type=action_images",
        "--policy.model=nano",
        "--policy.device=cpu",
        "--policy.push_to_hub=false",
        "--env.type=action_images",
        "--env.benchmark=cell",
        "--env.task=reach_target",
        "--eval.n_episodes=1",
        "--eval.batch_size=1",
        "--seed=1",
        f"--output_dir={tmp_path / 'out'}",
        path=f"{tmp_path / 'plugin'}:{ROOT}",
    )
    told = json.loads((tmp_path / "out/eval_info.json").read_text())
    assert told["overall"]["n_episodes"] == 1 and told["overall"]["pc_success"] == 100.0
