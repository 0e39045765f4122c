"""The regression baseline as a policy.

Its poses are drawn as action images so that everything after the model (decoder, executor, graph) is that of the world
model; the codec costs 0.02 mm. A drawn pose is always sharp: the covariance is that of a clean picture, and this policy
never reports uncertainty.
"""

from __future__ import annotations

import numpy as np
import torch

from ...codec.encode import encode as encode_actions
from ...codec.encode import to_uint8
from ...geometry.pose import matrix_from_pose7
from ...policy.card import ModelCard
from ...policy.observation import Observation
from ...policy.prediction import Prediction
from ..canvas import ACTION, VIDEO, build_canvas
from ..inputs import model_inputs
from ..stopwatch import Stopwatch
from ..text import TextEncoder
from . import pixel_latents
from .regressor import PoseRegressor, chunk_poses


class RegressionModel:
    """The regression baseline: a `Policy` without further abilities. ``predict`` is deterministic."""

    def __init__(
        self, network: PoseRegressor, card: ModelCard, text: TextEncoder | None = None, *, bfloat16: bool = False
    ):
        if network.config.frames != card.frames:
            raise ValueError(
                f"the model card says frames = {card.frames}, the weights are for {network.config.frames}: "
                "take both of one run"
            )
        self.network, self.card, self.text, self.bfloat16 = network.eval(), card, text or TextEncoder(), bfloat16

    @torch.inference_mode()
    def predict(self, observation: Observation, *, seed: int = 0, steps: int | None = None) -> Prediction:
        """Predict one chunk; seed and steps change nothing.

        Raises ValueError where the observation does not have the model's image size.
        """
        watch = Stopwatch()
        tokens, _ = self.text.encode([observation.instruction])
        watch.lap("text")
        drawn, rays = model_inputs(observation, self.card)
        canvas = build_canvas("policy", len(rays), self.card.frames)
        known = pixel_latents.on_canvas(
            {
                VIDEO: pixel_latents.encode(torch.from_numpy(observation.images)[None, :, None]),
                ACTION: pixel_latents.encode(torch.from_numpy(drawn)[None]),
            },
            canvas,
            canvas.conditioning,
        )
        watch.lap("encode")
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            raw = self.network(known, canvas, torch.from_numpy(rays)[None], torch.from_numpy(np.array(tokens)))
        watch.lap("regress")
        K, E = observation.K, observation.world_from_camera
        poses, openness = chunk_poses(
            raw, matrix_from_pose7(observation.tool_pose)[None], np.array([observation.openness])
        )
        images = to_uint8(encode_actions(poses[0], openness[0], K, E, observation.images.shape[1:3]).images)
        watch.lap("paint")
        return Prediction.from_images(observation, self.card.dt, images, stage_seconds=watch.seconds)
