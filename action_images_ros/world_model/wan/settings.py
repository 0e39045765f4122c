"""Settings of a 5 B model: every choice that affects time or output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

SETTINGS = "settings.json"
DTYPES = ("bfloat16", "float16", "float32")
SOLVERS = ("euler", "unipc", "dpm++")
CACHES = ("off", "first_block", "mag", "mag_calibrate", "taylorseer")
COMPILED = ("off", "denoiser", "vae", "both")
QUANTISED = ("off", "int8", "fp8")
OFFLOADED = ("off", "text", "all")
_CHOICES = {
    "canvas": ("policy", "joint"),
    "solver": SOLVERS,
    "cache": CACHES,
    "compile": COMPILED,
    "quantise": QUANTISED,
    "offload": OFFLOADED,
    "dtype": DTYPES,
}


@dataclass(frozen=True)
class WanSettings:
    """Defaults are the published protocol, but for `canvas`. Raises ValueError, naming the setting, for nonsense.

    What is computed
    canvas: default mode of `predict`: "policy" (video segments cut to their first latent) or "joint".
    steps: of the solver. solver: one of SOLVERS. shift: of the noise levels. guidance: 1 runs the denoiser once per
    step, anything else twice. negative_prompt: text of the negative branch. text_tokens: length the text is padded
    to. views: cameras of the weights. frames_first: frames that `predict` decodes at once, the head of the chunk that
    is executed before the next one comes; 0: all. action_decoder: folder of a small decoder for action images
    (`action-images distill-decoder`); empty: the autoencoder decodes them too.

    How it is computed
    cache: one of CACHES, steps that are not computed but extrapolated from earlier ones. cache_threshold: of
    first_block and mag, larger skips more. mag_ratios: of mag, from a run with cache "mag_calibrate". compile: one of
    COMPILED. quantise: one of QUANTISED, the denoiser's linear layers. offload: one of OFFLOADED, what stays in the
    host's memory and visits the GPU only when it is needed.

    Where
    device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1". dtype: one of DTYPES. denoiser, vae,
    text_encoder, tokenizer: folders, relative to the model folder or absolute.
    """

    canvas: str = "policy"
    steps: int = 50
    solver: str = "euler"
    shift: float = 5.0
    guidance: float = 7.5
    negative_prompt: str = ""
    text_tokens: int = 512
    views: int = 2
    frames_first: int = 0
    action_decoder: str = ""
    cache: str = "off"
    cache_threshold: float = 0.05
    mag_ratios: tuple[float, ...] = ()
    compile: str = "off"
    quantise: str = "off"
    offload: str = "off"
    device: str = "auto"
    dtype: str = "bfloat16"
    denoiser: str = "denoiser"
    vae: str = "vae"
    text_encoder: str = "text_encoder"
    tokenizer: str = "tokenizer"

    def __post_init__(self):
        for name in ("steps", "text_tokens", "views"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}: give a whole number, 1 or more")
        if not self.shift > 0:
            raise ValueError(f"shift = {self.shift}: give a positive number (published: 5)")
        if not self.guidance >= 1:
            raise ValueError(f"guidance = {self.guidance}: give 1 (off) or more (published: 7.5)")
        if not self.cache_threshold > 0:
            raise ValueError(f"cache_threshold = {self.cache_threshold}: give a positive number, for example 0.05")
        first = self.frames_first
        if not isinstance(first, int) or first < 0 or (first and (first < 5 or first % 4 != 1)):
            raise ValueError(f"frames_first = {first!r}: give 0 (all) or 1 + 4 k frames, for example 17")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} = {getattr(self, name)!r}: use one of {', '.join(choices)}")
        object.__setattr__(self, "mag_ratios", tuple(float(ratio) for ratio in self.mag_ratios))
        if self.cache == "mag" and not self.mag_ratios:
            raise ValueError(
                "cache = 'mag' needs mag_ratios, which belong to the weights: predict once with cache = "
                "'mag_calibrate' and copy the numbers it prints"
            )

    @classmethod
    def load(cls, folder: Path, overrides: Mapping | None = None) -> WanSettings:
        """`settings.json` of a model folder, where it has one, with some of them replaced."""
        path = Path(folder) / SETTINGS
        try:
            values = json.loads(path.read_text()) if path.is_file() else {}
            if not isinstance(values, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise ValueError(f"{path} is not readable JSON ({error}): an object of {cls.names()}") from None
        values |= dict(overrides or {})
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown setting {', '.join(unknown)}: there are {cls.names()}")
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"a setting of {folder} has the wrong type ({error})") from None

    @classmethod
    def names(cls) -> str:
        return ", ".join(field.name for field in fields(cls))

    def torch_device(self):
        """The device meant; ValueError where it is not there."""
        import torch

        name = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        try:
            device = torch.device(name)
        except RuntimeError:
            raise ValueError(f"device = {self.device!r}: use auto, cpu, cuda or cuda:N") from None
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            raise ValueError(
                f"device = {self.device!r}: {torch.cuda.device_count()} GPUs are to be seen here; "
                "use cpu, or install a GPU build of torch"
            )
        return device
