"""Cameras for tests that look at the robot's workspace."""

import numpy as np

from action_images_ros.geometry.camera import looking_at


def in_front(azimuth: float) -> np.ndarray:
    """`looking_at` the workspace's centre from 1 m before it and 0.6 m above it; azimuth in rad."""
    return looking_at([0.5 + np.cos(azimuth), np.sin(azimuth), 0.7], [0.5, 0.0, 0.1])
