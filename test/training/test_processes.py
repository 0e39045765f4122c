"""Two processes on this machine's processors; the same code runs on GPUs and nodes."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from action_images_ros.training.processes import Processes
from action_images_ros.training.train import train
from action_images_ros.world_model.nano.checkpoints import ModelCard, load_denoiser

HELPER = Path(__file__).parents[1] / "support" / "train_together.py"


def together(count, data, out, runs):
    """Runs the helper in `count` processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = str(Path(sys.modules["action_images_ros"].__file__).parents[1])
    common = os.environ | {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
    }
    started = [
        subprocess.Popen(
            [sys.executable, str(HELPER), str(data), str(out), json.dumps(runs)],
            text=True,
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
        )
        for rank in range(count)
    ]
    said = [process.communicate(timeout=500)[1] for process in started]
    assert [process.returncode for process in started] == [0] * count, said


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def weights(run):
    return load_denoiser(run / "model").state_dict()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, episode_folder, tiny):
    """{name: folder}: the same recipe on one process and on two, whole and sharded, unbroken and broken off."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("together")
    recipe = replace(tiny, batch_size=8, steps=4, decay_steps=0, accumulate=1, warmup_steps=1)
    divided = asdict(replace(recipe, accumulate=2))
    train(recipe, episode_folder, out / "alone", workers=0)
    together(
        2,
        episode_folder,
        out,
        [
            {"name": "whole", "recipe": asdict(recipe)},
            {"name": "sharded", "recipe": divided, "sharded": True},
            {"name": "broken", "recipe": divided, "stop_at": 3},
            {"name": "broken", "recipe": divided, "resume": True},
            {"name": "unbroken", "recipe": divided},
            {"name": "broken_sharded", "recipe": divided, "sharded": True, "stop_at": 3},
            {"name": "broken_sharded", "recipe": divided, "sharded": True, "resume": True},
        ],
    )
    return out


@pytest.mark.parametrize("name", ["whole", "sharded", "unbroken"])
def test_two_processes_train_as_one_does(trained, tiny, name):
    alone, other = rows(trained / "alone"), rows(trained / name)
    assert [row["mode"] for row in alone] == [row["mode"] for row in other] and len(alone) == 4
    for a, b in zip(alone, other, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
        assert b["gradient_norm"] == pytest.approx(a["gradient_norm"], rel=1e-3)
    torch.manual_seed(tiny.seed)
    begun = type(load_denoiser(trained / "alone" / "model"))(**tiny.model).state_dict()
    a, b = weights(trained / "alone"), weights(trained / name)
    moved = sum(float((a[k] - begun[k]).square().sum()) for k in a) ** 0.5
    apart = sum(float((a[k] - b[k]).square().sum()) for k in a) ** 0.5
    assert moved > 0 and apart < 0.01 * moved


@pytest.mark.parametrize("name, unbroken", [("broken", "unbroken"), ("broken_sharded", "sharded")])
def test_two_processes_that_were_broken_off_end_with_the_same_bits(trained, name, unbroken):
    assert [row["step"] for row in rows(trained / name)] == [1, 2, 3, 4]
    a, b = weights(trained / unbroken), weights(trained / name)
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_the_card_says_on_what_it_was_trained(trained):
    card = ModelCard.load(trained / "sharded" / "model")
    assert card.recipe["device"] == "cpu x 2, sharded" and card.recipe["samples"] == 4 * 8


def test_a_run_of_two_processes_goes_on_with_one(trained, episode_folder, tiny):
    recipe = replace(tiny, batch_size=8, steps=5, decay_steps=0, warmup_steps=1)
    train(recipe, episode_folder, trained / "sharded", resume=True, workers=0)
    assert rows(trained / "sharded")[-1]["step"] == 5


def test_a_process_alone_needs_no_launcher():
    alone = Processes()
    assert (alone.rank, alone.count, alone.main, alone.sharded) == (0, 1, True, False)
    assert alone.mean({"a": torch.tensor(2.0)}) == {"a": 2.0} and alone.largest(3) == 3
