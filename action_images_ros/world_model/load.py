"""Loading a model for one of its runtimes; torch is imported only where a torch runtime is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from action_images_ros.paths import models_path

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
):
    """Load a model folder, or a name under ``models/``: something with ``card`` and ``predict`` (see WorldModel).

    runtime: one of RUNTIMES; "onnx" and "onnx-int8" run what `action-images export` wrote into the folder.
    threads: CPU threads, all where None. providers: execution providers of onnxruntime in order of preference, its
    CPU where empty. views, video: what will be asked for; the onnx runtimes then refuse at once what is not exported.
    Raises FileNotFoundError and ValueError with the remedy.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime = {runtime!r}: choose one of {', '.join(RUNTIMES)}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads = {threads}: give at least one, or leave it out to use all")
    if runtime.startswith("torch"):
        if providers:
            raise ValueError(f"providers = {list(providers)}: they belong to the onnx runtimes; runtime is {runtime!r}")
        from action_images_ros.world_model.model import load_model as load_torch

        return load_torch(model, threads=threads, bfloat16=runtime == "torch-bf16")
    from action_images_ros.world_model.onnx_model import OnnxWorldModel

    loaded = OnnxWorldModel(
        Path(models_path(model)), threads=threads, providers=providers, int8=runtime == "onnx-int8"
    )
    if views is not None:
        loaded.prepare(views, video)
    return loaded
