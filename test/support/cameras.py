"""Cameras for tests that look at the robot's workspace."""

import numpy as np


def looking_at(eye, target) -> np.ndarray:
    """world_from_camera [4, 4] of an optical frame at `eye` that looks at `target` (m), image down along world down."""
    eye = np.asarray(eye, dtype=float)
    forward = np.asarray(target, dtype=float) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose


def in_front(azimuth: float) -> np.ndarray:
    """`looking_at` the workspace's centre from 1 m before it and 0.6 m above it; azimuth in rad."""
    return looking_at([0.5 + np.cos(azimuth), np.sin(azimuth), 0.7], [0.5, 0.0, 0.1])
