"""A stand-in for the world model that needs no weights: it draws a straight way to a place it is told."""

import numpy as np

from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.policy.card import ModelCard
from action_images_ros.policy.prediction import Prediction


class ScriptedModel:
    """`predict` draws a motion of at most `speed` m/s from the observed tool pose to `goal` (m); keeps what it saw."""

    card = ModelCard(name="scripted", image_size=(96, 96), frames=9, dt=0.2)

    def __init__(self, goal, speed=0.2, garbage=False):
        self.goal, self.speed, self.garbage = np.asarray(goal, dtype=float), speed, garbage
        self.observations = []

    def predict(self, observation, *, seed=0):
        self.observations.append(observation)
        way = self.goal - observation.tool_pose[:3]
        length = np.linalg.norm(way)
        reach = np.minimum(np.arange(self.card.frames) * self.card.dt * self.speed, length)
        poses = np.repeat(observation.tool_pose[None], self.card.frames, axis=0)
        poses[:, :3] += reach[:, None] * way / max(length, 1e-9)
        size = tuple(self.card.image_size)
        openness = np.full(self.card.frames, round(observation.openness))
        drawn = encode(matrix_from_pose7(poses), openness, observation.K, observation.world_from_camera, size)
        images = np.array(to_uint8(drawn.images))
        if self.garbage:
            images = np.random.default_rng(seed).integers(0, 255, images.shape, dtype=np.uint8)
        return Prediction.from_images(observation, self.card.dt, images)
