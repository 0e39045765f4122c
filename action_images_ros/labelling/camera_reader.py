"""Pixel positions of the gripper in images, for calibration: label mode with unknown pose.

A conditioning pose would carry the offset of a wrong camera into the first frames; without one the readings follow the
images and hardly depend on the assumed camera poses. Frames need no even spacing: any T frames make a window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..calibration.estimate import estimate_rig
from ..calibration.readings import Readings, usable
from ..calibration.results import GOOD, RigResult, Settings
from ..codec.blobs import find_blobs
from ..policy.clips import Clips
from .labeller import camera_groups

__all__ = ["COARSE_M", "CameraReader", "ToolFrames", "calibrate_frames", "made_up_cameras"]

COARSE_M = 0.08
"""Cameras that moved by more than this at the workspace are read and solved a third time."""
INSTRUCTION = "reach the red target"
"""What label mode is told where the recording says nothing."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ToolFrames:
    """N moments: images uint8 `[V, N, H, W, 3]` at the model's size with K `[V, 3, 3]`, tool_poses `[N, 7]` (MODEL
    tool, base frame), stamps_ns int `[N]`."""

    cameras: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    K: Floats
    tool_poses: Floats
    stamps_ns: npt.NDArray[np.int64]
    instruction: str = ""

    def __len__(self) -> int:
        return len(self.tool_poses)

    def spread(self, count: int) -> ToolFrames:
        """At most `count` frames, evenly over time."""
        if len(self) <= count:
            return self
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int)
        return ToolFrames(
            self.cameras,
            self.images[:, chosen],
            self.K,
            self.tool_poses[chosen],
            self.stamps_ns[chosen],
            self.instruction,
        )


class CameraReader:
    """model: with ``card`` and ``generate`` (label mode). batch: windows per call of the model."""

    def __init__(self, model, *, batch: int = 4, seed: int = 0) -> None:
        self.model, self.batch, self.seed = model, batch, seed
        views = [int(count) for count in dict(model.card.recipe.get("views") or {})]
        self.views = max(max(views), 2) if views else None

    def read(self, frames: ToolFrames, world_from_camera: npt.ArrayLike) -> Readings:
        """The readings of N frames with cameras said to be at `[V, 4, 4]`."""
        T, count = int(self.model.card.frames), len(frames)
        windows = _windows(count, T)
        shape = (len(frames.cameras), count, 3, 2)
        uv, variance, number = np.zeros(shape), np.zeros(shape), np.zeros(count)
        for window in windows:
            np.add.at(number, window, 1)
        for group in camera_groups(len(frames.cameras), self.views):  # a camera of two groups keeps the later one's
            uv[group], variance[group] = 0.0, 0.0
            for start in range(0, len(windows), self.batch):
                part = windows[start : start + self.batch]
                for window, pictures in zip(part, self._generate(frames, world_from_camera, group, part), strict=True):
                    blobs = find_blobs(pictures)
                    for index, view in enumerate(group):
                        np.add.at(uv[view], window, blobs.uv[index])
                        np.add.at(variance[view], window, blobs.variance[index])
        uv, variance = uv / number[:, None, None], variance / number[:, None, None]
        size = (int(frames.images.shape[2]), int(frames.images.shape[3]))
        return Readings(
            frames.cameras,
            uv,
            variance,
            usable(uv, variance, size),
            frames.tool_poses,
            frames.K,
            size,
            frames.stamps_ns,
        )

    def _generate(self, frames: ToolFrames, cameras, group: list[int], windows) -> npt.NDArray[np.uint8]:
        many = len(windows)
        clips = Clips(
            np.stack([frames.images[group][:, window] for window in windows]),
            np.repeat(frames.K[None, group], many, 0),
            np.repeat(np.asarray(cameras, np.float64)[None, group], many, 0),
            [frames.instruction or INSTRUCTION] * many,
        )
        seeds = [self.seed + int(window[0]) for window in windows]
        return self.model.label(clips, seed=seeds)


def _windows(count: int, T: int) -> list[npt.NDArray[np.int64]]:
    """Windows of T frame indices that hold all `count` frames; frames are repeated where there are too few."""
    if count <= T:
        return [np.arange(T) * count // T]
    starts = [*range(0, count - T, T), count - T]
    return [np.arange(start, start + T) for start in starts]


def made_up_cameras(count: int) -> Floats:
    """`[count, 4, 4]`: one place in front of the robot for all of them, 1.1 m from the workspace and 40 deg above it;
    for cameras of which nothing is known."""
    forward = np.array([-np.cos(np.deg2rad(40)), 0.0, -np.sin(np.deg2rad(40))])
    right = np.array([0.0, 1.0, 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = np.array([0.5, 0.0, 0.1]) - 1.1 * forward
    return np.repeat(pose[None], count, 0)


def calibrate_frames(
    reader: CameraReader,
    frames: ToolFrames,
    told: npt.ArrayLike | None,
    settings: Settings = Settings(),  # noqa: B008
    *,
    rounds: int = 3,
) -> tuple[RigResult, Readings]:
    """Read, solve, and read again with what was found; the last result and its readings.

    told: `[V, 4, 4]`, None for no calibration at all. A right calibration takes one round, a slightly wrong one two.
    """
    rays = made_up_cameras(len(frames.cameras)) if told is None else np.array(told, np.float64)
    for number in range(rounds):
        readings = reader.read(frames, rays)
        result = estimate_rig(readings, told, settings)
        found = [
            camera.fit.world_from_camera if camera.fit is not None else rays[view]
            for view, camera in enumerate(result.cameras)
        ]
        far = told is None or any(camera.workspace_m > COARSE_M for camera in result.cameras)
        if result.problems or all(camera.verdict == GOOD for camera in result.cameras) or (number >= 1 and not far):
            break
        rays = np.stack(found)
    return result, readings
