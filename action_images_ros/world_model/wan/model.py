"""The 5 B world model with the same `predict` as nano: an observation in, a chunk's images out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...codec.encode import to_uint8
from ...policy.card import latent_frames
from ...policy.clips import Clips, Pictures
from ...policy.observation import Observation
from ...policy.prediction import Prediction
from ..canvas import ACTION, VIDEO, Canvas, build_canvas
from ..clips import canvas_of
from ..inputs import check_latest
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


class _Painted(NamedTuple):
    video: np.ndarray | None
    action_images: np.ndarray | None
    latents: Tensor
    canvas: Canvas
    drawn: np.ndarray | None
    step_seconds: tuple[float, ...]


class _Unfinished(NamedTuple):
    """What a prediction has not decoded yet."""

    prediction: Prediction
    painted: _Painted
    observation: Observation
    seed: int
    steps: int | None


class WanWorldModel:
    """A loaded 5 B model. ``card`` has image size, T and dt; results are deterministic for a seed and a device.

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
        self._unfinished: _Unfinished | None = None

    def predict(
        self,
        observation: Observation,
        *,
        mode: str | None = None,
        video: bool = False,
        seed: int = 0,
        steps: int | None = None,
    ) -> Prediction:
        """Predict one chunk.

        mode: instead of the settings' ``canvas``. "policy" makes the action images on the short canvas; with ``video``
        world mode then makes the video that belongs to them. "joint" makes both at once (the published protocol),
        and decodes the video if asked for. steps: instead of the settings'. With the setting ``frames_first`` the
        pictures are the first of the chunk's frames, and `complete` gives the others. Raises ValueError for other modes
        (see `paint`) and where the observation does not have the model's image size or number of views.
        """
        mode = self.settings.canvas if mode is None else mode
        if mode not in ("policy", "joint"):
            raise ValueError(f"mode = {mode!r}: predict offers 'policy' and 'joint', paint all modes")
        cameras = observation.K, observation.world_from_camera
        pose, openness = observation.tool_pose[None], np.array([observation.openness])
        watch = Stopwatch(self.denoiser.device)
        painted = self._paint(
            watch,
            mode,
            observation.images[:, None],
            *cameras,
            observation.instruction,
            pose,
            openness,
            seed=seed,
            steps=steps,
            first=self.settings.frames_first,
            want_video=False,
        )
        prediction = Prediction.from_images(
            observation,
            self.card.dt,
            painted.action_images,
            stage_seconds=watch.seconds,
            step_seconds=painted.step_seconds,
        )
        self._unfinished = _Unfinished(prediction, painted, observation, seed, steps)
        return self.paint_video(prediction) if video else prediction

    @torch.inference_mode()
    def complete(self, prediction: Prediction) -> Prediction:
        """The latest prediction again, with the action images of all frames (see the setting ``frames_first``).

        Raises ValueError for any other prediction: the latents of the latest alone are kept.
        """
        unfinished = self._check_latest(prediction)
        if prediction.frames == self.card.frames:
            return prediction
        watch = Stopwatch(self.denoiser.device)
        painted = unfinished.painted
        actions = self._decode_actions(painted.latents, painted.canvas, painted.drawn, 0)
        watch.lap("decode_rest")
        seconds = {**prediction.stage_seconds, **watch.seconds}
        return self._keep(replace(prediction, action_images=actions, stage_seconds=seconds))

    @torch.inference_mode()
    def paint_video(self, prediction: Prediction) -> Prediction:
        """The latest prediction again, with as many frames of video as it has action images; see `PaintsVideo`."""
        _, painted, seen, seed, steps = self._check_latest(prediction)
        watch = Stopwatch(self.denoiser.device)
        latents, canvas = painted.latents, painted.canvas
        if not canvas.wanted(VIDEO):
            known = {
                ACTION: latents[torch.from_numpy(canvas.frames(ACTION))],
                VIDEO: self.autoencoder.encode(to_model_range(seen.images[:, None])),
            }
            canvas = build_canvas("world", canvas.views, self.card.frames)
            latents = self._denoise(canvas, known, seen.K, seen.world_from_camera, seen.instruction, seed, steps)
        frames = self._decode_video(latents, canvas, seen.images[:, None], prediction.frames)
        watch.lap("video")
        return self._keep(prediction.with_video(frames, watch.seconds))

    def _check_latest(self, prediction: Prediction) -> _Unfinished:
        check_latest(prediction, self._unfinished.prediction if self._unfinished else None)
        assert self._unfinished is not None  # else it was refused
        return self._unfinished

    def _keep(self, prediction: Prediction) -> Prediction:
        assert self._unfinished is not None  # it is of `predict`
        self._unfinished = self._unfinished._replace(prediction=prediction)
        return prediction

    def with_steps(self, steps: int) -> WanWorldModel:
        """The same model with this number of solver steps; see `Sampled`."""
        stepped = copy.copy(self)
        stepped.settings = replace(self.settings, steps=steps)
        return stepped

    def label(self, clips: Clips, *, steps: int | None = None, seed: int | Sequence[int] = 0) -> np.ndarray:
        """Action images of recorded clips; see `Labels`."""
        return self.generate(clips, "label", steps=steps, seed=seed).actions_drawn

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
                    clips.world_from_camera[i],
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
        latents = self._denoise(
            canvas, known, K, E, instruction, seed, steps, lambda: durations.append(watch.lap("denoise"))
        )
        video = action = None
        if canvas.wanted(ACTION):
            action = self._decode_actions(latents, canvas, drawn, first)
        if canvas.wanted(VIDEO) and want_video:
            video = self._decode_video(latents, canvas, images, first)
        watch.lap("decode")
        return _Painted(video, action, latents, canvas, drawn, tuple(durations))

    def _denoise(self, canvas, known, K, E, instruction, seed, steps, after_step=lambda: None) -> Tensor:
        settings = self.settings
        steps = settings.steps if steps is None else steps
        start_run(self.denoiser, settings, steps)
        given = on_canvas({m: latents[None] for m, latents in known.items()}, canvas, canvas.given)[0]
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
