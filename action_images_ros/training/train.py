"""The training loop: resumable, with an averaged (EMA) copy, a metrics file, and sheets to look at.

A run folder holds `config.yaml`, `metrics.jsonl`, `sheets/`, `checkpoint.pt` (all that is needed to go on)
and `model/` (the averaged weights as a model folder that every command can load).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import torch
import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from action_images_ros.data.episode import load_episodes
from action_images_ros.training.batches import BatchMaker, Prefetcher, WindowDrawer
from action_images_ros.training.config import TrainConfig
from action_images_ros.training.objectives import new_network, objective_of
from action_images_ros.world_model.checkpoints import ModelCard, load_network, save_model
from action_images_ros.world_model.text import TextEncoder


class Trainer:
    """A model, its averaged copy, the optimiser and where they stand."""

    def __init__(self, config: TrainConfig, initial: torch.nn.Module | None = None):
        self.config, self.objective = config, objective_of(config)
        torch.manual_seed(config.seed)
        self.model = initial or new_network(config)
        if not isinstance(self.model, self.objective.network):
            name = type(self.model).__name__
            raise ValueError(f"the recipe's objective is {config.objective}, the weights to start from are a {name}")
        self.average = type(self.model).from_config(self.model.config)
        self.average.load_state_dict(self.model.state_dict())
        self.average.eval().requires_grad_(False)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(config.train_only))
        trained = [p for p in self.model.parameters() if p.requires_grad]
        if not trained:
            names = ", ".join(name for name, _ in self.model.named_children())
            raise ValueError(f"train_only = {config.train_only!r} names no parameter: begin with one of {names}")
        decayed, others = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.learning_rate,
            betas=(0.9, 0.95),
            fused=True,
        )
        if config.compile:
            for block in self.model.blocks:  # the repeated block, not the model: minutes less to compile
                block.compile(dynamic=False)
        self.step = 0
        self.seconds = 0.0

    def advance(self, batch) -> dict:
        """One optimisation step; its chance depends on (seed, step) alone."""
        config = self.config
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        rate = config.learning_rate_at(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        loss, losses = self.objective.loss(self.model, batch, config, generator)
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {float(loss)} at step {self.step}: lower learning_rate and resume")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimiser.step()
        self.step += 1
        decay = min(config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return losses | {"gradient_norm": float(norm), "learning_rate": rate}

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        temporary = path.with_suffix(".part")
        torch.save(state, temporary)
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


def _shown(losses: dict) -> str:
    return " ".join(f"{name} {losses[name]:.4f}" for name in ("intensity", "video", "position") if name in losses)


def split_episodes(episodes: list, fraction: float) -> tuple[list, list]:
    """(training, validation): every n-th episode is held out."""
    every = max(2, round(1 / fraction)) if fraction > 0 else len(episodes) + 1
    held = episodes[every - 1 :: every]
    return [e for i, e in enumerate(episodes) if (i + 1) % every], held or episodes[:1]


def train(
    config: str | Path | TrainConfig,
    data: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    minutes: float | None = None,
    init: str | Path | None = None,
    threads: int | None = None,
    **overrides,
) -> Path:
    """Train by a recipe on a folder of episodes; returns the folder of the averaged model.

    resume: go on from ``out/checkpoint.pt``. minutes: stop (with a checkpoint) after that time. init: a model folder to
    start from. overrides: recipe keys, for example ``steps=6000``.
    """
    recipe = config if isinstance(config, TrainConfig) else TrainConfig.load(config, **overrides)
    out = Path(out)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not resume:
        raise ValueError(f"{out} already holds a run: go on with --resume or give another folder")
    if resume and not checkpoint.exists():
        raise FileNotFoundError(f"{checkpoint} does not exist: nothing to resume; start without --resume")
    if threads:
        torch.set_num_threads(threads)
    episodes = load_episodes(data)
    training, held = split_episodes(episodes, recipe.validation_fraction)
    text = TextEncoder()
    maker = BatchMaker(WindowDrawer(training, recipe), text.encode, recipe)
    judge = BatchMaker(WindowDrawer(held, recipe), text.encode, recipe)
    trainer = Trainer(recipe, None if init is None else load_network(init))
    if resume:
        trainer.load(checkpoint)
    (out / "sheets").mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(yaml.safe_dump(recipe.to_dict(), sort_keys=False))
    facts = {"episodes": len(training), "frames": int(sum(len(e.poses) for e in training)), "held_out": len(held)}
    tasks = tuple(sorted({e.task for e in episodes}))

    begun = last = time.monotonic()
    feed = Prefetcher(maker, trainer.step)
    try:
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
        with Progress(TextColumn("training"), *columns) as progress, (out / "metrics.jsonl").open("a") as metrics:
            bar = progress.add_task("train", total=recipe.steps, completed=trainer.step, note="")
            while trainer.step < recipe.steps:
                batch = feed.next()
                losses = trainer.advance(batch)
                now = time.monotonic()
                trainer.seconds += now - last
                row = {"step": trainer.step, "mode": batch.canvas.mode, "seconds": round(trainer.seconds, 2)} | losses
                last = now
                spent = minutes is not None and now - begun > 60 * minutes
                done = spent or trainer.step == recipe.steps
                if done or trainer.step % recipe.validate_every == 0:
                    row |= trainer.objective.report(trainer.average, judge, out / "sheets", trainer.step)
                    last = time.monotonic()
                if done or trainer.step % recipe.checkpoint_every == 0:
                    trainer.save(checkpoint)
                    card = ModelCard(
                        name=out.name,
                        image_size=recipe.image_size,
                        frames=recipe.frames,
                        dt=recipe.dt,
                        tasks=tasks,
                        data=facts,
                        recipe=recipe.to_dict()
                        | {"trained_steps": trainer.step, "samples": trainer.step * recipe.batch_size}
                        | {"training_seconds": round(trainer.seconds)},
                    )
                    save_model(out / "model", trainer.average, card)
                    last = time.monotonic()
                metrics.write(json.dumps(row) + "\n")
                metrics.flush()
                progress.update(bar, completed=trainer.step, note=f"{batch.canvas.mode} {_shown(losses)}")
                if spent:
                    break
    finally:
        feed.close()
    return out / "model"
