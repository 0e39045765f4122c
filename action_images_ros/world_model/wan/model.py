"""The 5 B world model behind the same `predict` as nano: an observation in, a chunk's pictures out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from action_images_ros.codec.encode import to_uint8
from action_images_ros.observation import Observation
from action_images_ros.world_model.canvas import ACTION, VIDEO, Canvas, build_canvas
from action_images_ros.world_model.checkpoints import ModelCard
from action_images_ros.world_model.pixel_latents import on_canvas
from action_images_ros.world_model.prediction import Prediction
from action_images_ros.world_model.stopwatch import Stopwatch
from action_images_ros.world_model.wan.autoencoder import Autoencoder
from action_images_ros.world_model.wan.conventions import camera_pictures, draw_known_actions, to_model_range
from action_images_ros.world_model.wan.denoiser import WanDenoiser
from action_images_ros.world_model.wan.sampler import generate
from action_images_ros.world_model.wan.settings import WanSettings
from action_images_ros.world_model.wan.text import WanTextEncoder


class _Painted(NamedTuple):
    video: np.ndarray | None
    action_images: np.ndarray | None
    action_latents: Tensor | None
    step_seconds: tuple[float, ...]


class WanWorldModel:
    """A loaded 5 B model. ``card`` tells image size, T and dt; results are deterministic for a seed and a device.

    Raises ValueError where the card's image size does not fit the autoencoder and the denoiser's patches.
    """

    def __init__(
        self,
        denoiser: WanDenoiser,
        autoencoder: Autoencoder,
        text: WanTextEncoder,
        card: ModelCard,
        settings: WanSettings | None = None,
    ):
        self.denoiser, self.autoencoder, self.text = denoiser.eval().requires_grad_(False), autoencoder, text
        self.card, self.settings = card, settings or WanSettings()
        unit = autoencoder.scale * max(denoiser.config.patch_size[1:])
        if any(side % unit for side in card.image_size):
            raise ValueError(f"image_size = {card.image_size} of {card.name}: this model takes multiples of {unit} px")
        self._cameras: tuple[tuple, Tensor] | None = None

    def predict(
        self,
        observation: Observation,
        *,
        mode: str = "policy",
        video: bool = False,
        seed: int = 0,
        steps: int | None = None,
    ) -> Prediction:
        """Predict one chunk.

        mode: "policy" paints the action images on the short canvas; with ``video`` the world mode then paints the video
        that belongs to them. "joint" paints both at once (the published protocol), and decodes the video if asked for.
        steps: instead of the settings'. Raises ValueError for other modes (see `paint`) and where the observation does
        not have the model's image size or number of views.
        """
        if mode not in ("policy", "joint"):
            raise ValueError(f"mode = {mode!r}: predict offers 'policy' and 'joint', paint all modes")
        seen = observation.images[:, None]
        cameras = observation.K, observation.world_from_camera
        words = observation.instruction
        pose, openness = observation.tool_pose[None], np.array([observation.openness])
        watch = Stopwatch(self.denoiser.device)
        painted = self._paint(
            watch, mode, seen, *cameras, words, pose, openness, seed=seed, steps=steps, want_video=video
        )
        frames = painted.video
        if video and frames is None:
            frames = self._world_video(seen, *cameras, words, painted.action_latents, seed, steps)
            watch.lap("video")
        return Prediction(
            observation.stamp_ns, tuple(observation.camera_names), painted.action_images, frames, *cameras,
            self.card.dt, watch.seconds, painted.step_seconds,
        )

    def paint(
        self,
        mode: str,
        images: np.ndarray,
        K: np.ndarray,
        world_from_camera: np.ndarray,
        instruction: str,
        poses: np.ndarray | None = None,
        openness: np.ndarray | None = None,
        *,
        seed: int = 0,
        steps: int | None = None,
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """What a mode generates, for one clip: (video, action images), uint8 [V, T, H, W, 3], None where it makes none.

        images: uint8 [V, n, H, W, 3], n = T in label mode, else frame 0 is read. K [V, 3, 3] px, world_from_camera
        [V, 4, 4]. poses [m, 7] (MODEL tool frame) and openness [m]: m = T in world mode; frame 0 in policy and joint;
        frame 0 or None (the arm's pose is not known) in label; not read in video. Known frames come back as given.
        Raises ValueError where the mode lacks something or a size does not fit.
        """
        watch = Stopwatch(self.denoiser.device)
        K, E = np.asarray(K, dtype=np.float64), np.asarray(world_from_camera, dtype=np.float64)
        painted = self._paint(watch, mode, images, K, E, instruction, poses, openness, seed=seed, steps=steps)
        return painted.video, painted.action_images

    @torch.inference_mode()
    def _paint(
        self, watch, mode, images, K, E, instruction, poses, openness, *, seed, steps, want_video=True
    ) -> _Painted:
        T = self.card.frames
        self._check(images, K, E)
        canvas = build_canvas(mode, len(images), T, mode != "label" or poses is not None)
        if mode == "label" and images.shape[1] != T:
            raise ValueError(f"images hold {images.shape[1]} frames: label mode reads {T}, as the card says")
        seen = images if mode == "label" else images[:, :1]
        drawn = None
        if any(canvas.modality[frame] == ACTION for frame in canvas.given):
            m = T if mode == "world" else 1
            if poses is None or openness is None or min(len(poses), len(openness)) < m:
                raise ValueError(f"{mode} mode reads {m} poses and opennesses: give them")
            drawn = draw_known_actions(poses[:m], openness[:m], K, E, images.shape[2:4])
        self._texts(instruction)
        watch.lap("text")
        known = {VIDEO: self.autoencoder.encode(to_model_range(seen))}
        if drawn is not None:
            known[ACTION] = self.autoencoder.encode(to_model_range(drawn))
        self._camera_latents(K, E)
        watch.lap("encode")
        durations: list[float] = []
        latents = self._denoise(canvas, known, K, E, instruction, seed, steps,
                                lambda: durations.append(watch.lap("denoise")))
        video = action = action_latents = None
        if canvas.wanted(ACTION):
            action_latents = latents[torch.from_numpy(canvas.frames(ACTION))]
            action = self.autoencoder.decode(action_latents)
            if drawn is not None:
                action[:, 0] = to_uint8(drawn[:, 0])
        if canvas.wanted(VIDEO) and want_video:
            video = self._decode_video(latents, canvas, images)
        watch.lap("decode")
        return _Painted(video, action, action_latents, tuple(durations))

    @torch.inference_mode()
    def _world_video(self, images, K, E, instruction, action_latents, seed, steps) -> np.ndarray:
        """The video that belongs to action latents of whole segments."""
        canvas = build_canvas("world", len(images), self.card.frames)
        known = {VIDEO: self.autoencoder.encode(to_model_range(images)), ACTION: action_latents}
        return self._decode_video(self._denoise(canvas, known, K, E, instruction, seed, steps), canvas, images)

    def _denoise(self, canvas, known, K, E, instruction, seed, steps, after_step=lambda: None) -> Tensor:
        settings = self.settings
        given = on_canvas({m: latents[None] for m, latents in known.items()}, canvas, canvas.given)[0]
        camera = self._camera_latents(K, E)[canvas.view, canvas.time]
        return generate(
            self.denoiser, given, canvas, camera, *self._texts(instruction), shift=settings.shift,
            steps=settings.steps if steps is None else steps, guidance=settings.guidance, seed=seed,
            after_step=after_step,
        )

    def _texts(self, instruction: str) -> tuple[Tensor, Tensor | None]:
        """States of the instruction, and of the text guidance leads away from."""
        away = self.text.encode(self.settings.negative_prompt) if self.settings.guidance != 1 else None
        return self.text.encode(instruction), away

    def _decode_video(self, latents: Tensor, canvas: Canvas, images: np.ndarray) -> np.ndarray:
        video = self.autoencoder.decode(latents[torch.from_numpy(canvas.frames(VIDEO))])
        video[:, 0] = images[:, 0]
        return video

    @torch.inference_mode()
    def _camera_latents(self, K: np.ndarray, E: np.ndarray) -> Tensor:
        """[V, 1 + k, 2 C, h, w]; encoded anew only when a camera has moved."""
        key = (K.tobytes(), E.tobytes())
        if self._cameras is None or self._cameras[0] != key:
            pictures = torch.from_numpy(camera_pictures(K, E, self.card.image_size))[:, :, None]
            pictures = pictures.expand(-1, -1, self.card.frames, -1, -1, -1)
            latents = torch.cat([self.autoencoder.encode(kind) for kind in pictures], dim=2)
            self._cameras = key, latents
        return self._cameras[1]

    def _check(self, images: np.ndarray, K: np.ndarray, E: np.ndarray) -> None:
        if images.dtype != np.uint8 or images.ndim != 5 or images.shape[-1] != 3:
            raise ValueError(f"images is {images.dtype} {list(images.shape)}: give uint8 RGB [V, n, H, W, 3]")
        views, size = len(images), tuple(images.shape[2:4])
        if size != tuple(self.card.image_size):
            raise ValueError(f"images are {size}, the model {self.card.name} takes {tuple(self.card.image_size)}: "
                             "make them with observation.prepare_image")
        if views != self.settings.views or np.shape(K)[0] != views or np.shape(E)[0] != views:
            raise ValueError(f"{views} images, {np.shape(K)[0]} K and {np.shape(E)[0]} world_from_camera: the model "
                             f"{self.card.name} knows exactly {self.settings.views} views (setting views)")
