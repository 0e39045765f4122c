"""The world model as its users see it: an observation in, a chunk's action images and video out, with stage timings."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from action_images_ros.codec.encode import encode as encode_actions
from action_images_ros.codec.encode import to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.observation import Observation
from action_images_ros.paths import models_path
from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, VIDEO, build_canvas
from action_images_ros.world_model.checkpoints import ModelCard, load_denoiser
from action_images_ros.world_model.rays import coarse_rays
from action_images_ros.world_model.regression import PoseRegressor
from action_images_ros.world_model.sampler import generate
from action_images_ros.world_model.text import TextEncoder


@dataclass(frozen=True)
class Prediction:
    """One chunk as pictures; frame i is meant for ``stamp_ns + i * dt``, frame 0 is the observation itself.

    action_images, video: uint8 [V, T, H, W, 3]; video is None where it was not asked for. K [V, 3, 3] and
    world_from_camera [V, 4, 4] belong to these images. stage_seconds: wall time of each stage.
    """

    stamp_ns: int
    camera_names: tuple[str, ...]
    action_images: np.ndarray
    video: np.ndarray | None
    K: np.ndarray
    world_from_camera: np.ndarray
    dt: float
    stage_seconds: dict[str, float] = field(default_factory=dict)


class WorldModel:
    """A loaded model. ``card`` tells image size, T and dt; ``predict`` is deterministic for a seed."""

    def __init__(self, denoiser: torch.nn.Module, card: ModelCard, text: TextEncoder | None = None):
        self.denoiser, self.card, self.text = denoiser.eval(), card, text or TextEncoder()

    @torch.inference_mode()
    def predict(
        self, observation: Observation, *, mode: str = "policy", video: bool = False, seed: int = 0, steps: int = 1
    ) -> Prediction:
        """Predict one chunk.

        mode: "policy" paints the action images only; with ``video`` the world mode then paints the video that belongs
        to them. "joint" paints both at once. steps: sampling steps (one was measured as good as ten for actions).
        Raises ValueError where the observation does not have the model's image size.
        """
        if mode not in ("policy", "joint"):
            raise ValueError(f"mode = {mode!r}: predict offers 'policy' and 'joint'")
        size = tuple(observation.images.shape[1:3])
        if size != tuple(self.card.image_size):
            raise ValueError(
                f"observation images are {size}, the model {self.card.name} takes {tuple(self.card.image_size)}: "
                "make them with observation.prepare_image"
            )
        seconds: dict[str, float] = {}
        clock = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal clock
            now = time.perf_counter()
            seconds[stage] = seconds.get(stage, 0.0) + now - clock
            clock = now

        tokens, _ = self.text.encode([observation.instruction])
        text = torch.from_numpy(np.array(tokens))
        lap("text")
        K, E = observation.K, observation.world_from_camera
        pose = matrix_from_pose7(observation.tool_pose)[None]
        drawn = encode_actions(pose, np.array([observation.openness]), K, E, size).images
        known = {
            VIDEO: pixel_latents.encode(torch.from_numpy(observation.images)[None, :, None]),
            ACTION: pixel_latents.encode(torch.from_numpy(drawn)[None]),
        }
        rays = torch.from_numpy(coarse_rays(K, E, size))[None]
        lap("encode")
        canvas = build_canvas(mode, len(K), self.card.frames)
        painted_video, painted_action = self._generate(canvas, known, rays, text, steps, seed)
        lap("denoise")
        if video and painted_video is None:
            whole = build_canvas("world", len(K), self.card.frames)
            known[ACTION] = painted_action
            painted_video, _ = self._generate(whole, known, rays, text, steps, seed)
            lap("video")
        actions = pixel_latents.decode(painted_action)[0].numpy()
        actions[:, 0] = to_uint8(drawn[:, 0])
        frames = None
        if painted_video is not None:
            frames = pixel_latents.decode(painted_video)[0].numpy()
            frames[:, 0] = observation.images
        lap("paint")
        return Prediction(
            observation.stamp_ns, tuple(observation.camera_names), actions, frames, K, E, self.card.dt, seconds
        )

    def _generate(self, canvas, known: dict, rays, text, steps: int, seed: int):
        given = pixel_latents.on_canvas(known, canvas, canvas.given)
        return generate(self.denoiser, given, canvas, rays, text, steps=steps, seed=seed)


def load_model(model: str | os.PathLike, *, threads: int | None = None):
    """Load a model folder, or a name under ``models/``: a WorldModel, or a RegressionModel where it holds that control.

    threads: CPU threads torch may use in this process (all where None). Raises FileNotFoundError and ValueError with
    the remedy; see `checkpoints.load_denoiser`.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads = {threads}: give at least one, or leave it out to use all")
        torch.set_num_threads(threads)
    folder = Path(models_path(model))
    network, card = load_denoiser(folder), ModelCard.load(folder)
    if isinstance(network, PoseRegressor):
        from action_images_ros.world_model.regression_model import RegressionModel

        return RegressionModel(network, card)
    return WorldModel(network, card)
