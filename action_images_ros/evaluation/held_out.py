"""Windows of episodes that no model was trained on: from a folder of recordings, or made in the cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data.episode import Episode, load_episodes
from ..geometry.pose import matrix_from_pose7
from ..policy.clips import Clips
from ..policy.observation import prepare_image
from .chunk_sources import draw_views

__all__ = ["TRAINING_SEEDS", "HeldOutWindow", "as_clips", "made_episodes", "recorded_episodes", "windows_of"]

TRAINING_SEEDS = 1_000_000
"""Demonstrations for training have seeds from here on; evaluation uses smaller ones."""
FAR = 0.10
"""A window in which the tool travels further than this (m) cannot be guessed without looking."""


@dataclass(frozen=True)
class HeldOutWindow:
    """T frames of one episode in two views, at the model's size and rate.

    images: uint8 [V, T, H, W, 3]. K: [V, 3, 3] px. world_from_camera: [V, 4, 4]. poses: [T, 7] MODEL tool in the
    world. openness: [T]. start: index of the first frame in its episode.
    """

    task: str
    seed: int
    start: int
    instruction: str
    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    poses: np.ndarray
    openness: np.ndarray

    @property
    def far(self) -> bool:
        """Whether the tool ends more than FAR from where it began."""
        return bool(np.linalg.norm(self.poses[-1, :3] - self.poses[0, :3]) > FAR)

    @property
    def matrices(self) -> np.ndarray:
        """The poses as [T, 4, 4]."""
        return matrix_from_pose7(self.poses)

    def backwards(self) -> HeldOutWindow:
        """The same recording played backwards: a motion that no plan foresees, so that it has to be read."""
        return replace(self, images=self.images[:, ::-1], poses=self.poses[::-1], openness=self.openness[::-1])


def windows_of(episode: Episode, frames: int, dt: float, size: tuple[int, int]) -> list[HeldOutWindow]:
    """The whole windows of an episode, each beginning with the last frame of the one before; the last ends with it.

    frames, dt, size: T, seconds and (H, W) of the model; images of another size are cropped and resized, K follows.
    None where the episode is shorter than one window. Two cameras are drawn by the seed, as in the closed loop.
    Raises ValueError on another dt and on fewer than two cameras.
    """
    if abs(episode.dt - dt) > 1e-6:
        raise ValueError(f"{episode.file_name}: dt is {episode.dt} s, the model's {dt} s; give episodes of its dt")
    if len(episode.K) < 2:
        raise ValueError(f"{episode.file_name} has {len(episode.K)} camera; decoding needs two or more")
    last = episode.frames - frames
    if last < 0:
        return []
    views = list(draw_views(episode.seed, len(episode.K)))
    K = np.stack([prepare_image(episode.images[v, 0], episode.K[v], size)[1] for v in views])
    made = []
    for start in sorted({*range(0, last, frames - 1), last}):
        part = slice(start, start + frames)
        images = np.stack(
            [[prepare_image(image, episode.K[v], size)[0] for image in episode.images[v, part]] for v in views]
        )
        made.append(
            HeldOutWindow(
                episode.task,
                episode.seed,
                start,
                episode.instruction,
                images,
                K,
                episode.world_from_camera[views],
                episode.poses[part],
                episode.openness[part],
            )
        )
    return made


def as_clips(windows: list[HeldOutWindow], *, known_pose: bool = True, images=None) -> Clips:
    """Windows as the model's input. images: [B, V, T, H, W, 3] to show instead of the true ones."""
    return Clips(
        np.stack([w.images for w in windows]) if images is None else images,
        np.stack([w.K for w in windows]),
        np.stack([w.world_from_camera for w in windows]),
        [w.instruction for w in windows],
        np.stack([w.poses for w in windows]) if known_pose else None,
        np.stack([w.openness for w in windows]) if known_pose else None,
    )


def recorded_episodes(folder: str | Path, tasks: list[str], limit: int, fraction: float) -> list[Episode]:
    """At most ``limit`` episodes per task of a folder that no model was trained on.

    A folder with training seeds is split as training does, ``fraction`` held out; of any other folder all are taken.
    Raises ValueError where nothing is left.
    """
    episodes = load_episodes(folder)
    if any(e.seed >= TRAINING_SEEDS for e in episodes):
        from ..data.holdout import split_episodes

        episodes = split_episodes(episodes, fraction)[1]
    chosen = [e for task in tasks for e in [e for e in episodes if e.task == task][:limit]]
    if not chosen:
        raise ValueError(
            f"data {folder} holds no held-out episode of {', '.join(tasks)}; "
            "give another folder, or leave it out to make some"
        )
    return chosen


def made_episodes(
    tasks: list[str],
    seed: int,
    number: int,
    dt: float,
    size: tuple[int, int],
    condition: str = "nominal",
    *,
    wrist: bool = False,
) -> Iterator[Episode]:
    """The expert's demonstrations for seeds seed, seed + 1, .. of each task, made one at a time; failures left out.
    condition: a name in `cell.scene.conditions.CONDITIONS`. wrist: with one fixed camera and one on the hand."""
    from ..cell.demonstrate import WRIST_CAMERA, demonstrate
    from ..cell.scene.conditions import find_condition

    if seed + number > TRAINING_SEEDS:
        raise ValueError(f"seed {seed} + {number} reaches {TRAINING_SEEDS}, where training begins; give smaller seeds")
    for task in tasks:
        for one in range(seed, seed + number):
            views: dict[str, Any] = {"cameras": 2, "wrist": WRIST_CAMERA} if wrist else {}
            episode = demonstrate(task, one, size=size, dt=dt, condition=find_condition(condition), **views)
            if episode.success:
                yield episode
