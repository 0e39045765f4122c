"""Loading a model for one of its runtimes; torch is imported only where a torch runtime is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..paths import models_path
from ..policy.card import ModelCard

__all__ = ["RUNTIMES", "load_model"]

RUNTIMES = ("torch", "torch-bf16", "onnx", "onnx-int8")


def load_model(
    model: str | os.PathLike,
    *,
    runtime: str = "torch",
    threads: int | None = None,
    providers: Sequence[str] = (),
    views: int | None = None,
    video: bool = False,
    settings: Mapping | None = None,
):
    """Load a model folder, or a name under ``models/``, with the backend its card names: something with ``card``,
    ``predict`` and ``generate`` (see WorldModel).

    runtime: one of RUNTIMES; "onnx" and "onnx-int8" run what `action-images export` wrote into the folder.
    threads: CPU threads, all where None. providers: execution providers of onnxruntime in order of preference, its
    CPU where empty. views, video: what will be asked for; the onnx runtimes then refuse at once what is not exported.
    settings: replace some of a wan model's `settings.json` (see `wan.settings.WanSettings`).
    Raises FileNotFoundError and ValueError with the remedy.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime = {runtime!r}: choose one of {', '.join(RUNTIMES)}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads = {threads}: give at least one, or leave it out to use all")
    folder = Path(models_path(model))
    backend = ModelCard.load(folder).backend
    if settings and backend != "wan":
        raise ValueError(f"settings = {dict(settings)}: the {backend} backend of {folder} has none")
    if backend == "wan" and runtime != "torch":
        raise ValueError(f"runtime = {runtime!r}: the wan backend of {folder} runs with torch only")
    if runtime.startswith("torch"):
        if providers:
            raise ValueError(f"providers = {list(providers)}: they belong to the onnx runtimes; runtime is {runtime!r}")
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        if backend == "wan":
            from .wan.load import load_wan

            return load_wan(folder, settings)
        from .nano.model import load_nano

        return load_nano(folder, bfloat16=runtime == "torch-bf16")
    from .onnx.model import OnnxWorldModel

    loaded = OnnxWorldModel(folder, threads=threads, providers=providers, int8=runtime == "onnx-int8")
    if views is not None:
        loaded.prepare(views, video)
    return loaded
