"""Export of a model folder to ONNX graphs from 8-bit images to 8-bit images, by torch's exporter."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..canvas import ACTION, CHANNELS, COARSE, VIDEO, Canvas, build_canvas
from ..nano import pixel_latents
from ..nano.checkpoints import ModelCard, load_denoiser
from ..nano.sampler import coarse_frames, predict_clean, whole_segments
from ..text import WIDTH, TextEncoder
from .files import GRAPHS, INPUTS, OUTPUTS, export_name, facts, weights_hash

__all__ = ["export_graph"]


class _Graph(nn.Module):
    """One sampling step of one canvas, from images to images."""

    def __init__(self, denoiser: nn.Module, canvas: Canvas):
        super().__init__()
        self.denoiser, self.canvas = denoiser, canvas

    def forward(self, images: Tensor, actions: Tensor, rays: Tensor, text: Tensor, noised: Tensor, level: Tensor):
        canvas = self.canvas
        known = {VIDEO: pixel_latents.encode(images[None, :, None]), ACTION: pixel_latents.encode(actions[None])}
        given = pixel_latents.on_canvas(known, canvas, canvas.conditioning)
        video, action = predict_clean(self.denoiser, given, noised, level, canvas, rays[None], text[None])
        generated, modality = (action, ACTION) if canvas.mode == "policy" else (video, VIDEO)
        painted = whole_segments(generated, given, canvas, modality)
        return pixel_latents.decode(painted)[0], coarse_frames(video, action, canvas)


def export_graph(folder: Path, target: Path, mode: str = "policy", views: int = 2) -> Path:
    """Write one graph of the model in `folder` into the folder `target`; returns the file.

    mode: "policy" (action images) or "world" (their video). views: number of cameras, fixed in the file. Raises
    FileNotFoundError and ValueError for a folder that is no model, see `checkpoints`; ValueError where a package for
    the export is missing.
    """
    if mode not in GRAPHS:
        raise ValueError(f"mode = {mode!r}: exported are {' and '.join(GRAPHS)}")
    try:
        import onnx
        import onnxscript  # noqa: F401  torch.onnx needs it
    except ImportError as error:
        raise ValueError(f"export needs {error.name}: pip install 'action_images_ros[train]'") from None
    card, denoiser = ModelCard.load(folder), load_denoiser(folder)
    canvas = build_canvas(mode, views, card.frames)
    (height, width), shown = card.image_size, 1 if mode == "policy" else card.frames
    small = (height // COARSE, width // COARSE)
    text = torch.randn(TextEncoder().max_tokens, WIDTH)
    text[len(text) // 2 :] = 0
    inputs = (
        torch.from_numpy(np.random.default_rng(0).integers(0, 256, (views, height, width, 3), dtype=np.uint8)),
        torch.rand(views, shown, height, width, 3),
        torch.randn(views, 6, *small),
        text,
        torch.randn(1, len(canvas.targets()), CHANNELS, *small),
        torch.tensor(1.0),
    )
    path = target / export_name(mode, views)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Graph(denoiser, canvas).eval(),
            inputs,
            dynamo=True,
            optimize=True,
            verbose=False,
            input_names=INPUTS,
            output_names=OUTPUTS,
        )
    graph = program.model_proto
    onnx.helper.set_model_props(graph, facts(card, mode, views, False, weights_hash(folder)))
    onnx.save(graph, path)
    return path


@contextlib.contextmanager
def _quiet():
    """Without the exporter's progress and its warnings about what is not used here."""
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in ("torch.onnx", "onnxscript")}
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in loggers.items():
            logger.setLevel(level)
