"""The regression control as its users see it: the same `predict` as of `WorldModel`.

Its poses are drawn as action images, faultlessly, so that everything after the model (decoder, executor, graph) is
that of the world model to the last line; the codec takes 0.02 mm of them. A drawn pose is always sharp: the covariance
is that of a clean picture, and this policy never says that it is unsure.
"""

from __future__ import annotations

import numpy as np
import torch

from action_images_ros.codec.encode import encode as encode_actions
from action_images_ros.codec.encode import to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.observation import Observation
from action_images_ros.world_model import pixel_latents
from action_images_ros.world_model.canvas import ACTION, VIDEO, build_canvas
from action_images_ros.world_model.prediction import Prediction, model_inputs
from action_images_ros.world_model.regression import PoseRegressor, chunk_poses
from action_images_ros.world_model.stopwatch import Stopwatch
from action_images_ros.world_model.text import TextEncoder


class RegressionModel:
    """A loaded control. ``card`` as of the world model; ``predict`` involves no chance."""

    def __init__(self, network: PoseRegressor, card, text: TextEncoder | None = None):
        if network.config.frames != card.frames:
            raise ValueError(
                f"the model card says frames = {card.frames}, the weights are for {network.config.frames}: "
                "take both of one run"
            )
        self.network, self.card, self.text = network.eval(), card, text or TextEncoder()

    @torch.inference_mode()
    def predict(
        self, observation: Observation, *, mode: str = "policy", video: bool = False, seed: int = 0, steps: int = 1
    ) -> Prediction:
        """Predict one chunk. Only mode "policy"; no video, whether asked for or not; seed and steps change nothing.

        Raises ValueError for another mode and where the observation does not have the model's image size.
        """
        if mode != "policy":
            raise ValueError(f"mode = {mode!r}: {self.card.name} regresses poses and offers 'policy' alone")
        watch = Stopwatch()
        tokens, _ = self.text.encode([observation.instruction])
        watch.lap("text")
        drawn, directions = model_inputs(observation, self.card)
        K, E = observation.K, observation.world_from_camera
        first, openness = matrix_from_pose7(observation.tool_pose)[None], np.array([observation.openness])
        canvas = build_canvas("policy", len(K), self.card.frames)
        known = {
            VIDEO: pixel_latents.encode(torch.from_numpy(observation.images)[None, :, None]),
            ACTION: pixel_latents.encode(torch.from_numpy(drawn)[None]),
        }
        raw = self.network(
            pixel_latents.on_canvas(known, canvas, canvas.given), canvas,
            torch.from_numpy(directions)[None], torch.from_numpy(np.array(tokens)),
        )
        watch.lap("denoise")
        poses, opened = chunk_poses(raw, first, openness)
        images = to_uint8(encode_actions(poses[0], opened[0], K, E, self.card.image_size).images)
        watch.lap("paint")
        return Prediction(
            observation.stamp_ns, tuple(observation.camera_names), images, None, K, E, self.card.dt, watch.seconds
        )
