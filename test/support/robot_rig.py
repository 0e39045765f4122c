"""Chunks for the tests of the arm's model."""

import numpy as np

from action_images_ros.control.chunk import Chunk
from action_images_ros.geometry.pose import interpolate

HOME = np.array([0.0, -0.3, 0.0, -2.4, 0.0, 2.1, 0.785])
"""A posture of the Panda with the hand pointing down."""


def chunk_of(poses, dt):
    covariance = np.repeat(1e-6 * np.eye(6)[None], len(poses), axis=0)
    return Chunk(0, dt, poses, np.ones(len(poses)), covariance, np.ones(len(poses), dtype=bool))


def chunk_between(start, end, frames=9, dt=0.2):
    """A straight chunk from one tool pose to another."""
    poses = interpolate(start, end, np.linspace(0, 1, frames))
    return chunk_of(poses, dt)


def chunk_along(pose_of, start, end, frames=9, dt=0.2):
    """A chunk of the tool's poses on the straight way from one joint configuration to another."""
    poses = np.array([pose_of(start + (end - start) * u) for u in np.linspace(0, 1, frames)])
    return chunk_of(poses, dt)
