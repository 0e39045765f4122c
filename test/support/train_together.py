"""What each of several processes does in test_processes.py: trains by recipes, one after the other, on one data folder.

python train_together.py DATA OUT RUNS, RUNS being JSON: [{"name", "recipe", "sharded", "stop_at", "resume"}]. The
environment is that of `accelerate launch` or of the test.
"""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import torch

from action_images_ros.training import objectives
from action_images_ros.training import train as module
from action_images_ros.training.config import TrainConfig


def run(data: str, out: Path, name: str, recipe: dict, sharded: bool = False, stop_at: int = 0, resume: bool = False):
    """One training; stop_at: send this process a SIGTERM in that step, as a batch system does."""
    os.environ["ACCELERATE_USE_FSDP"] = str(sharded).lower()
    advance = module.Trainer.advance

    def interrupted(trainer, batches):
        if trainer.step + 1 == stop_at and trainer.processes.rank == trainer.processes.count - 1:
            signal.raise_signal(signal.SIGTERM)
        return advance(trainer, batches)

    module.Trainer.advance = interrupted
    try:
        module.train(TrainConfig(**recipe), data, out / name, resume=resume, workers=0)
    except SystemExit as end:
        assert end.code == 128 + signal.SIGTERM or stop_at == 0
    finally:
        module.Trainer.advance = advance


if __name__ == "__main__":
    torch.set_num_threads(1)
    objectives.validate = partial(objectives.validate, size=2)
    for task in json.loads(sys.argv[3]):
        run(sys.argv[1], Path(sys.argv[2]), **task)
