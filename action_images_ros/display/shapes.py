"""Lines, points and ellipsoids of a plan in the robot's base frame: one geometry for rviz and for the live page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..control.chunk import Chunk
from ..geometry.arrays import Bools, Floats
from ..geometry.pose import matrix_from_pose7
from .colours import INVALID, certainty_colour

__all__ = ["Plan", "box_edges", "frustum", "gripper_lines", "plan_shapes"]

_STROKE_M, _FINGER_M, _AXIS_M = 0.08, 0.03, 0.03
_FADE = 0.65
_FALLBACK_SIGMA_M = 0.001  # an ellipsoid must have a size


@dataclass(frozen=True)
class Plan:
    """What is drawn of T frames. valid `[T]`: frames to draw.

    colours: `[T, 4]` 0..1, certainty, fading into the future. centres `[T, 3]` m. axes: `[T, 3, 2, 3]` m, begin and end
    of the x, y, z axis. grippers: `[T, 3, 2, 3]` m, lines of the palm and the two fingers. semi_axes `[T, 3]` m and
    rotations `[T, 3, 3]` of the one-sigma ellipsoids of position.
    """

    valid: Bools
    colours: Floats
    centres: Floats
    axes: Floats
    grippers: Floats
    semi_axes: Floats
    rotations: Floats


def plan_shapes(chunk: Chunk, opening_axis: Floats) -> Plan:
    """Shapes of a chunk of robot tool poses.

    opening_axis: `[3]`, unit, along which the fingers open, in the robot's tool frame. Frames that are not valid or
    not finite are marked so.
    """
    covariance = chunk.covariance[:, :3, :3]
    valid: Bools = np.asarray(
        chunk.valid & np.isfinite(chunk.poses).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2)), dtype=bool
    )
    length = np.linalg.norm(np.where(valid[:, None], chunk.poses[:, 3:], 1.0), axis=1)
    valid &= length > 1e-6
    neutral = np.array([0.0, 0, 0, 0, 0, 0, 1.0])
    matrices = matrix_from_pose7(np.where(valid[:, None], chunk.poses, neutral))
    variances, rotations = np.linalg.eigh(np.where(valid[:, None, None], covariance, np.eye(3)))
    rotations = rotations * np.where(np.linalg.det(rotations) < 0, -1.0, 1.0)[:, None, None]
    centres = matrices[:, :3, 3]
    axes = np.stack([np.repeat(centres[:, None], 3, axis=1), np.empty((len(chunk), 3, 3))], axis=2)
    axes[:, :, 1] = centres[:, None] + _AXIS_M * np.swapaxes(matrices[:, :3, :3], 1, 2)
    openness = np.where(np.isfinite(chunk.openness), np.clip(chunk.openness, 0.0, 1.0), 0.0)
    return Plan(
        valid,
        _colours(chunk, valid),
        centres,
        axes,
        np.stack([gripper_lines(m, o, opening_axis) for m, o in zip(matrices, openness, strict=True)]),
        np.maximum(np.sqrt(np.maximum(variances, 0.0)), _FALLBACK_SIGMA_M),
        rotations,
    )


def _colours(chunk: Chunk, valid: Bools) -> Floats:
    count = len(chunk)
    colours = np.ones((count, 4))
    for frame, sigma in enumerate(chunk.sigma_position):
        colours[frame, :3] = np.array(certainty_colour(float(sigma)) if valid[frame] else INVALID) / 255.0
        colours[frame, 3] = 1.0 - _FADE * frame / max(1, count - 1)
    return colours


def gripper_lines(tool: Floats, openness: float, opening_axis: Floats) -> Floats:
    """`[3, 2, 3]` m: palm and both fingers of a gripper whose tool frame `[4, 4]` lies between the fingertips."""
    half = tool[:3, :3] @ opening_axis * max(_STROKE_M / 2 * openness, 0.004)
    back = -_FINGER_M * tool[:3, 2]
    tips = np.array([tool[:3, 3] - half, tool[:3, 3] + half])
    return np.array([[tips[0] + back, tips[1] + back], [tips[0] + back, tips[0]], [tips[1] + back, tips[1]]])


def frustum(K: Floats, world_from_camera: Floats, size: tuple[int, int], depth_m: float = 0.12) -> Floats:
    """`[8, 2, 3]` m: the edges of what a camera sees, up to `depth_m`. size: (H, W) px of images with K."""
    height, width = size
    corners = np.array(
        [[-0.5, -0.5, 1], [width - 0.5, -0.5, 1], [width - 0.5, height - 0.5, 1], [-0.5, height - 0.5, 1]]
    )
    rays = corners @ np.linalg.inv(K).T * depth_m
    points = rays @ world_from_camera[:3, :3].T + world_from_camera[:3, 3]
    centre = np.repeat(world_from_camera[None, :3, 3], 4, axis=0)
    return np.concatenate([np.stack([centre, points], 1), np.stack([points, np.roll(points, -1, axis=0)], 1)])


def box_edges(low: Floats, high: Floats) -> Floats:
    """`[12, 2, 3]` m: the edges of a box by its corners."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(corners[a] - corners[b]).sum() == 1]
    points = np.asarray(low) + corners * (np.asarray(high) - np.asarray(low))
    return np.array([[points[a], points[b]] for a, b in edges])
