"""Inputs of a fine-tuning step from episodes of any format: latents along the canvas, cameras, text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...data.episode import Episode
from ...data.format import Options
from ...data.registry import open_dataset
from ...policy.card import ModelCard
from ...world_model.canvas import ACTION, VIDEO, Canvas
from ...world_model.nano.pixel_latents import on_canvas
from ...world_model.wan.autoencoder import Autoencoder
from ...world_model.wan.conventions import camera_pictures, draw_known_actions, to_model_range
from .objective import draw_mode, training_canvas
from .settings import FinetuneSettings


def read_episodes(path: str | Path, card: ModelCard, views: int) -> list[Episode]:
    """All successful episodes below a path, in any format `action-images convert` reads, at the card's image size.

    Raises ValueError where there is none, one has too few cameras, or another time between frames than the card.
    """
    episodes = [found for found in open_dataset(path, Options(size=card.image_size)) if found.success]
    check_episodes(episodes, card, views, str(path))
    return episodes


def check_episodes(episodes: list[Episode], card: ModelCard, views: int, where: str = "data") -> None:
    if not episodes:
        raise ValueError(f"{where} holds no successful episode: see action-images inspect")
    for episode in episodes:
        name = f"{where}: {episode.task} {episode.seed}"
        if len(episode.K) < views:
            raise ValueError(f"{name} has {len(episode.K)} cameras: the model needs {views}")
        if abs(episode.dt - card.dt) > 1e-3:
            raise ValueError(f"{name} has dt = {episode.dt} s, the model {card.dt} s: convert it with --dt {card.dt}")
        if tuple(episode.images.shape[2:4]) != card.image_size:
            raise ValueError(
                f"{name} has pictures of {episode.images.shape[2:4]} px, the model takes "
                f"{card.image_size}: convert them"
            )


@dataclass
class Step:
    """One step's tensors, [B, F, ..] along the canvas; words: B strings, empty where they were dropped."""

    mode: str
    canvas: Canvas
    clean: Tensor
    camera: Tensor
    words: list[str]
    index: int
    noise: Tensor


class ClipMaker:
    """Draws windows and encodes them; everything random depends on (seed, step, process) alone, the mode and the
    noise level on (seed, step): all processes of a run do the same work at the same time."""

    def __init__(
        self,
        episodes: Iterable[Episode],
        autoencoder: Autoencoder,
        card: ModelCard,
        views: int,
        settings: FinetuneSettings,
        process: int = 0,
    ):
        self.episodes, self.autoencoder, self.card = list(episodes), autoencoder, card
        self.views, self.settings, self.process = views, settings, process

    @torch.no_grad()
    def make(self, step: int) -> Step:
        settings = self.settings
        common = np.random.default_rng((settings.seed, step))
        mode, index = draw_mode(common, settings), int(common.integers(1000))
        own = np.random.default_rng((settings.seed, step, 1 + self.process))
        canvas = training_canvas(mode, self.views, self.card.frames)
        clips = [self._clip(own, canvas) for _ in range(settings.batch_size)]
        clean, camera = (torch.stack(part) for part in zip(*(clip[:2] for clip in clips), strict=True))
        words = ["" if own.random() < settings.text_dropout else clip[2] for clip in clips]
        noise = torch.from_numpy(own.standard_normal(tuple(clean.shape), dtype=np.float32)).to(clean.device)
        return Step(mode, canvas, clean, camera, words, index, noise)

    def _clip(self, rng, canvas: Canvas) -> tuple[Tensor, Tensor, str]:
        episode, T = self.episodes[rng.integers(len(self.episodes))], self.card.frames
        start = rng.integers(max(1, episode.frames - T + 1))
        frames = np.minimum(start + np.arange(T), episode.frames - 1)  # past its end the arm stays where it is
        chosen = np.sort(rng.permutation(len(episode.K))[: self.views])
        K, E = episode.K[chosen], episode.world_from_camera[chosen]
        whole = any(s.modality == VIDEO and s.length > 1 for s in canvas.segments)
        images = np.stack([episode.images[v][frames if whole else frames[:1]] for v in chosen])
        latents = {VIDEO: self.autoencoder.encode(to_model_range(images))}
        if any(s.modality == ACTION for s in canvas.segments):
            drawn = draw_known_actions(episode.poses[frames], episode.openness[frames], K, E, images.shape[2:4])
            latents[ACTION] = self.autoencoder.encode(to_model_range(drawn))
        clean = on_canvas({m: x[None] for m, x in latents.items()}, canvas, list(range(canvas.length)))[0]
        rays = torch.from_numpy(camera_pictures(K, E, images.shape[2:4]))[:, :, None].expand(-1, -1, T, -1, -1, -1)
        camera = torch.cat([self.autoencoder.encode(kind) for kind in rays], dim=2)[canvas.view, canvas.time]
        return clean, camera, episode.instruction
