"""How a 5 B model is run: every choice that costs time or changes the picture, in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

SETTINGS = "settings.json"
DTYPES = ("bfloat16", "float16", "float32")


@dataclass(frozen=True)
class WanSettings:
    """Defaults are the published protocol. Raises ValueError, naming the setting, for a value that makes no sense.

    steps: Euler steps. shift: of the noise levels. guidance: 1 asks the denoiser once per step, anything else twice.
    negative_prompt: what guidance leads away from. text_tokens: length the text is padded to. views: cameras the
    weights know. device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1". dtype: one of DTYPES.
    denoiser, vae, text_encoder, tokenizer: folders, relative to the model folder or absolute.
    """

    steps: int = 50
    shift: float = 5.0
    guidance: float = 7.5
    negative_prompt: str = ""
    text_tokens: int = 512
    views: int = 2
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
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype = {self.dtype!r}: use one of {', '.join(DTYPES)}")

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
            raise ValueError(f"device = {self.device!r}: {torch.cuda.device_count()} GPUs are to be seen here; "
                             "use cpu, or install a GPU build of torch")
        return device
