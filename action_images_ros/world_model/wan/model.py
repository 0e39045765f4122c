"""The 5 B world model with the same `predict` as nano: an observation in, a chunk's images out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ...policy.clips import Clips
from ...policy.observation import Observation
from ...policy.prediction import Prediction
from ..canvas import ACTION, VIDEO, build_canvas
from ..inputs import check_latest
from ..stopwatch import Stopwatch
from .canvas_generator import CanvasGenerator, Generated
from .conventions import to_model_range


class _Unfinished(NamedTuple):
    """What a prediction has not decoded yet."""

    prediction: Prediction
    generated: Generated
    observation: Observation
    seed: int
    steps: int | None


class WanWorldModel(CanvasGenerator):
    """A loaded 5 B model as a policy and as a labeller. ``card`` has image size, T and dt."""

    _unfinished: _Unfinished | None = None

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
        generated = self._paint(
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
            generated.action_images,
            stage_seconds=watch.seconds,
            step_seconds=generated.step_seconds,
        )
        self._unfinished = _Unfinished(prediction, generated, observation, seed, steps)
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
        generated = unfinished.generated
        actions = self._decode_actions(generated.latents, generated.canvas, generated.drawn, 0)
        watch.lap("decode_rest")
        seconds = {**prediction.stage_seconds, **watch.seconds}
        return self._keep(replace(prediction, action_images=actions, stage_seconds=seconds))

    @torch.inference_mode()
    def paint_video(self, prediction: Prediction) -> Prediction:
        """The latest prediction again, with as many frames of video as it has action images; see `PaintsVideo`."""
        _, generated, seen, seed, steps = self._check_latest(prediction)
        watch = Stopwatch(self.denoiser.device)
        latents, canvas = generated.latents, generated.canvas
        if not canvas.targets(VIDEO):
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
