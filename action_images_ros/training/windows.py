"""Training windows from episodes: start frames, cameras, image size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..geometry.camera import resize_intrinsics
from ..geometry.pose import matrix_from_pose7
from .augmentation import augment_view
from .config import TrainConfig


@dataclass
class TrainingWindow:
    """T frames of one episode as seen by V cameras, K and E following any augmentation.

    images: uint8 [V, n, H, W, 3], n = T or, where only the first is needed, 1. poses: [T, 4, 4] model tool in world.
    """

    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    poses: np.ndarray
    openness: np.ndarray
    instruction: str

    def reversed(self) -> TrainingWindow:
        """The same played backwards."""
        backwards = (np.ascontiguousarray(x) for x in (self.images[:, ::-1], self.poses[::-1], self.openness[::-1]))
        images, poses, openness = backwards
        return replace(self, images=images, poses=poses, openness=openness)


class WindowSampler:
    """Samples windows from episodes; randomness comes only from the generators passed in.

    parts: (count, share) of consecutive episodes; each part provides its share of the windows. None: one part.
    """

    def __init__(self, episodes: list, config: TrainConfig, parts: list[tuple[int, float]] | None = None):
        if not episodes:
            raise ValueError("no episodes to train on: make some with `action-images collect`")
        self.episodes, self.config = episodes, config
        self.cameras = min(len(e.K) for e in episodes)
        for episode in episodes:
            _check_size(episode, config)
        self.lengths = np.array([len(e.poses) for e in episodes])
        wrong = [e for e in episodes if abs(e.dt - config.dt) > 1e-6]
        if wrong:
            raise ValueError(
                f"{len(wrong)} episodes have dt = {wrong[0].dt} s, the recipe has {config.dt} s: match them"
            )
        self.starts = np.array([(i, start) for i, n in enumerate(self.lengths) for start in range(n)])
        weights, first = [self._weights(e) for e in episodes], 0
        for count, share in parts or []:
            total = sum(w.sum() for w in weights[first : first + count])
            weights[first : first + count] = [w * (share / total) for w in weights[first : first + count]]
            first += count
        self.shares = np.cumsum(np.concatenate(weights))

    def _weights(self, episode) -> np.ndarray:
        """Sampling weight of each start frame: path of the tool in the window and change of the gripper.

        In half of all frames the arm only waits at its goal, which is learnt at once.
        """
        config = self.config
        frames = np.minimum(np.arange(len(episode.poses))[:, None] + np.arange(config.frames), len(episode.poses) - 1)
        path = np.linalg.norm(np.diff(episode.poses[frames, :3], axis=1), axis=-1).sum(axis=1)
        closes = np.ptp(episode.openness[frames], axis=1)
        return config.still_weight + np.clip(path / config.full_weight_path, 0, 1) + 0.5 * closes

    def draw(self, rng: np.random.Generator, views: int, whole: bool, augment: bool = True) -> TrainingWindow:
        """One window of ``views`` cameras; ``whole``: all T images, else only the first."""
        index, start = self.starts[np.searchsorted(self.shares, rng.random() * self.shares[-1], side="right")]
        return self.cut(int(index), int(start), rng, views, whole, augment)

    def cut(self, index: int, start: int, rng, views: int, whole: bool, augment: bool = True) -> TrainingWindow:
        """The window of one episode that begins at a frame; past the episode's end the arm stays where it is."""
        episode, config = self.episodes[index], self.config
        frames = np.minimum(start + np.arange(config.frames), self.lengths[index] - 1)
        available = len(episode.K)
        chosen = np.sort(rng.permutation(available)[: min(views, available)])
        images = np.stack([episode.images[v][frames if whole else frames[:1]] for v in chosen])
        K, E = episode.K[chosen].copy(), episode.world_from_camera[chosen].copy()
        if images.shape[2:4] != config.image_size:
            images, K = _shrunk(images, K, config.image_size)
        if augment:
            for v in range(len(chosen)):
                if rng.random() < config.augment:
                    images[v], K[v], E[v] = augment_view(images[v], K[v], E[v], config, rng)
        return TrainingWindow(
            images, K, E, matrix_from_pose7(episode.poses[frames]), episode.openness[frames], episode.instruction
        )


def _check_size(episode, config: TrainConfig) -> None:
    (height, width), (h, w) = episode.images.shape[2:4], config.image_size
    if height < h or width < w or height * w != width * h:
        raise ValueError(
            f"{episode.file_name} has images of {height} x {width} px, the recipe has image_size = [{h}, {w}]: collect "
            "larger ones (--size), or choose a smaller image_size of the same shape"
        )


def _shrunk(images: np.ndarray, K: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """images [V, n, H, W, 3] and K at a smaller size of the same shape."""
    height, width = size
    K = resize_intrinsics(K, width / images.shape[3], height / images.shape[2])
    small = [[cv2.resize(i, (width, height), interpolation=cv2.INTER_AREA) for i in view] for view in images]
    return np.array(small), K
