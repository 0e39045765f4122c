"""Settings of a fine-tuning run of the 5 B model, from a YAML file or single values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ...safe_files import load_yaml

METHODS, OPTIMISERS, OBJECTIVES = ("lora", "full"), ("adamw", "adamw8bit"), ("flow", "few_steps")


@dataclass(frozen=True)
class FinetuneSettings:
    """Defaults: LoRA with the published mix. Raises ValueError, naming the setting, for a value that makes no sense.

    method: "lora" (rank, alpha: on every linear layer of the blocks) or "full". learning_rate: 0 for the method's usual
    one (1e-4, 1e-5). optimiser: "adamw", or "adamw8bit" (torchao: a quarter of the state). weights: "float32" keeps the
    trained numbers in float32 and computes in bfloat16 on a GPU; "bfloat16" keeps them in it (full on one GPU).
    batch_size: clips per process and step, all of one mode. accumulate: steps per update. checkpointing: recompute
    the blocks in the backward pass. video, policy, label, view0: shares of the modes as published (see
    `wan_objective.draw_mode`). text_dropout: share of clips without text. shift: of the noise levels.
    objective: "flow" (learn from the data) or "few_steps" (LoRA only: the model's own guided sampling in ``few_steps``
    steps, see `wan_few_steps`). fine: the teacher's steps in one of them. guidance: the teacher's.
    """

    objective: str = "flow"
    few_steps: int = 4
    fine: int = 12
    guidance: float = 7.5
    method: str = "lora"
    rank: int = 32
    alpha: int = 32
    steps: int = 2000
    batch_size: int = 1
    accumulate: int = 1
    learning_rate: float = 0.0
    warmup_steps: int = 50
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    optimiser: str = "adamw"
    weights: str = "float32"
    checkpointing: bool = True
    video: float = 0.1
    policy: float = 0.1
    label: float = 0.05
    view0: float = 0.05
    text_dropout: float = 0.05
    shift: float = 5.0
    save_every: int = 500
    seed: int = 0

    def __post_init__(self):
        for name in ("rank", "alpha", "steps", "batch_size", "accumulate", "save_every", "few_steps", "fine"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}: give a whole number, 1 or more")
        for name in ("video", "policy", "label", "view0", "text_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: give a share, 0 to 1")
        for name, choices in (
            ("objective", OBJECTIVES),
            ("method", METHODS),
            ("optimiser", OPTIMISERS),
            ("weights", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} = {getattr(self, name)!r}: use one of {', '.join(choices)}")
        if self.objective == "few_steps" and self.method != "lora":
            raise ValueError("objective = 'few_steps' needs method = 'lora': the teacher is the model without its LoRA")
        if self.label + self.view0 > 1:
            raise ValueError(f"label + view0 = {self.label + self.view0}: they are shares of the same; give less")
        if self.learning_rate < 0 or not self.shift > 0 or not self.gradient_clip > 0:
            raise ValueError(
                f"learning_rate = {self.learning_rate}, shift = {self.shift}, gradient_clip = "
                f"{self.gradient_clip}: the first is 0 or more, the others are positive"
            )

    @property
    def rate(self) -> float:
        return self.learning_rate or (1e-4 if self.method == "lora" else 1e-5)

    @classmethod
    def load(cls, path: Path | None = None, changes: Mapping | None = None) -> FinetuneSettings:
        """A YAML file's settings (or the defaults), some of them changed."""
        values = {} if path is None else load_yaml(path) or {}
        if not isinstance(values, dict):
            raise ValueError(f"{path} holds no settings: give lines like 'steps: 500'")
        values = values | dict(changes or {})
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"unknown setting {', '.join(unknown)}: there are {', '.join(known)}")
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"a setting has the wrong type ({error})") from None
