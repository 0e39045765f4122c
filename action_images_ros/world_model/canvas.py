"""The canvas: the order of video and action-image segments along time, and the conditioning segments of each mode.

Every view contributes a video segment and an action segment, view-major, video before action:
``[video v0 | action v0 | video v1 | action v1]``. A segment of ``T = 1 + 4 k`` frames becomes ``1 + k`` latent
frames. Known latents condition the model, clean; all others are generated (spec: "One video model, five uses").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..policy.card import TEMPORAL_COMPRESSION, latent_frames

MODES = ("joint", "policy", "label", "world", "video")
VIDEO, ACTION = 0, 1
CHANNELS = 3 * TEMPORAL_COMPRESSION  # of a pixel latent
COARSE = 4  # image pixels per pixel of the diffusion


@dataclass(frozen=True)
class Segment:
    """One run of latent frames of one view and modality; the first ``known`` of them condition the model."""

    view: int
    modality: int  # VIDEO or ACTION
    length: int
    known: int


@dataclass(frozen=True, eq=False)
class Canvas:
    """The packed latent frames of one mode; every array below has one entry per packed latent frame, [F]."""

    mode: str
    segments: tuple[Segment, ...]
    view: np.ndarray  # int: which camera
    modality: np.ndarray  # int: VIDEO or ACTION
    time: np.ndarray  # int: latent frame index inside its segment
    known: np.ndarray  # bool: conditioning, clean

    @property
    def length(self) -> int:
        return len(self.view)

    @property
    def conditioning(self) -> list[int]:
        """Canvas positions of the known latent frames."""
        return np.flatnonzero(self.known).tolist()

    def targets(self, modality: int | None = None) -> list[int]:
        """Canvas positions of the latent frames to generate, of one modality or of both."""
        unknown = ~self.known if modality is None else ~self.known & (self.modality == modality)
        return np.flatnonzero(unknown).tolist()

    @property
    def views(self) -> int:
        return int(self.view.max()) + 1

    def index(self, view: int, modality: int, time: int) -> int | None:
        """Position of a latent frame on the canvas, or None where the mode has no such frame."""
        hit = np.flatnonzero((self.view == view) & (self.modality == modality) & (self.time == time))
        return int(hit[0]) if len(hit) else None

    def frame_of(self, view: int, modality: int, time: int) -> int:
        """`index` of a latent frame that the mode has; ValueError where it has none."""
        found = self.index(view, modality, time)
        if found is None:
            raise ValueError(f"frame is view {view}, modality {modality}, time {time}; {self.mode} mode has none there")
        return found

    def frames(self, modality: int) -> np.ndarray:
        """[V, 1 + k] canvas positions of one modality's latent frames, for modes that hold them whole."""
        return np.stack([np.flatnonzero((self.view == v) & (self.modality == modality)) for v in range(self.views)])


@lru_cache(maxsize=64)
def build_canvas(mode: str, views: int, frames: int, known_pose: bool = True) -> Canvas:
    """The canvas of a mode.

    mode: one of MODES. views: number of cameras, >= 1. frames: images per segment, 1 + 4 k.
    known_pose: label mode only; False where the arm's first pose is not known either.
    """
    if mode not in MODES:
        raise ValueError(f"mode = {mode!r} is not a canvas mode: use one of {', '.join(MODES)}")
    if views < 1:
        raise ValueError(f"views = {views}: a canvas needs at least one camera")
    if not known_pose and mode != "label":
        raise ValueError(f"known_pose = False is for mode 'label' only, not {mode!r}: give the arm's present pose")
    n = latent_frames(frames)
    video = {"joint": (n, 1), "policy": (1, 1), "label": (n, n), "world": (n, 1), "video": (n, 1)}[mode]
    action = {"joint": (n, 1), "policy": (n, 1), "label": (n, int(known_pose)), "world": (n, n), "video": None}[mode]
    segments = []
    for view in range(views):
        segments.append(Segment(view, VIDEO, *video))
        if action is not None:
            segments.append(Segment(view, ACTION, *action))
    return Canvas(
        mode=mode,
        segments=tuple(segments),
        view=np.concatenate([np.full(s.length, s.view) for s in segments]),
        modality=np.concatenate([np.full(s.length, s.modality) for s in segments]),
        time=np.concatenate([np.arange(s.length) for s in segments]),
        known=np.concatenate([np.arange(s.length) < s.known for s in segments]),
    )
