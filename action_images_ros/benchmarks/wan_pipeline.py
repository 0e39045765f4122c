"""What a chunk of the 5 B model costs: the published protocol and our fast path, stage by stage, in one process."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..codec.decode import decode
from ..codec.synthetic import Kind, generate
from ..paths import models_path
from ..policy.card import ModelCard
from ..policy.observation import Observation
from ..progress import Progress, silent
from ..world_model.wan.acceleration import compile_parts, quantise
from ..world_model.wan.load import load_wan
from ..world_model.wan.model import WanWorldModel
from ..world_model.wan.random_parts import TINY, folder_configs, random_decoder, random_model
from ..world_model.wan.settings import WanSettings

__all__ = ["OPTIMISATIONS", "STAGES", "pipeline_table"]

STAGES = ("text", "encode", "denoise", "decode", "video", "lift")
PUBLISHED = {
    "canvas": "joint",
    "steps": 50,
    "solver": "euler",
    "guidance": 7.5,
    "frames_first": 0,
    "action_decoder": "",
    "cache": "off",
    "compile": "off",
    "quantise": "off",
}
OPTIMISATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("published protocol", {}),
    ("+ policy canvas, actions only", {"canvas": "policy"}),
    ("+ texts and cameras remembered", {}),
    ("+ no guidance", {"guidance": 1.0}),
    ("+ 4 steps", {"steps": 4}),
    ("+ compiled (GPU only)", {"compile": "both"}),
    ("+ small decoder", {"action_decoder": "random"}),
    ("fast path: + first 17 frames", {"frames_first": 17}),
)
"""Names, and the settings that each stage adds to those before it."""
TINY_CARD = ModelCard("tiny", (64, 64), 41, 0.2, backend="wan")


def pipeline_table(
    model: str | os.PathLike | None = None,
    *,
    size: str = "auto",
    all_stages: bool = False,
    repeats: int = 3,
    changes: Mapping | None = None,
    progress: Progress = silent,
) -> dict:
    """Returns {"what", "device", "rows"}; a row has the median seconds of every stage, of one step, of the first frames
    (``first``) and of all (``all``), and how many times faster than the published protocol both are.

    model: a wan model folder, None: random weights. size: of those: "5b" (models/wan2.2-ti2v-5b), "tiny", or "auto":
    5b where there is a GPU. all_stages: every row of OPTIMISATIONS, not only first and last. changes: settings for all
    rows, for example dtype, or {"quantise": "int8"}; "quantise" applies to the last row only.
    With random weights poses are decoded from images of the codec, since decoding noise ends early.
    """
    changes = dict(changes or {})
    weights = changes.pop("quantise", "off")
    base, what = _base(model, size, changes)
    device = base.denoiser.device
    seen, drawn = _observation(base.card), None
    if model is None:
        drawn = generate(Kind("", size=base.card.image_size), base.card.frames, np.random.default_rng(0))
    rows: list[dict[str, Any]] = []
    compiled = "off"
    settings = replace(base.settings, **PUBLISHED | {k: v for k, v in changes.items() if k in PUBLISHED})
    for i, (name, added) in enumerate(OPTIMISATIONS):
        settings = replace(settings, **added, **({"quantise": weights} if i == len(OPTIMISATIONS) - 1 else {}))
        if not all_stages and 0 < i < len(OPTIMISATIONS) - 1:
            continue
        progress(name)
        if device.type != "cuda":  # compiling pays on GPUs, and takes minutes
            settings = replace(settings, compile="off")
        if settings.compile != compiled:
            compiled = settings.compile
            compile_parts(base.denoiser, base.autoencoder.vae, settings.compile)
        if settings.quantise != "off":
            quantise(base.denoiser, settings.quantise, device)
        painter = None
        if settings.action_decoder:
            painter = base.action_decoder or random_decoder(base)
        first = min(settings.frames_first, base.card.frames)
        fresh = replace(settings, frames_first=first)
        row = _measure(base, fresh, painter, seen, drawn, repeats, remember=i > 1)
        row = {"name": name, **row}
        slowest = rows[0] if rows else row
        rows.append(row | {"first_ratio": slowest["all"] / row["first"], "all_ratio": slowest["all"] / row["all"]})
    return {"what": what, "device": _device(device), "rows": rows}


def _base(model, size: str, changes: Mapping) -> tuple[WanWorldModel, str]:
    if model is not None:
        folder = Path(models_path(model))
        loaded = load_wan(folder, {"compile": "off", "quantise": "off"} | dict(changes))
        return loaded, f"{loaded.card.name}, {_dtype(loaded)}"
    if size not in ("auto", "tiny", "5b"):
        raise ValueError(f"size = {size!r}: use auto, tiny or 5b")
    if size == "auto":
        size = "5b" if torch.cuda.is_available() else "tiny"
    if size == "tiny":
        settings = WanSettings(**{"dtype": "float32", "text_tokens": 64, **changes})
        made = random_model(TINY, TINY_CARD, settings)
    else:
        folder = models_path("wan2.2-ti2v-5b")
        made = random_model(folder_configs(folder), ModelCard.load(folder), WanSettings.load(folder, changes))
    return made, f"{size} configuration with RANDOM weights (speed only), {_dtype(made)}"


def _dtype(model: WanWorldModel) -> str:
    height, width = model.card.image_size
    return f"{model.settings.dtype}, {model.settings.views} views of {height}x{width} px, {model.card.frames} frames"


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.machine()}"


def _observation(card: ModelCard) -> Observation:
    scene = generate(Kind("", size=card.image_size), 1, np.random.default_rng(1))
    from ..geometry.pose import pose7_from_matrix

    return Observation(
        stamp_ns=0,
        camera_names=("a", "b"),
        images=scene.images[:, 0],
        K=scene.K,
        world_from_camera=scene.E,
        tool_pose=pose7_from_matrix(scene.world_from_tool[0]),
        openness=1.0,
        instruction="lift the red block",
    )


def _measure(
    base: WanWorldModel, settings: WanSettings, painter, seen: Observation, drawn, repeats: int, *, remember: bool
) -> dict:
    def fresh() -> WanWorldModel:
        return WanWorldModel(base.denoiser, base.autoencoder, base.text, base.card, settings, painter)

    def lift(prediction) -> float:
        frames = prediction.drawn.shape[1]
        images, K, E = (
            (prediction.drawn, prediction.K, prediction.world_from_camera)
            if drawn is None
            else (drawn.images[:, :frames], drawn.K, drawn.E)
        )
        begin = time.perf_counter()
        decode(images, K, E)
        return time.perf_counter() - begin

    video = settings.canvas == "joint"
    model = fresh()
    # warms up, and compiles
    model.complete(model.predict(seen, video=video, steps=1 if settings.compile == "off" else None))
    stages: list[dict[str, float]] = []
    firsts: list[float] = []
    alls: list[float] = []
    steps: list[float] = []
    for seed in range(repeats):
        if not remember:
            model = fresh()  # cameras and texts anew
            base.text.forget()
        begin = time.perf_counter()
        prediction = model.predict(seen, video=video, seed=seed)
        painted = time.perf_counter() - begin
        lifted = lift(prediction)
        firsts.append(painted + lifted)
        begin = time.perf_counter()
        whole = model.complete(prediction)
        rest = time.perf_counter() - begin
        more = whole.drawn.shape[1] > prediction.drawn.shape[1]
        alls.append(firsts[-1] + (rest + lift(whole) if more else 0.0))
        steps += prediction.step_seconds
        stages.append({"video": 0.0, **prediction.stage_seconds, "lift": lifted})
    if base.denoiser.device.type == "cuda":
        memory = torch.cuda.max_memory_allocated() / 2**30
    else:
        memory = None
    return {
        "frames": prediction.drawn.shape[1],
        "steps": len(prediction.step_seconds),
        **{stage: float(np.median([row[stage] for row in stages])) for stage in STAGES},
        "step": float(np.median(steps)),
        "step_seconds": [round(s, 5) for s in prediction.step_seconds],
        "first": float(np.median(firsts)),
        "all": float(np.median(alls)),
        "gpu_gib": memory,
    }
