"""Objectives of a recipe: network, loss and validation. The loop is the same for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..world_model.nano.denoiser import NanoDenoiser
from ..world_model.nano.regressor import PoseRegressor
from .batches import BatchMaker
from .config import TrainConfig
from .losses import total_loss
from .regression import regress, regression_loss
from .run_folder import RunFolder
from .sheets import write_sheet
from .validate import fixed_batch, sample, validate


@dataclass(frozen=True)
class Objective:
    """network: class made with the recipe's `model`. loss: (network, batch, recipe) -> (loss, by name).
    sample: (network, batch) -> Samples. judged: modes validated. sheets: chunks on the sheet of each mode."""

    network: type
    loss: Callable
    sample: Callable
    judged: tuple[str, ...]
    sheets: dict[str, int]

    def report(self, model, judge: BatchMaker, folder: RunFolder, step: int) -> dict[str, float]:
        """Writes the sheets into the run's folder; returns the decoded errors on held-out windows."""
        for mode, chunks in self.sheets.items():
            write_sheet(folder.sheet(mode, step), self.sample(model, fixed_batch(judge, mode, chunks, step)))
        return validate(model, judge, sampler=self.sample, modes=self.judged)


OBJECTIVES = {
    "denoiser": Objective(NanoDenoiser, total_loss, sample, ("policy", "label"), {"policy": 6, "joint": 3}),
    "regression": Objective(PoseRegressor, regression_loss, regress, ("policy",), {"policy": 6}),
}


def objective_of(recipe: TrainConfig) -> Objective:
    """The objective that a recipe's `objective` names."""
    return OBJECTIVES[recipe.objective]


def new_network(recipe: TrainConfig):
    """An untrained network of a recipe."""
    return objective_of(recipe).network(**recipe.model)
