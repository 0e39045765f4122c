"""Generation with the 5 B model: video and action images of every mode, for clips.

Text, cameras and conditioning frames are encoded, the canvas is denoised, the requested modalities are decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...codec.encode import to_uint8
from ...policy.card import latent_frames
from ...policy.clips import Clips, Pictures
from ..canvas import ACTION, VIDEO, Canvas, build_canvas
from ..clips import canvas_of
from ..nano.checkpoints import ModelCard
from ..nano.pixel_latents import on_canvas
from ..stopwatch import Stopwatch
from .acceleration import start_run
from .action_decoder import ActionDecoder
from .autoencoder import Autoencoder
from .conventions import camera_pictures, draw_known_actions, to_model_range
from .denoiser import WanDenoiser
from .sampler import generate
from .settings import WanSettings
from .text import WanTextEncoder

__all__ = ["CanvasGenerator", "Generated"]


class Generated(NamedTuple):
    """What one run made: pictures uint8 `[V, T, H, W, 3]`, the latents of the canvas, the action images drawn of known
    poses, seconds of each step."""

    video: np.ndarray | None
    action_images: np.ndarray | None
    latents: Tensor
    canvas: Canvas
    drawn: np.ndarray | None
    step_seconds: tuple[float, ...]


class CanvasGenerator:
    """Denoiser, autoencoder and text encoder at one card and settings; deterministic for a seed and a device.

    action_decoder: decodes action images instead of the autoencoder (see `action_decoder`).
    Raises ValueError where the card's image size does not fit the autoencoder and the denoiser's patches, or the
    settings' ``frames_first`` the card.
    """

    def __init__(
        self,
        denoiser: WanDenoiser,
        autoencoder: Autoencoder,
        text: WanTextEncoder,
        card: ModelCard,
        settings: WanSettings | None = None,
        action_decoder: ActionDecoder | None = None,
    ):
        self.denoiser, self.autoencoder, self.text = denoiser.eval().requires_grad_(False), autoencoder, text
        self.action_decoder = action_decoder
        self.card, self.settings = card, settings or WanSettings()
        unit = autoencoder.scale * max(denoiser.config.patch_size[1:])
        if any(side % unit for side in card.image_size):
            raise ValueError(f"image_size = {card.image_size} of {card.name}: this model takes multiples of {unit} px")
        if self.settings.frames_first > card.frames:
            raise ValueError(
                f"frames_first = {self.settings.frames_first}: a chunk of {card.name} has {card.frames} "
                "frames; give no more, or 0 for all"
            )
        self._cameras: tuple[tuple, Tensor] | None = None

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
        """Generate one clip: (video, action images), uint8 [V, T, H, W, 3], None for a modality that the mode lacks.

        images: uint8 [V, n, H, W, 3], n = T in label mode, else frame 0 is read. K [V, 3, 3] px, world_from_camera
        [V, 4, 4]. poses [m, 7] (MODEL tool frame) and openness [m]: m = T in world mode; frame 0 in policy and joint;
        frame 0 or None (the arm's pose is not known) in label; not read in video. Known frames come back as given.
        Raises ValueError where the mode lacks something or a size does not fit.
        """
        watch = Stopwatch(self.denoiser.device)
        K, E = np.asarray(K, dtype=np.float64), np.asarray(world_from_camera, dtype=np.float64)
        generated = self._paint(watch, mode, images, K, E, instruction, poses, openness, seed=seed, steps=steps)
        return generated.video, generated.action_images

    def generate(self, clips: Clips, mode: str, *, steps: int | None = None, seed: int | Sequence[int] = 0) -> Pictures:
        """`paint` for B clips, one after the other, like nano's `generate` (see `clips` for the inputs of each mode).

        seed: one per clip, or one number for seed, seed + 1, ..: a clip gives the same whatever else there is.
        """
        canvas_of(clips, mode, self.card.frames)
        seeds = [seed + i for i in range(len(clips))] if isinstance(seed, int) else [int(s) for s in seed]
        if len(seeds) != len(clips):
            raise ValueError(f"seed holds {len(seeds)} numbers for {len(clips)} clips: give one each, or one number")
        pictures = []
        for i in range(len(clips)):
            poses = None if clips.poses is None else clips.poses[i]
            openness = None if clips.openness is None else clips.openness[i]
            pictures.append(
                self.paint(
                    mode,
                    clips.images[i],
                    clips.K[i],
                    clips.first_cameras[i],
                    clips.instructions[i],
                    poses,
                    openness,
                    seed=seeds[i],
                    steps=steps,
                )
            )
        video, action = (None if kind[0] is None else np.stack(kind) for kind in zip(*pictures, strict=True))
        return Pictures(video, action)

    @torch.inference_mode()
    def _paint(
        self, watch, mode, images, K, E, instruction, poses, openness, *, seed, steps, first=0, want_video=True
    ) -> Generated:
        T = self.card.frames
        self._check(images, K, E)
        canvas = build_canvas(mode, len(images), T, mode != "label" or poses is not None)
        if mode == "label" and images.shape[1] != T:
            raise ValueError(f"images hold {images.shape[1]} frames: label mode reads {T}, as the card says")
        seen = images if mode == "label" else images[:, :1]
        drawn = None
        if any(canvas.modality[frame] == ACTION for frame in canvas.conditioning):
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
        latents = self._denoise(
            canvas, known, K, E, instruction, seed, steps, lambda: durations.append(watch.lap("denoise"))
        )
        video = action = None
        if canvas.targets(ACTION):
            action = self._decode_actions(latents, canvas, drawn, first)
        if canvas.targets(VIDEO) and want_video:
            video = self._decode_video(latents, canvas, images, first)
        watch.lap("decode")
        return Generated(video, action, latents, canvas, drawn, tuple(durations))

    def _denoise(self, canvas, known, K, E, instruction, seed, steps, after_step=lambda: None) -> Tensor:
        settings = self.settings
        steps = settings.steps if steps is None else steps
        start_run(self.denoiser, settings, steps)
        given = on_canvas({m: latents[None] for m, latents in known.items()}, canvas, canvas.conditioning)[0]
        camera = self._camera_latents(K, E)[canvas.view, canvas.time]
        return generate(
            self.denoiser,
            given,
            canvas,
            camera,
            *self._texts(instruction),
            shift=settings.shift,
            steps=steps,
            guidance=settings.guidance,
            solver=settings.solver,
            seed=seed,
            after_step=after_step,
        )

    def _texts(self, instruction: str) -> tuple[Tensor, Tensor | None]:
        """States of the instruction, and of the text guidance leads away from."""
        away = self.text.encode(self.settings.negative_prompt) if self.settings.guidance != 1 else None
        return self.text.encode(instruction), away

    def _decode_actions(self, latents: Tensor, canvas: Canvas, drawn: np.ndarray | None, first: int) -> np.ndarray:
        decoder = self.action_decoder or self.autoencoder
        action = decoder.decode(self._head(latents, canvas, ACTION, first))
        if drawn is not None:
            action[:, 0] = to_uint8(drawn[:, 0])
        return action

    def _head(self, latents: Tensor, canvas: Canvas, modality: int, first: int) -> Tensor:
        """[V, 1 + k, C, h, w], k for ``first`` frames (0: all): decoding is causal, later latents change nothing."""
        return latents[torch.from_numpy(canvas.frames(modality))][:, : latent_frames(first or self.card.frames)]

    def _decode_video(self, latents: Tensor, canvas: Canvas, images: np.ndarray, first: int = 0) -> np.ndarray:
        video = self.autoencoder.decode(self._head(latents, canvas, VIDEO, first))
        video[:, 0] = images[:, 0]
        return video

    @torch.inference_mode()
    def _camera_latents(self, K: np.ndarray, E: np.ndarray) -> Tensor:
        """[V, 1 + k, 2 C, h, w]; encoded again only when a camera has moved."""
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
            raise ValueError(
                f"images are {size}, the model {self.card.name} takes {tuple(self.card.image_size)}: "
                "make them with observation.prepare_image"
            )
        if views != self.settings.views or np.shape(K)[0] != views or np.shape(E)[0] != views:
            raise ValueError(
                f"{views} images, {np.shape(K)[0]} K and {np.shape(E)[0]} world_from_camera: the model "
                f"{self.card.name} knows exactly {self.settings.views} views (setting views)"
            )
