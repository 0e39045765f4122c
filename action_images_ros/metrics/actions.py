"""How right decoded actions are: position, rotation, openness, and tracks of the drawn points in the pictures."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..codec.decode import DecodedActions
from ..codec.encode import action_points
from ..geometry.arrays import Array, Bools, Floats
from ..geometry.camera import project
from ..geometry.pose import matrix_from_pose7
from .poses import pose_errors

__all__ = ["THRESHOLDS", "TRACK_SIZE", "action_errors", "constant_actions", "jaccard", "mean_pose", "tracks"]

TRACK_SIZE = 256
"""Tracks are measured in pixels of a picture whose shorter side has this many, the convention of TAP-Vid."""
THRESHOLDS = (1, 2, 4, 8, 16)
"""Distances in px within which a tracked point counts as found; their mean is the average Jaccard (TAP-Vid)."""


def action_errors(decoded: DecodedActions, world_from_tool: np.ndarray, openness: np.ndarray) -> dict[str, np.ndarray]:
    """Errors per frame [T] against the truth [T, 4, 4] and [T]: position_mm and rotation_deg, NaN where the frame is
    not valid, openness (1 where its side of 0.5 is right) and valid (1 where the decoder trusts the frame)."""
    position, rotation, _ = pose_errors(decoded, world_from_tool)
    trusted = np.where(decoded.valid, 1.0, np.nan)
    return {
        "position_mm": position * 1e3 * trusted,
        "rotation_deg": np.degrees(rotation) * trusted,
        "openness": ((decoded.openness > 0.5) == (openness > 0.5)).astype(float),
        "valid": decoded.valid.astype(float),
    }


def tracks(
    decoded: DecodedActions, world_from_tool: Floats, K: Floats, world_from_camera: Floats, size: tuple[int, int]
) -> dict[str, Array]:
    """The three drawn points of every frame as tracks in every view, flattened [V * T * 3].

    world_from_camera: [V, 4, 4], or [V, T, 4, 4] where a camera moves.

    track_px: distance in px at TRACK_SIZE between the points of the decoded and of the true pose, infinite where the
    frame is not valid. seen, claimed: whether the true and the decoded point lie inside the picture.
    """

    E = world_from_camera if world_from_camera.ndim == 4 else world_from_camera[:, None]

    def points(matrices: Floats) -> tuple[Floats, Bools]:
        uv, depth = project(action_points(matrices)[None], K[:, None, None], E[:, :, None])
        inside = (depth > 1e-6) & ((uv >= -0.5) & (uv <= np.array(size[::-1]) - 0.5)).all(-1)
        return uv, inside

    poses = np.where(decoded.valid[:, None], decoded.poses, [0, 0, 0, 0, 0, 0, 1.0])
    (true_uv, seen), (uv, claimed) = points(world_from_tool), points(matrix_from_pose7(poses))
    known = np.broadcast_to(decoded.valid[None, :, None], seen.shape)
    distance = np.where(known, np.linalg.norm(uv - true_uv, axis=-1) * TRACK_SIZE / min(size), np.inf)
    return {"track_px": distance.ravel(), "seen": seen.ravel(), "claimed": (claimed & known).ravel()}


def jaccard(distance: np.ndarray, seen: np.ndarray, claimed: np.ndarray, threshold: float) -> float:
    """Found points over those seen or wrongly claimed, in [0, 1] (Doersch et al. 2022, "TAP-Vid").

    A point is found when it is seen and claimed within `threshold` px; a claim that is no find counts once more.
    """
    found = seen & claimed & (distance < threshold)
    total = seen.sum() + (claimed & ~found).sum()
    return float(found.sum() / total) if total else float("nan")


def constant_actions(pose: np.ndarray, openness: float, frames: int) -> DecodedActions:
    """One pose [7] held for T frames, as if it had been decoded."""
    return DecodedActions(
        np.tile(np.asarray(pose, float), (frames, 1)),
        np.full(frames, float(openness)),
        np.tile(np.eye(6) * 1e-6, (frames, 1, 1)),
        np.ones(frames, bool),
    )


def mean_pose(poses: np.ndarray, openness: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean position, mean rotation (chordal) and the more frequent openness of poses [N, 7] and openness [N]."""
    turn = Rotation.from_quat(poses[:, 3:]).mean().as_quat()
    return np.concatenate([poses[:, :3].mean(axis=0), turn]), float(np.mean(openness > 0.5) > 0.5)
