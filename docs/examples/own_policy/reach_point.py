"""A policy of your own: it moves the tool to a point, at most 0.1 m/s, and keeps the gripper as it is."""

import numpy as np

from action_images_ros import ModelCard, Observation, PolicyOptions, Prediction


class ReachPoint:
    card = ModelCard(name="reach_point", image_size=(96, 96), frames=9, dt=0.2, output="poses")
    point = np.array([0.5, 0.1, 0.35])  # m, in the robot's base frame
    speed = 0.1  # m/s

    def __init__(self, options: PolicyOptions) -> None:
        pass  # load weights here: options.folder, options.threads

    def predict(self, observation: Observation, *, seed: int = 0) -> Prediction:
        # Your model goes here: observation.images, .K, .world_from_camera, .tool_pose, .openness, .instruction
        poses = np.repeat(observation.tool_pose[None], self.card.frames, axis=0)
        way = self.point - observation.tool_pose[:3]
        distance = np.linalg.norm(way)
        travelled = np.minimum(np.arange(self.card.frames) * self.card.dt * self.speed, distance)
        poses[:, :3] += travelled[:, None] * way / max(distance, 1e-9)
        openness = np.full(self.card.frames, observation.openness)
        return Prediction.from_poses(
            observation, self.card.dt, poses, openness, sigma_position_m=0.002, sigma_rotation_rad=0.02
        )
