"""Episodes to training batches: windows, views, augmentation, action images and rays.

Augmentation keeps geometry true: a roll of the picture turns the camera about its optical axis, a zoom or shift
changes K. No mirror flips: a mirrored arm is another robot.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from action_images_ros.codec.encode import action_points, draw
from action_images_ros.geometry.camera import project, resize_intrinsics
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.training.config import TrainConfig
from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, VIDEO, Canvas, build_canvas
from action_images_ros.world_model.denoiser import ACTION_SCALE
from action_images_ros.world_model.rays import coarse_rays


@dataclass
class Window:
    """T frames of one episode as seen by V cameras, K and E following any augmentation.

    images: uint8 [V, n, H, W, 3], n = T or, where only the first is needed, 1. poses: [T, 4, 4] model tool in world.
    """

    images: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    poses: np.ndarray
    openness: np.ndarray
    instruction: str


@dataclass
class Batch:
    """Tensors of one training step, in canvas order (shapes as in `NanoDenoiser.forward`)."""

    canvas: Canvas
    known: torch.Tensor  # [B, n_known, 12, H, W]
    target_video: torch.Tensor | None  # [B, n_video, 12, H, W] in [-1, 1]
    target_action: torch.Tensor | None  # [B, n_action, 12, H/2, W/2] in [0, 1]
    rays: torch.Tensor  # [B, V, 6, H/4, W/4]
    text: torch.Tensor  # [B, L, D]
    windows: list[Window]
    told: np.ndarray  # [B, 4, 4] the tool's first pose as the model is told it


def action_images(poses: np.ndarray, openness: np.ndarray, K: np.ndarray, E: np.ndarray, size) -> np.ndarray:
    """poses [B, T, 4, 4], openness [B, T], K [B, V, 3, 3], E [B, V, 4, 4] -> float32 [B, V, T, H, W, 3]."""
    uv, depth = project(action_points(poses)[:, None], K[:, :, None, None], E[:, :, None, None])
    uv = np.where((depth > 1e-6)[..., None], uv, np.nan)
    return draw(uv, np.broadcast_to(openness[:, None], uv.shape[:3]), size)


class WindowDrawer:
    """Draws windows from episodes; all chance comes from the generator handed in."""

    def __init__(self, episodes: list, config: TrainConfig):
        if not episodes:
            raise ValueError("no episodes to train on: make some with `action-images collect`")
        self.episodes, self.config = episodes, config
        self.lengths = np.array([len(e.poses) for e in episodes])
        wrong = [e for e in episodes if abs(e.dt - config.dt) > 1e-6]
        if wrong:
            raise ValueError(
                f"{len(wrong)} episodes have dt = {wrong[0].dt} s, the recipe has {config.dt} s: match them"
            )
        self.starts = np.array([(i, start) for i, n in enumerate(self.lengths) for start in range(n)])
        self.shares = np.cumsum([weight for e in episodes for weight in self._weights(e)])

    def _weights(self, episode) -> np.ndarray:
        """How often a window should begin at each frame: in half of all frames the arm only waits at its goal, which is
        learnt at once, so windows count by how far the tool travels in them (and how much the gripper changes)."""
        config = self.config
        frames = np.minimum(np.arange(len(episode.poses))[:, None] + np.arange(config.frames), len(episode.poses) - 1)
        path = np.linalg.norm(np.diff(episode.poses[frames, :3], axis=1), axis=-1).sum(axis=1)
        closes = np.ptp(episode.openness[frames], axis=1)
        return config.still_weight + np.clip(path / config.full_weight_path, 0, 1) + 0.5 * closes

    def draw(self, rng: np.random.Generator, views: int, whole: bool, augment: bool = True) -> Window:
        """One window of ``views`` cameras; ``whole``: all T images, else only the first."""
        index, start = self.starts[np.searchsorted(self.shares, rng.random() * self.shares[-1], side="right")]
        return self.cut(int(index), int(start), rng, views, whole, augment)

    def cut(self, index: int, start: int, rng, views: int, whole: bool, augment: bool = True) -> Window:
        """The window of one episode that begins at a frame; past the episode's end the arm stays where it is."""
        episode, config = self.episodes[index], self.config
        frames = np.minimum(start + np.arange(config.frames), self.lengths[index] - 1)
        available = len(episode.K)
        chosen = np.sort(rng.permutation(available)[: min(views, available)])
        images = np.stack([episode.images[v][frames if whole else frames[:1]] for v in chosen])
        K, E = episode.K[chosen].copy(), episode.world_from_camera[chosen].copy()
        if augment:
            for v in range(len(chosen)):
                if rng.random() < config.augment:
                    images[v], K[v], E[v] = self._augment(images[v], K[v], E[v], rng)
        return Window(
            images, K, E, matrix_from_pose7(episode.poses[frames]), episode.openness[frames], episode.instruction
        )

    def _augment(self, images: np.ndarray, K: np.ndarray, E: np.ndarray, rng) -> tuple:
        config = self.config
        height, width = images.shape[1:3]
        roll = np.radians(rng.uniform(-config.roll_deg, config.roll_deg))
        zoom = 1 + rng.uniform(-config.zoom, config.zoom)
        cos, sin = np.cos(roll), np.sin(roll)
        centre = np.array([K[0, 2], K[1, 2]])
        moved = centre + rng.uniform(-config.shift, config.shift, 2) * (width, height)
        turn = zoom * np.array([[cos, -sin], [sin, cos]])
        warp = np.column_stack([turn, moved - turn @ centre])
        gain = 1 + rng.uniform(-config.colour, config.colour, 3) * 0.5 + rng.uniform(-config.colour, config.colour)
        offset = rng.uniform(-20, 20) * config.colour / 0.2
        table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)[None]  # [1, 256, 3]
        out = np.empty_like(images)
        for i, image in enumerate(images):
            cv2.LUT(
                cv2.warpAffine(image, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                table,
                dst=out[i],
            )
        K, E = K.copy(), E.copy()
        K[:2, :2] *= zoom
        K[:2, 2] = moved
        # The picture is turned by +roll about the optical axis, so the camera is turned by -roll.
        E[:3, :3] = E[:3, :3] @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        return out, K, E


class BatchMaker:
    """Windows to the tensors of one mode."""

    def __init__(self, drawer: WindowDrawer, encode_text, config: TrainConfig):
        self.drawer, self.encode_text, self.config = drawer, encode_text, config

    def make(self, rng: np.random.Generator, modes: dict, augment: bool = True) -> Batch:
        """Draw a mode, a number of views, and a batch of windows."""
        config = self.config
        mode, views = str(_choose(rng, modes)), int(_choose(rng, config.views))
        if mode == "video":
            views = min(views, 2)
        known_pose = mode != "label" or rng.random() >= config.unknown_pose
        windows = [self.drawer.draw(rng, views, mode != "policy", augment) for _ in range(config.batch_size)]
        return self.assemble(windows, build_canvas(mode, windows[0].images.shape[0], config.frames, known_pose), rng)

    def assemble(self, windows: list[Window], canvas: Canvas, rng=None) -> Batch:
        """Tensors of these windows; ``rng`` None: no text dropout, no jitter of the known pose."""
        config, size = self.config, self.config.image_size
        K = np.stack([w.K for w in windows])
        E = np.stack([w.world_from_camera for w in windows])
        poses, openness = np.stack([w.poses for w in windows]), np.stack([w.openness for w in windows])
        video = pixel_latents.encode(torch.from_numpy(np.stack([w.images for w in windows])))  # [B, V, n, 12, H, W]
        given, wanted_video, wanted_action = canvas.given, canvas.wanted(VIDEO), canvas.wanted(ACTION)

        action, shown = None, poses
        if any(canvas.modality[f] == ACTION for f in given):
            if canvas.mode == "policy" and rng is not None:
                shown = self._jitter(poses, rng)
            frames = config.frames if canvas.mode == "world" else 1
            drawn = action_images(shown[:, :frames], openness[:, :frames], K, E, size)
            action = pixel_latents.encode(torch.from_numpy(drawn))
        known = pixel_latents.on_canvas({VIDEO: video, ACTION: action}, canvas, given)

        target_action = None
        if wanted_action:
            half = tuple(n // ACTION_SCALE for n in size)
            drawn = action_images(poses, openness, resize_intrinsics(K, 1 / ACTION_SCALE, 1 / ACTION_SCALE), E, half)
            latents = pixel_latents.encode(torch.from_numpy(drawn)).add_(1).mul_(0.5)
            target_action = pixel_latents.on_canvas({ACTION: latents}, canvas, wanted_action)
        target_video = None
        if wanted_video:
            target_video = pixel_latents.on_canvas({VIDEO: video}, canvas, wanted_video)

        tokens, _ = self.encode_text([w.instruction for w in windows])
        text = torch.from_numpy(np.array(tokens))
        if rng is not None:
            text[torch.from_numpy(rng.random(len(windows)) < config.text_dropout)] = 0
        rays = torch.from_numpy(coarse_rays(K, E, size))
        return Batch(canvas, known, target_video, target_action, rays, text, windows, shown[:, 0])

    def _jitter(self, poses: np.ndarray, rng) -> np.ndarray:
        """Some known poses are a little wrong, so that the model trusts what it sees over what it is told."""
        config = self.config
        hit = rng.random(len(poses)) < config.pose_jitter
        poses = poses.copy()
        poses[hit, :, :3, 3] += rng.normal(0, config.pose_jitter_mm * 1e-3 / 1.7, (hit.sum(), 1, 3))
        vectors = rng.normal(0, np.radians(config.pose_jitter_deg) / 1.7, (len(poses), 3))
        turn = Rotation.from_rotvec(vectors).as_matrix()
        poses[hit, :, :3, :3] = (turn[:, None] @ poses[:, :, :3, :3])[hit]
        return poses


def _choose(rng: np.random.Generator, weights: dict):
    """A key, with probability in proportion to its weight."""
    share = np.array(list(weights.values()), dtype=float)
    return rng.choice(list(weights), p=share / share.sum())


class Prefetcher:
    """Makes batches in a thread, a few steps ahead; each step's chance depends on (seed, step) alone."""

    def __init__(self, maker: BatchMaker, first_step: int, ahead: int = 3):
        self.maker, self.queue = maker, queue.Queue(maxsize=ahead)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(first_step,), daemon=True)
        self.thread.start()

    def _run(self, step: int) -> None:
        config = self.maker.config
        while not self.stopped.is_set():
            try:
                item = self.maker.make(np.random.default_rng((config.seed, step)), config.modes_at(step))
            except Exception as error:  # handed to the consumer, who raises it
                item = error
            while not self.stopped.is_set():
                try:
                    self.queue.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue
            step += 1

    def next(self) -> Batch:
        item = self.queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.stopped.set()
        self.thread.join(timeout=10)
