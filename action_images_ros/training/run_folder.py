"""The folder of a training run.

`config.yaml` (and, where a run went on with another recipe, the former ones as `config_until_<step>.yaml`),
`metrics.jsonl` with a line per step, `sheets/`, `checkpoint.pt`, and `model/`: averaged weights, model card and a
README.md, a folder that can be handed on.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from ..safe_files import write_text
from ..world_model.nano.checkpoints import ModelCard, save_model
from .config import TrainConfig
from .model_readme import model_readme

FIXED = ("model", "objective", "train_only")
"""Keys that decide what the checkpoint holds."""


class RunFolder:
    """Paths and files of a run. Only the main process writes."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.checkpoint, self.model = self.path / "checkpoint.pt", self.path / "model"

    def check(self, recipe: TrainConfig, resume: bool) -> dict[str, tuple]:
        """What a resumed run changes in the recipe: {key: (before, now)}.

        Reject a call that would overwrite a run or cannot resume.
        """
        if self.checkpoint.exists() and not resume:
            raise ValueError(f"{self.path} already holds a run: go on with --resume or give another folder")
        if not resume:
            return {}
        if not self.checkpoint.exists():
            raise FileNotFoundError(f"{self.checkpoint} does not exist: nothing to resume; start without --resume")
        config = self.path / "config.yaml"
        changes = TrainConfig.load(config).changes(recipe) if config.exists() else {}
        fixed = [key for key in FIXED if key in changes]
        if fixed:
            raise ValueError(
                f"{self.path} cannot go on with another {' and '.join(fixed)} ({_list(changes, fixed)}): start a new "
                f"run with --init {self.model}"
            )
        return changes

    def begin(self, recipe: TrainConfig, step: int, changes: dict[str, tuple]) -> str:
        """Write the recipe, keep the former one, drop metrics of repeated steps; return the changes as text."""
        (self.path / "sheets").mkdir(parents=True, exist_ok=True)
        config, metrics = self.path / "config.yaml", self.path / "metrics.jsonl"
        if changes:
            os.replace(config, self.path / f"config_until_{step:06d}.yaml")
        write_text(config, yaml.safe_dump(recipe.to_dict(), sort_keys=False))
        if metrics.exists():
            rows = [line for line in metrics.read_text().splitlines() if _step(line) <= step]
            write_text(metrics, "".join(line + "\n" for line in rows))
        return f"from step {step} on: {_list(changes, changes)}" if changes else ""

    def note(self, row: dict) -> None:
        """Adds a line to the metrics."""
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def sheet(self, mode: str, step: int) -> Path:
        """Where the sheet of a mode belongs."""
        return self.path / "sheets" / f"{mode}_{step:06d}.png"

    def publish(self, model, card: ModelCard) -> None:
        """Writes the model folder."""
        save_model(self.model, model, card)
        write_text(self.model / "README.md", model_readme(card))


def _list(changes: dict[str, tuple], keys) -> str:
    return ", ".join(f"{key} {changes[key][0]} -> {changes[key][1]}" for key in keys)


def _step(line: str) -> float:
    """Step of a line of the metrics; infinite for one that was cut off."""
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")
