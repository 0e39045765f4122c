"""A model in training: its averaged (EMA) copy, its optimiser, one step at a time, and all of it in one file.

The file holds whole tensors, whatever the processes: a run may resume with another number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..safe_files import whole_file
from ..world_model.nano.trunk import Trunk
from .batches import Batch
from .config import TrainConfig
from .objectives import new_network, objective_of
from .precision import compiled_on
from .processes import Processes, sharded_as, whole


class Trainer:
    """`step` counts optimisation steps, `seconds` the time they took, `figures` are those of the last validation."""

    def __init__(self, config: TrainConfig, initial: Trunk | None = None, processes: Processes | None = None):
        self.config, self.objective, self.processes = config, objective_of(config), processes or Processes()
        torch.manual_seed(config.seed)
        self.model = (initial or new_network(config)).to(self.processes.device)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(config.train_only or ""))
        if not any(p.requires_grad for p in self.model.parameters()):
            names = ", ".join(name for name, _ in self.model.named_children())
            raise ValueError(f"train_only = {config.train_only} names no parameter: begin with some of {names}")
        if compiled_on(self.processes.device, config):
            for block in self.model.blocks:  # the repeated block, not the model: minutes less to compile
                block.compile(dynamic=False)
        self.wrapped = self.processes.wrap(self.model)
        self.average = [p.detach().clone() for p in self.model.parameters()]
        trained = [p for p in self.model.parameters() if p.requires_grad]
        decayed, others = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.learning_rate,
            betas=(0.9, 0.95),
            fused=True,
        )
        self.step = 0
        self.seconds = 0.0
        self.figures: dict = {}

    def advance(self, batches: Sequence[Batch]) -> dict[str, float]:
        """One optimisation step on the micro-batches of this process; its chance is in the batches.

        Returns losses, the norm of the gradient and the learning rate, means over all processes.
        """
        config = self.config
        rate = config.learning_rate_at(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        sums: dict[str, torch.Tensor] = {}
        for i, batch in enumerate(batches):
            with self.processes.accumulating(self.wrapped, last=i == len(batches) - 1):
                loss, losses = self.objective.loss(self.wrapped, batch, config)
                (loss / len(batches)).backward()
            for name, value in (losses | {"loss": loss.detach()}).items():
                sums[name] = sums.get(name, 0) + value / len(batches)
        means = self.processes.mean(sums)
        if not torch.isfinite(torch.tensor(means["loss"])):
            raise RuntimeError(f"the loss is {means['loss']} at step {self.step}: lower learning_rate and resume")
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimiser.step()
        self.step += 1
        decay = min(config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, list(self.model.parameters()), 1 - decay)
        return means | {"gradient_norm": float(whole(norm)), "learning_rate": rate}

    def averaged(self) -> Trunk | None:
        """The averaged model, whole; None but in the main process. All processes must ask for it."""
        state = self._averaged_state()
        if not self.processes.main:
            return None
        model = type(self.model).from_config(self.model.config)
        model.load_state_dict(state)
        return model.to(self.processes.device).eval().requires_grad_(False)

    def _averaged_state(self) -> dict[str, torch.Tensor]:
        names = [name for name, _ in self.model.named_parameters()]
        averaged = {name: whole(value) for name, value in zip(names, self.average, strict=True)}
        return {name: averaged[name] if name in averaged else whole(v) for name, v in self.model.state_dict().items()}

    def save(self, path: Path) -> None:
        """Write the complete state; the main process writes, all must call this."""
        optimiser = self.optimiser.state_dict()
        optimiser["state"] = {
            index: {name: whole(value) for name, value in state.items()} for index, state in optimiser["state"].items()
        }
        state = {
            "model": {name: whole(value) for name, value in self.model.state_dict().items()},
            "average": self._averaged_state(),
            "optimiser": optimiser,
            "step": self.step,
            "seconds": self.seconds,
            "figures": self.figures,
        }
        if self.processes.main:
            with whole_file(path) as part:
                torch.save(state, part)
        self.processes.wait()

    def load(self, path: Path) -> None:
        """Restore the state of `save` exactly; all processes read the same file."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(sharded_as(state["model"][name], value))
            for (name, _), value in zip(self.model.named_parameters(), self.average, strict=True):
                value.copy_(sharded_as(state["average"][name], value))
            for index, moments in state["optimiser"]["state"].items():
                like = parameters[index]
                for name in moments:
                    if moments[name].shape == like.shape and moments[name].ndim:
                        moments[name] = sharded_as(moments[name], like)
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.figures = state["step"], state["seconds"], state.get("figures", {})
