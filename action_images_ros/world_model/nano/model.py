"""The world model as its users see it: an observation in, a chunk's action images and video out, with stage timings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...codec.encode import to_uint8
from ...policy.card import ModelCard
from ...policy.clips import Clips, Pictures
from ...policy.observation import Observation
from ...policy.prediction import Prediction
from ..canvas import ACTION, VIDEO, build_canvas
from ..clips import canvas_of, draw_actions
from ..inputs import check_latest, copied_with_steps, model_inputs
from ..rays import coarse_rays
from ..stopwatch import Stopwatch
from ..text import TextEncoder
from . import pixel_latents
from .sampler import generate

__all__ = ["WorldModel"]


class WorldModel:
    """The nano model on torch: a `Policy` that also generates video, labels and generates in any mode.

    ``predict`` (one observation, for control) and ``generate`` (many clips, any mode) are deterministic for a seed.

    bfloat16: compute under autocast, for processors whose bf16 instructions make that faster.
    """

    def __init__(
        self, denoiser: torch.nn.Module, card: ModelCard, text: TextEncoder | None = None, *, bfloat16: bool = False
    ):
        self.denoiser, self.card, self.text = denoiser.eval(), card, text or TextEncoder()
        self.bfloat16, self.steps = bfloat16, 1
        self._latest: Prediction | None = None
        self._video_inputs: tuple[Any, ...] = ()

    @torch.inference_mode()
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

        mode: "policy" generates the action images only; with ``video`` world mode then generates the video that belongs
        to them (`paint_video` does so later). "joint" generates both at once. steps: sampling steps (one was
        measured as good as ten for actions).
        Raises ValueError where the observation does not have the model's image size.
        """
        steps = self.steps if steps is None else steps
        if mode not in ("policy", "joint"):
            raise ValueError(f"mode = {mode!r}: predict offers 'policy' and 'joint', generate all modes")
        watch = Stopwatch()
        tokens, _ = self.text.encode([observation.instruction])
        text = torch.from_numpy(np.array(tokens))
        watch.lap("text")
        drawn, directions = model_inputs(observation, self.card)
        known = {
            VIDEO: pixel_latents.encode(torch.from_numpy(observation.images)[None, :, None]),
            ACTION: pixel_latents.encode(torch.from_numpy(drawn)[None]),
        }
        rays = torch.from_numpy(directions)[None]
        watch.lap("encode")
        canvas = build_canvas(mode, len(observation.K), self.card.frames)
        generated_video, generated_action = self._generate(canvas, known, rays, text, steps, seed)
        watch.lap("denoise")
        actions = pixel_latents.decode(generated_action)[0].numpy()
        actions[:, 0] = to_uint8(drawn[:, 0])
        frames = None if generated_video is None else _frames(generated_video, observation)
        watch.lap("paint")
        prediction = Prediction.from_images(
            observation, self.card.dt, actions, video=frames, stage_seconds=watch.seconds
        )
        self._latest, self._video_inputs = prediction, (observation, known[VIDEO], (rays, text, steps, seed))
        return self.paint_video(prediction) if video else prediction

    @torch.inference_mode()
    def paint_video(self, prediction: Prediction) -> Prediction:
        """The latest prediction again, with its video; see `PaintsVideo`."""
        check_latest(prediction, self._latest)
        if prediction.video is not None:
            return prediction
        observation, seen, inputs = self._video_inputs
        watch = Stopwatch()
        known = {VIDEO: seen, ACTION: pixel_latents.encode(torch.from_numpy(prediction.images())[None])}
        generated, _ = self._generate(build_canvas("world", len(prediction.K), self.card.frames), known, *inputs)
        frames = _frames(generated, observation)
        watch.lap("video")
        self._latest = prediction.with_video(frames, watch.seconds)
        return self._latest

    def with_steps(self, steps: int) -> WorldModel:
        """The same model with this number of sampling steps; see `Sampled`."""
        return copied_with_steps(self, steps)

    def label(self, clips: Clips, *, steps: int = 1, seed: int | Sequence[int] = 0) -> np.ndarray:
        """Action images of recorded clips; see `Labels`."""
        return self.generate(clips, "label", steps=steps, seed=seed).actions_drawn

    @torch.inference_mode()
    def generate(self, clips: Clips, mode: str, *, steps: int = 1, seed: int | Sequence[int] = 0) -> Pictures:
        """Generate what a mode asks for, for B clips at once (see `clips` for what each mode reads).

        Labelling a recording, for example: cut it into overlapping windows of ``card.frames`` frames ``card.dt`` apart,
        ``generate(Clips(images, K, world_from_camera, instructions), "label")``, then `codec.decode.decode` each
        [V, T, ...] of the action images. With poses [B, 1, 7] and openness [B, 1] frame 0 is known, without it is read
        off the images like the others.
        seed: one per clip, or one number for seed, seed + 1, ..: a clip gives the same whatever else is in the batch.
        Raises ValueError where the images do not have the model's size or the mode lacks something.
        """
        size = self._checked_size("clip", clips.images.shape[3:5])
        canvas = canvas_of(clips, mode, self.card.frames)
        seen = clips.images if mode == "label" else clips.images[:, :, :1]
        known, drawn = {VIDEO: pixel_latents.encode(torch.from_numpy(seen))}, None
        if any(canvas.modality[frame] == ACTION for frame in canvas.conditioning):
            drawn = draw_actions(clips, self.card.frames if mode == "world" else 1)
            known[ACTION] = pixel_latents.encode(torch.from_numpy(drawn))
        tokens, _ = self.text.encode(list(clips.instructions))
        rays = torch.from_numpy(coarse_rays(clips.K, clips.first_cameras, size))
        latents = self._generate(canvas, known, rays, torch.from_numpy(np.array(tokens)), steps, seed)
        video, action = (None if x is None else pixel_latents.decode(x).numpy() for x in latents)
        if video is not None:
            video[:, :, 0] = clips.images[:, :, 0]
        if action is not None and drawn is not None:
            action[:, :, 0] = to_uint8(drawn[:, :, 0])
        return Pictures(video, action)

    def _checked_size(self, what: str, size) -> tuple[int, int]:
        if tuple(size) != tuple(self.card.image_size):
            raise ValueError(
                f"{what} images are {tuple(size)}, the model {self.card.name} takes {tuple(self.card.image_size)}: "
                "make them with observation.prepare_image"
            )
        return tuple(size)

    def _generate(self, canvas, known: dict, rays, text, steps: int, seed):
        given = pixel_latents.on_canvas(known, canvas, canvas.conditioning)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            return generate(self.denoiser, given, canvas, rays, text, steps=steps, seed=seed)


def _frames(generated: torch.Tensor, observation: Observation) -> np.ndarray:
    """Latents of a video as uint8 [V, T, H, W, 3]; frame 0 is what was seen."""
    frames = pixel_latents.decode(generated)[0].numpy()
    frames[:, 0] = observation.images
    return frames
