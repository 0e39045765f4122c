"""Synthetic rigs for the calibration tests: cameras about a workspace, an arm that moves in it, noisy readings."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from action_images_ros.calibration.readings import Readings, usable
from action_images_ros.geometry.camera import intrinsics_from_fovy

SIZE = (96, 96)
DOWN = Rotation.from_matrix([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])


def look_at(eye, target) -> np.ndarray:
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose


def cameras(rng, count=2) -> tuple[np.ndarray, np.ndarray]:
    """K `[V, 3, 3]` and world_from_camera `[V, 4, 4]`, 70 deg apart, about a metre from the workspace."""
    E = []
    for azimuth in np.linspace(-0.6, 0.6, count) + rng.uniform(-0.1, 0.1, count):
        direction = np.array([np.cos(azimuth) * 0.8, np.sin(azimuth) * 0.8, 0.6 + rng.uniform(-0.1, 0.1)])
        E.append(look_at(np.array([0.5, 0.0, 0.1]) + rng.uniform(0.95, 1.15) * direction, np.array([0.48, 0.0, 0.2])))
    return np.repeat(intrinsics_from_fovy(52.0, *SIZE)[None], count, 0), np.stack(E)


def tool_poses(rng, frames=12, size=0.24) -> np.ndarray:
    """`[N, 7]` of the model's tool spread over a box, with small turns."""
    position = np.array([0.5, 0.0, 0.25]) + rng.uniform(-0.5, 0.5, (frames, 3)) * [size, 1.3 * size, size]
    turn = Rotation.from_rotvec(rng.uniform(-1, 1, (frames, 3)) * [0.08, 0.08, 0.4]) * DOWN
    return np.concatenate([position, turn.as_quat()], axis=1)


def readings(rng, poses, K, E, noise_px=0.5, names=("left", "right", "top", "back")) -> Readings:
    """What a reader with independent errors of noise_px per coordinate says of cameras truly at E."""
    shape = (len(K), len(poses), 3, 2)
    blank = Readings(
        tuple(names[: len(K)]),
        np.zeros(shape),
        np.full(shape, noise_px**2),
        np.ones(shape[:2], bool),
        poses,
        K,
        SIZE,
        np.arange(len(poses)) * 200_000_000,
    )
    uv = blank.expected(E) + noise_px * rng.normal(size=shape)
    return Readings(blank.cameras, uv, blank.variance, usable(uv, 0 * uv, SIZE), poses, K, SIZE, blank.stamps_ns)


def moved(E, rng, metres, radians) -> np.ndarray:
    """Every camera moved and turned by so much in random directions."""
    wrong = E.copy()
    for camera in wrong:
        step, axis = rng.normal(size=(2, 3))
        camera[:3, 3] += metres * step / np.linalg.norm(step)
        camera[:3, :3] = Rotation.from_rotvec(radians * axis / np.linalg.norm(axis)).as_matrix() @ camera[:3, :3]
    return wrong
