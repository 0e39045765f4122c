"""The training recipe: one dataclass, commented YAML files (`config/training/*.yaml`).

A recipe may name another one beside it (`base: nano.yaml`) and then holds only what differs; a table such as `modes`
is replaced whole.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ..policy.card import latent_frames
from ..safe_files import load_yaml
from ..world_model.canvas import MODES

OBJECTIVES = ("denoiser", "regression")
"""What can be trained, see `objectives`."""


_NUMBER = "a number (in YAML 1.0e-3, not 1e-3)"
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), _NUMBER),
    "float | None": ((int, float, type(None)), _NUMBER),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a word"),
    "dict": ((dict,), "keys and values"),
}
"""What a key of that type may hold, and how to say it."""


@dataclass(frozen=True)
class TrainConfig:
    """Every key of a recipe; units and meaning are commented in `config/training/nano.yaml`."""

    image_size: tuple[int, int] = (96, 96)
    frames: int = 9
    dt: float = 0.2
    init_dt: float | None = None
    objective: str = "denoiser"
    model: dict = field(default_factory=dict)
    steps: int = 3000
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 1.0e-3
    warmup_steps: int = 100
    decay_steps: int = 800
    weight_decay: float = 0.01
    ema: float = 0.998
    gradient_clip: float = 1.0
    precision: str = "bfloat16"
    train_only: tuple[str, ...] = ()
    compile: bool = False
    seed: int = 0
    modes: dict = field(
        default_factory=lambda: {"policy": 0.6, "label": 0.2, "joint": 0.1, "world": 0.06, "video": 0.04}
    )
    first_modes: dict = field(default_factory=lambda: {"policy": 0.5, "label": 0.5})
    first_steps: int = 0
    views: dict = field(default_factory=lambda: {2: 0.9, 3: 0.1})
    still_weight: float = 0.12
    full_weight_path: float = 0.15
    pure_noise: float = 0.7
    action_shift: float = 32.0
    video_shift: float = 4.0
    heat_weight: float = 8.0
    location_weight: float = 0.02
    video_weight: float = 1.0
    pose_weights: dict = field(default_factory=lambda: {"position": 1.0, "rotation": 1.0, "openness": 0.5})
    text_dropout: float = 0.05
    unknown_pose: float = 0.5
    label_text_dropout: float = 0.05
    label_reversed: float = 0.0
    pose_jitter: float = 0.3
    pose_jitter_mm: float = 7.0
    pose_jitter_deg: float = 3.0
    augment: float = 0.7
    roll_deg: float = 12.0
    zoom: float = 0.15
    shift: float = 0.06
    colour: float = 0.2
    validation_fraction: float = 0.03
    validate_every: int = 500
    checkpoint_every: int = 250

    def __post_init__(self):
        self._check_kinds()
        latent_frames(self.frames)
        object.__setattr__(self, "image_size", tuple(int(n) for n in self.image_size))
        only = self.train_only.split() if isinstance(self.train_only, str) else self.train_only
        object.__setattr__(self, "train_only", tuple(only))
        object.__setattr__(self, "views", {int(k): float(v) for k, v in self.views.items()})
        if any(n % 16 or n <= 0 for n in self.image_size):
            raise ValueError(f"image_size = {self.image_size}: height and width must be multiples of 16")
        for name in ("modes", "first_modes"):
            unknown = set(getattr(self, name)) - set(MODES)
            if unknown:
                raise ValueError(f"{name} names {sorted(unknown)}: the modes are {', '.join(MODES)}")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective = {self.objective!r}: use one of {', '.join(OBJECTIVES)}")
        asked = {*self.modes, *(self.first_modes if self.first_steps else ())}
        if self.objective == "regression" and asked != {"policy"}:
            raise ValueError(f"modes are {sorted(asked)} with objective = 'regression': leave policy alone")
        if set(self.pose_weights) != {"position", "rotation", "openness"}:
            raise ValueError(f"pose_weights = {self.pose_weights}: give position, rotation and openness")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision = {self.precision!r}: use float32 or bfloat16")
        for name in ("steps", "batch_size", "accumulate", "checkpoint_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: give a positive whole number")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size = {self.batch_size} cannot be divided into accumulate = {self.accumulate} equal parts"
            )
        if self.decay_steps > self.steps:
            raise ValueError(f"decay_steps = {self.decay_steps} exceeds steps = {self.steps}: the decay ends the run")

    def _check_kinds(self) -> None:
        for key in fields(self):
            value, kind = getattr(self, key.name), _KINDS.get(str(key.type))
            if kind is None:
                continue
            right = isinstance(value, kind[0]) and not (isinstance(value, bool) and bool not in kind[0])
            if not right or isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{key.name} = {value!r}: give {kind[1]}")

    @classmethod
    def load(cls, path: str | Path, **overrides) -> TrainConfig:
        """Read a recipe and those it is based on; unknown keys are refused with the list of known ones."""
        values = _read(Path(path), ())
        values.update({k: v for k, v in overrides.items() if v is not None})
        _refuse_unknown(path, values)
        return cls(**values)

    def to_dict(self) -> dict:
        values = asdict(self)
        values |= {name: list(values[name]) for name in ("image_size", "train_only")}
        return values

    def changes(self, later: TrainConfig) -> dict[str, tuple]:
        """The keys in which a later recipe differs: {key: (value here, value there)}."""
        here, there = self.to_dict(), later.to_dict()
        return {key: (here[key], there[key]) for key in here if here[key] != there[key]}

    def learning_rate_at(self, step: int) -> float:
        """Warm-up, constant, then linear to zero over the last ``decay_steps``: a run can be extended and decayed."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        left = min(1.0, max(0.0, (self.steps - step) / max(1, self.decay_steps)))
        return self.learning_rate * warm * left

    def modes_at(self, step: int) -> dict:
        return self.first_modes if step < self.first_steps else self.modes


def _refuse_unknown(path: str | Path, values: dict) -> None:
    known = {f.name for f in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{path} has unknown keys {unknown}: the known ones are {sorted(known)}, and base")


def _read(path: Path, above: tuple[Path, ...]) -> dict:
    """Values of a recipe over those of its base; `above`: the recipes that are based on it."""
    if not path.is_file():
        asked = f", the base of {above[-1]}," if above else ""
        raise FileNotFoundError(f"config {path}{asked} does not exist: give a recipe such as config/training/nano.yaml")
    if path.resolve() in above:
        raise ValueError(f"{path} is based on itself by way of {above[-1]}: take the line `base` out of one of them")
    values = load_yaml(path) or {}
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds {type(values).__name__}, not keys and values: see config/training/nano.yaml")
    base = values.pop("base", None)
    if not isinstance(base, str | None):
        raise ValueError(f"{path}: base = {base!r}: give the file name of another recipe")
    _refuse_unknown(path, values)
    return values if base is None else _read(path.parent / base, (*above, path.resolve())) | values
