"""Cameras for tests: in front of the robot, looking back at its workspace."""

import numpy as np


def look_at(azimuth: float) -> np.ndarray:
    """world_from_camera [4, 4] of a camera 1 m from the workspace's centre and 0.6 m above it; azimuth in rad."""
    eye = np.array([0.5 + np.cos(azimuth), np.sin(azimuth), 0.7])
    forward = np.array([0.5, 0.0, 0.1]) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose
