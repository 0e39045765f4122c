"""The training loop: bit-exact resume, one process or many, metrics and sample sheets.

Output: see `run_folder`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..paths import models_path
from ..world_model.nano.checkpoints import ModelCard, load_network
from ..world_model.nano.trunk import Trunk
from ..world_model.text import TextEncoder
from .batches import BatchMaker
from .config import TrainConfig
from .interrupt import Interrupt
from .loader import InstructionTable, default_workers, load_batches
from .mixture import Mixture, load_mixture
from .objectives import objective_of
from .precision import compiled_on, precision_on
from .processes import Processes
from .run_folder import RunFolder
from .trainer import Trainer
from .windows import WindowSampler


def train(
    config: str | Path | TrainConfig,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    shares: Sequence[float] | None = None,
    resume: bool = False,
    minutes: float | None = None,
    init: str | Path | None = None,
    threads: int | None = None,
    workers: int | None = None,
    **overrides,
) -> Path:
    """Train by a recipe on folders of episodes; returns the folder of the averaged model.

    data: a folder or several; shares: of the training, one for each (see `load_mixture`). resume: continue from
    ``out/checkpoint.pt``. minutes: stop (with a checkpoint) after that time. init: a model folder, or a name under
    ``models/``, to start from. threads: of torch, in this process. workers: loading processes (None: as the machine
    has); they do not change the result. overrides: recipe keys, for example ``steps=6000``.
    Raises SystemExit (128 + the signal's number) after SIGINT or SIGTERM, once the checkpoint is written.
    """
    recipe = config if isinstance(config, TrainConfig) else TrainConfig.load(config, **overrides)
    folder = RunFolder(out)
    changes = folder.check(recipe, resume)
    processes = Processes()
    if threads:
        torch.set_num_threads(threads)
    mixture = load_mixture([data] if isinstance(data, str | Path) else data, shares, recipe.validation_fraction)
    initial = None if init is None else load_initial(init, recipe)
    maker, judge = make_makers(mixture, recipe)
    trainer = Trainer(recipe, initial, processes)
    if resume:
        trainer.load(folder.checkpoint)
    processes.wait()  # until all have seen the folder as it was
    if processes.main:
        said = folder.begin(recipe, trainer.step, changes)
        if said:
            print(f"{folder.path} goes on with another recipe {said}", file=sys.stderr)
        _warn_of_device(processes.device, recipe)
    run = _Run(recipe, folder, trainer, judge, mixture, None if init is None else Path(init).name)
    gpu = processes.device.type == "cuda"
    feed = load_batches(
        maker,
        trainer.step,
        workers=default_workers(processes.count, gpu) if workers is None else workers,
        rank=processes.rank,
        processes=processes.count,
        pin=gpu,
    )
    with Interrupt() as interrupt, closing(feed):
        run.loop(feed, interrupt, minutes)
    if run.interrupted:
        if processes.main:
            print(f"stopped at step {trainer.step} of {recipe.steps}: go on with --resume", file=sys.stderr)
        raise SystemExit(128 + run.interrupted)
    return folder.model


def _warn_of_device(device: torch.device, recipe: TrainConfig) -> None:
    """Print what of the recipe this device or machine lacks."""
    if precision_on(device, recipe) != recipe.precision:
        print(f"this processor has no {recipe.precision} instructions: it trains in float32", file=sys.stderr)
    if compiled_on(device, recipe) != recipe.compile:
        print(
            "there is no C++ compiler (g++, or what CXX names): blocks are not compiled, steps take longer",
            file=sys.stderr,
        )


def make_makers(mixture: Mixture, recipe: TrainConfig) -> tuple[BatchMaker, BatchMaker]:
    """(of training, of validation) batches; every instruction is encoded here, once."""
    text = InstructionTable(TextEncoder().encode, mixture.instructions)
    return (
        BatchMaker(WindowSampler(mixture.training, recipe, mixture.parts), text.encode, recipe),
        BatchMaker(WindowSampler(mixture.held, recipe, mixture.held_parts), text.encode, recipe),
    )


def load_initial(init: str | Path, recipe: TrainConfig) -> Trunk:
    """The model to start from; ValueError where it does not fit the recipe. Its dt may be the recipe's `init_dt`."""
    folder = Path(models_path(init))
    card, model = ModelCard.load(folder), load_network(folder)
    if not isinstance(model, objective_of(recipe).network):
        raise ValueError(f"the recipe's objective is {recipe.objective}, init {folder} holds a {type(model).__name__}")
    wrong = {
        key: (value, getattr(recipe, key))
        for key, value in (("image_size", card.image_size), ("frames", card.frames), ("dt", card.dt))
        if value != getattr(recipe, key)
    }
    if card.dt == recipe.init_dt:
        wrong.pop("dt", None)
    wrong |= {f"model.{k}": (model.config[k], v) for k, v in recipe.model.items() if model.config.get(k) != v}
    if wrong:
        listed = ", ".join(f"{key} is {there} there and {here} in the recipe" for key, (there, here) in wrong.items())
        raise ValueError(
            f"init {folder} does not fit the recipe ({listed}): begin the recipe with `base:` of the one "
            "that made this model"
        )
    return model


class _Run:
    """The loop of one process and what it writes; `interrupted` is the number of the signal that ended it, or 0."""

    def __init__(self, recipe, folder: RunFolder, trainer: Trainer, judge: BatchMaker, mixture: Mixture, init):
        self.recipe, self.folder, self.trainer, self.judge = recipe, folder, trainer, judge
        self.mixture, self.init, self.interrupted = mixture, init, 0

    def loop(self, feed, interrupt: Interrupt, minutes: float | None) -> None:
        recipe, trainer, processes = self.recipe, self.trainer, self.trainer.processes
        begun = time.monotonic()
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
        console = Console(stderr=True)
        with Progress(TextColumn("training"), *columns, console=console, disable=not processes.main) as progress:
            bar = progress.add_task("train", total=recipe.steps, completed=trainer.step, note="")
            last = time.monotonic()
            while trainer.step < recipe.steps and not self.interrupted:
                batches = [next(feed).unpack(processes.device) for _ in range(recipe.accumulate)]
                losses = trainer.advance(batches)
                now = time.monotonic()
                row = self._row(batches[0].canvas.mode, now - last) | losses
                self.interrupted = processes.largest(interrupt.number)
                spent = processes.largest(int(minutes is not None and now - begun > 60 * minutes))
                done = spent or trainer.step == recipe.steps
                if done or trainer.step % recipe.validate_every == 0:
                    row |= self._validate()
                if done or self.interrupted or trainer.step % recipe.checkpoint_every == 0:
                    self._checkpoint()
                if processes.main:
                    self.folder.note(row)
                progress.update(bar, completed=trainer.step, note=f"{row['mode']} {_shown(losses)}")
                if spent:
                    break
                last = time.monotonic()

    def _row(self, mode: str, seconds: float) -> dict:
        trainer, processes = self.trainer, self.trainer.processes
        trainer.seconds += seconds
        return {
            "step": trainer.step,
            "mode": mode,
            "seconds": round(trainer.seconds, 2),
            "samples": trainer.step * self.recipe.batch_size,
            "samples_per_second": round(self.recipe.batch_size / seconds, 2),
            "device": processes.description,
        }

    def _validate(self) -> dict[str, float]:
        """Decoded errors and sheets of the averaged model, by the main process while the others wait."""
        trainer = self.trainer
        model = trainer.averaged()
        report = {}
        if model is not None:
            report = trainer.objective.report(model, self.judge, self.folder, trainer.step)
            trainer.figures = {"step": trainer.step, "validation": report}
        trainer.processes.wait()
        return report

    def _checkpoint(self) -> None:
        trainer, recipe = self.trainer, self.recipe
        trainer.save(self.folder.checkpoint)
        model = trainer.averaged()
        if model is None:
            return
        made = {
            "trained_steps": trainer.step,
            "samples": trainer.step * recipe.batch_size,
            "init": self.init,
            "training_seconds": round(trainer.seconds),
            "device": trainer.processes.description,
            "precision": precision_on(trainer.processes.device, recipe),
        }
        card = ModelCard(
            name=self.folder.path.resolve().name,
            image_size=recipe.image_size,
            frames=recipe.frames,
            dt=recipe.dt,
            tasks=self.mixture.tasks,
            data=self.mixture.facts,
            recipe=recipe.to_dict() | made,
            figures=trainer.figures,
        )
        self.folder.publish(model.cpu(), card)


def _shown(losses: dict) -> str:
    return " ".join(f"{name} {losses[name]:.4f}" for name in ("intensity", "video", "position") if name in losses)
