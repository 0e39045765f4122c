"""What holds of every `Episode`, whoever made it: names, times, cameras, poses and openness, with the likely cause.

The functions take the episode while it is being made, and put its values into their final form.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..geometry.camera import normalised_cameras
from ..geometry.pose import matrix_from_pose7
from ..interfaces.fields import FARTHEST_M, checked_pose7
from ..interfaces.instruction import checked_instruction

__all__ = ["check_cameras", "check_poses", "check_times", "check_words"]

_NAME = re.compile(r"[A-Za-z0-9_][\w.+-]{0,119}")
_SLACK = 1e-4  # of openness beyond 0 and 1, and of a quaternion's length: float32 and a little more
_FOCAL = (0.02, 200.0)  # focal length as a multiple of the picture's larger side


def check_words(episode: Any) -> None:
    """Names that files are made of, the instruction, the seed."""
    for name, value in (("task", episode.task), *(("camera_names", camera) for camera in episode.camera_names)):
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise ValueError(
                f"{name} has {str(value)[:80]!r}; files are named after it: use letters, digits and "
                "_.+- only, and no dot in front"
            )
    if not isinstance(episode.instruction, str) or not episode.instruction.strip():
        raise ValueError("instruction is empty; say what the arm does (--instruction)")
    episode.instruction = checked_instruction(re.sub(r"\s*[^\S ]\s*", " ", episode.instruction))
    if (
        isinstance(episode.seed, bool)
        or not isinstance(episode.seed, int | np.integer)
        or not 0 <= episode.seed < 1 << 62
    ):
        raise ValueError(f"seed is {episode.seed!r}; give a whole number, 0 or more (--renumber numbers anew)")


def check_times(episode: Any) -> None:
    """dt and the stamps; fills in what was left out."""
    if not isinstance(episode.dt, int | float | np.floating | np.integer) or not 1e-3 <= episode.dt <= 3600:
        raise ValueError(f"dt is {episode.dt!r}; give the seconds between frames, 0.001 to 3600")
    episode.dt = float(episode.dt)
    regular = episode.dt * np.arange(episode.frames)
    episode.times = regular if np.size(episode.times) == 0 else np.asarray(episode.times, dtype=np.float64)
    if episode.times.shape != (episode.frames,) or not np.isfinite(episode.times).all():
        raise ValueError(
            f"times has shape {episode.times.shape} or is not finite; give {episode.frames} stamps in seconds"
        )
    episode.times = episode.times - episode.times[0]
    steps = np.diff(episode.times)
    if np.any(steps <= 0):
        at = int(np.argmax(steps <= 0))
        raise ValueError(
            f"times[{at + 1}] is {episode.times[at + 1]:g} after {episode.times[at]:g}; stamps must "
            "increase: is a clock set back, or a frame there twice?"
        )


def check_cameras(episode: Any) -> None:
    """Intrinsics and poses; focal lengths become positive."""
    episode.K, episode.world_from_camera = normalised_cameras(episode.K, episode.world_from_camera)
    height, width = episode.images.shape[2:4]
    for name, k in zip(episode.camera_names, episode.K, strict=True):
        focal, side = k[[0, 1], [0, 1]], max(height, width)
        if np.allclose(k, np.eye(3)) or focal.min() < _FOCAL[0] * side or focal.max() > _FOCAL[1] * side:
            raise ValueError(
                f"K of camera {name} has focal lengths {focal[0]:g} and {focal[1]:g} px for pictures "
                f"of {width}x{height}; is it the identity, normalised, or of another resolution?"
            )
    far = float(np.abs(episode.world_from_camera[..., :3, 3]).max())
    if far > FARTHEST_M:
        raise ValueError(f"world_from_camera has a translation of {far:,.0f} m: millimetres?")


def check_poses(episode: Any) -> None:
    """Poses and openness; quaternions become of length 1."""
    if not np.isfinite(episode.poses).all():
        at = [int(i) for i in np.argwhere(~np.isfinite(episode.poses))[0]]
        raise ValueError(f"poses{at} is {episode.poses[tuple(at)]}; every pose must be finite: leave such frames out")
    matrix_from_pose7(episode.poses)
    norm = np.linalg.norm(episode.poses[:, 3:], axis=1)
    worst = int(np.argmax(np.maximum(np.abs(norm - 1), np.abs(episode.poses[:, :3]).max(1) / 1e4)))
    checked_pose7(episode.poses[worst])
    checked_pose7(episode.poses[int(np.argmax(np.abs(episode.poses[:, :3]).max(1)))])
    episode.poses = (
        np.concatenate([episode.poses[:, :3], episode.poses[:, 3:] / norm[:, None]], axis=1)
        if np.any(norm != 1.0)
        else episode.poses
    )
    low, high = float(np.min(episode.openness)), float(np.max(episode.openness))
    if not (np.isfinite(episode.openness).all() and low >= -_SLACK and high <= 1 + _SLACK):
        raise ValueError(
            f"openness is {low:g} to {high:g}; it must be 0 (closed) to 1 (open): another convention? (--gripper)"
        )
    episode.openness = np.clip(episode.openness, 0.0, 1.0)
